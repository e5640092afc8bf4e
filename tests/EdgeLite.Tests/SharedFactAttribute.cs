namespace EdgeLite.Tests;

/// <summary>A test over the shared material, skipped with a message where that is not there.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class SharedFactAttribute : FactAttribute
{
    public SharedFactAttribute(string relative) => Skip = SharedData.WhyNot(relative);
}
