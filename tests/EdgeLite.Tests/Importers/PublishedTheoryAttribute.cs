namespace EdgeLite.Tests.Importers;

/// <summary>A theory over what npm packages carry, skipped with the reason where one cannot be fetched.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class PublishedTheoryAttribute : TheoryAttribute
{
    public PublishedTheoryAttribute(params string[] packages) => Skip = packages.Select(PublishedModels.WhyNot).FirstOrDefault(reason => reason != null);
}
