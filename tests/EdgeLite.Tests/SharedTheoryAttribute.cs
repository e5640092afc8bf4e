namespace EdgeLite.Tests;

/// <summary>A theory over the shared material, skipped with a message where that is not there.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class SharedTheoryAttribute : TheoryAttribute
{
    public SharedTheoryAttribute(string relative) => Skip = SharedData.WhyNot(relative);
}
