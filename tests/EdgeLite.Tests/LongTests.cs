using System.Globalization;

namespace EdgeLite.Tests;

/// <summary>Cases that take many seconds each, and whose like is tested by quicker ones: they run where EDGELITE_LONG_TESTS is set.</summary>
internal static class LongTests
{
    public static bool Wanted { get; } = Environment.GetEnvironmentVariable("EDGELITE_LONG_TESTS") is { Length: > 0 };

    /// <summary>The numbers that tests of damaged files and of random models are made from, in place of the usual few: EDGELITE_FUZZ=1000-1999, or one number.</summary>
    public static (int First, int Last)? Seeds { get; } = Environment.GetEnvironmentVariable("EDGELITE_FUZZ") is { Length: > 0 } range
        ? (int.Parse(range.Split('-')[0], CultureInfo.InvariantCulture), int.Parse(range.Split('-')[^1], CultureInfo.InvariantCulture)) : null;
}
