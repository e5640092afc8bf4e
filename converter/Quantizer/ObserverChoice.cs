using EdgeLite.Converter.Ir;
using EdgeLite.Core;

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

    private static readonly (RangeMethod Method, double Percentile)[] s_candidates =
        [(RangeMethod.Percentile, 99.999), (RangeMethod.MinMax, 100), (RangeMethod.Percentile, 99.99), (RangeMethod.MeanSquaredError, 100), (RangeMethod.Entropy, 100)];

    /// <summary>The options with the method and percentile that did best. <paramref name="graph"/> stays as it is.</summary>
    public static QuantizationOptions Choose(Graph graph, ICalibrationData data, Observations seen, QuantizationOptions options, IProgress<QuantizationProgress>? progress)
    {
        QuantizationOptions best = options with { Method = s_candidates[0].Method, Percentile = s_candidates[0].Percentile };
        // Evenly from all samples.
        int count = Math.Min(Samples, seen.Samples);
        int[] samples = [.. Enumerable.Range(0, count).Select(i => i * seen.Samples / count)];
        Tensor[][] expected;
        using (IGraphRunner runner = options.Runner(graph))
            expected = [.. samples.Select(s => runner.Run(data.Load(s)).Select(t => t.Clone()).ToArray())];
        if (expected[0].All(t => t.DType != DType.Float32)) return best;
        double most = double.NegativeInfinity;
        for (int c = 0; c < s_candidates.Length; c++)
        {
            progress?.Report(new("observers", c, s_candidates.Length));
            QuantizationOptions candidate = options with { Method = s_candidates[c].Method, Percentile = s_candidates[c].Percentile };
            double sqnr = Sqnr(graph, data, seen, candidate with { Int8IO = false }, samples, expected);
            if (sqnr > most) (most, best) = (sqnr, candidate);
        }
        progress?.Report(new("observers", s_candidates.Length, s_candidates.Length));
        return best;
    }

    private static double Sqnr(Graph graph, ICalibrationData data, Observations seen, QuantizationOptions options, int[] samples, Tensor[][] expected)
    {
        Graph copy = GraphCopy.Of(graph);
        Quantizer.Apply(copy, seen.Of(copy), options);
        ShapeInference.Run(copy);
        var sums = new Dictionary<int, ComparisonSums>();
        using IGraphRunner runner = new NativeRunner(copy, showValues: false);
        for (int s = 0; s < samples.Length; s++)
        {
            IReadOnlyList<Tensor> actual = runner.Run(data.Load(samples[s]));
            for (int i = 0; i < actual.Count; i++)
            {
                if (expected[s][i].DType != DType.Float32 || expected[s][i].Count != actual[i].Count) continue;
                if (!sums.TryGetValue(i, out ComparisonSums? sum)) sums[i] = sum = new ComparisonSums();
                sum.Add(expected[s][i], actual[i], null, null);
            }
        }
        return sums.Count == 0 ? double.NegativeInfinity : sums.Values.Min(v => v.Sqnr);
    }
}
