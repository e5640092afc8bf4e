using EdgeLite.Converter.Ir;

namespace EdgeLite.Converter.Quantizing;

/// <summary>
/// Chooses how ranges are taken: of several observers the one whose int8 model is nearest to the float model on samples of the calibration
/// itself, by the lowest SQNR of an output. A range that is right for one network cuts off what another one lives on, and no rule on a
/// single tensor tells these apart; what the outputs lose does.
/// </summary>
internal static class ObserverChoice
{
    /// <summary>Samples that each observer is tried on.</summary>
    private const int Samples = 16;

    /// <summary>What is tried, in the order in which a search under a budget takes the first that is good enough.</summary>
    public static readonly (RangeMethod Method, double Percentile)[] Candidates =
        [(RangeMethod.Percentile, 99.999), (RangeMethod.MinMax, 100), (RangeMethod.MeanSquaredError, 100), (RangeMethod.Percentile, 99.99), (RangeMethod.Entropy, 100)];

    /// <summary>The options with the method and percentile that did best, and the SQNR at the outputs with them, dB; NaN where there is none to be measured.
    /// <paramref name="graph"/> stays as it is.</summary>
    public static (QuantizationOptions Options, double Sqnr) Choose(Graph graph, ICalibrationData data, Observations seen, QuantizationOptions options, IProgress<QuantizationProgress>? progress)
    {
        QuantizationOptions best = options with { Method = Candidates[0].Method, Percentile = Candidates[0].Percentile };
        var noise = new OutputNoise(graph, SplitSamples.Evenly(data, seen.Samples, Samples), options);
        if (!noise.IsMeasurable) return (best, double.NaN);
        double most = double.NegativeInfinity;
        for (int c = 0; c < Candidates.Length; c++)
        {
            progress?.Report(new("observers", c, Candidates.Length));
            QuantizationOptions candidate = options with { Method = Candidates[c].Method, Percentile = Candidates[c].Percentile };
            (double sqnr, _) = noise.Of(seen, candidate with { Int8IO = false });
            if (sqnr > most) (most, best) = (sqnr, candidate);
        }
        progress?.Report(new("observers", Candidates.Length, Candidates.Length));
        return (best, most);
    }
}
