namespace EdgeLite.Tests;

/// <summary>Cases that take many seconds each, and whose like is tested by quicker ones: they run where EDGELITE_LONG_TESTS is set.</summary>
internal static class LongTests
{
    public static bool Wanted { get; } = Environment.GetEnvironmentVariable("EDGELITE_LONG_TESTS") is { Length: > 0 };
}
