using EdgeLite.Core;

namespace EdgeLite;

/// <summary>How an output of a self-test differs from what was expected.</summary>
public sealed class SelfTestResult
{
    /// <summary>Compares one output of one run. Strings and complex numbers are equal or not; NaN equals NaN.</summary>
    /// <param name="sample">number of the run</param>
    /// <param name="output">its name</param>
    /// <param name="expected">what it should be</param>
    /// <param name="actual">what it is</param>
    /// <param name="minSqnr">dB that it must have; 0: it must be equal</param>
    public SelfTestResult(int sample, string output, Tensor expected, Tensor actual, double minSqnr)
    {
        Sample = sample;
        Output = output;
        MinSqnr = minSqnr;
        Expected = expected.Type;
        Actual = actual.Type;
        (Sqnr, MaxDifference) = (double.PositiveInfinity, 0);
        if (Expected != Actual) (Sqnr, MaxDifference) = (double.NegativeInfinity, double.PositiveInfinity);
        else if (!AreSame(expected, actual)) Measure(expected, actual);
        IsExact = Sqnr == double.PositiveInfinity && MaxDifference == 0;
    }

    public int Sample { get; }
    public string Output { get; }
    public TensorType Expected { get; }
    public TensorType Actual { get; }

    /// <summary>Every element is equal.</summary>
    public bool IsExact { get; }

    /// <summary>10 log10(sum of expected² / sum of (expected - actual)²) in dB: infinity when all is equal, minus infinity when types differ,
    /// or an element is infinite or no number on one side only.</summary>
    public double Sqnr { get; private set; }

    /// <summary>Largest |expected - actual|.</summary>
    public double MaxDifference { get; private set; }

    /// <summary>What <see cref="Sqnr"/> must be at least; 0: all must be equal.</summary>
    public double MinSqnr { get; }

    public bool Passed => IsExact || MinSqnr > 0 && Sqnr >= MinSqnr;

    public override string ToString()
    {
        string difference = IsExact ? "exact" : Expected != Actual ? $"{Actual}, {Expected} expected"
            : FormattableString.Invariant($"SQNR {Sqnr:0.0} dB, largest difference {MaxDifference:g3}{(Passed ? "" : MinSqnr > 0 ? $", at least {MinSqnr:0.0} dB expected" : ", equal elements expected")}");
        return $"output '{Output}' of sample {Sample}: {difference}";
    }

    private static bool AreSame(Tensor expected, Tensor actual)
    {
        if (expected.Strings is not { } strings) return expected.Bytes.SequenceEqual(actual.Bytes);
        return strings.AsSpan().SequenceEqual(actual.Strings);
    }

    private void Measure(Tensor expected, Tensor actual)
    {
        if (expected.Strings != null || expected.DType.IsComplex())
        {
            (Sqnr, MaxDifference) = (double.NegativeInfinity, double.PositiveInfinity);
            return;
        }
        double signal = 0, noise = 0;
        for (long i = 0; i < expected.Count; i++)
        {
            double x = expected.GetDouble(i), y = actual.GetDouble(i);
            if (x.Equals(y)) // NaN too
            {
                if (double.IsFinite(x)) signal += x * x;
                continue;
            }
            double difference = double.IsFinite(x) && double.IsFinite(y) ? Math.Abs(x - y) : double.PositiveInfinity;
            signal += double.IsFinite(x) ? x * x : 0;
            noise += difference * difference;
            MaxDifference = Math.Max(MaxDifference, difference);
        }
        // Large integers may differ by less than a double tells.
        if (noise == 0 && expected.DType is DType.Int64 or DType.UInt64) (noise, MaxDifference) = (1, 1);
        if (noise > 0) Sqnr = double.IsFinite(noise) ? 10 * Math.Log10(signal / noise) : double.NegativeInfinity;
    }
}
