using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Quantizing;

/// <summary>What quantizing a float graph in one way or another does to its outputs, on a few samples.</summary>
internal sealed class OutputNoise
{
    private readonly Graph _graph;
    private readonly ICalibrationData _samples;
    private readonly Tensor[][] _expected;

    /// <param name="graph">float; stays as it is</param>
    /// <param name="samples">all of them are run</param>
    /// <param name="options">runs the float graph</param>
    public OutputNoise(Graph graph, ICalibrationData samples, QuantizationOptions options)
    {
        _graph = graph;
        _samples = samples;
        using IGraphRunner runner = options.Runner(graph);
        _expected = [.. Enumerable.Range(0, samples.Count).Select(i => runner.Run(samples.Load(i)).Select(t => t.Clone()).ToArray())];
    }

    /// <summary>False when no output is float32, whose error could be measured.</summary>
    public bool IsMeasurable => _expected[0].Any(t => t.DType == DType.Float32);

    /// <summary>A quantized copy, and the lowest SQNR of its float32 outputs over all samples, dB; an output whose size depends on values is
    /// left out where the sizes differ.</summary>
    public (Graph Graph, double Sqnr) Of(Observations seen, QuantizationOptions options)
    {
        Graph copy = GraphCopy.Of(_graph);
        Quantizer.Apply(copy, seen.Of(copy), options);
        ShapeInference.Run(copy);
        var sums = new Dictionary<int, ComparisonSums>();
        using IGraphRunner runner = new NativeRunner(copy, showValues: false);
        for (int s = 0; s < _expected.Length; s++)
        {
            IReadOnlyList<Tensor> actual = runner.Run(_samples.Load(s));
            for (int i = 0; i < actual.Count; i++)
            {
                if (_expected[s][i].DType != DType.Float32 || _expected[s][i].Count != actual[i].Count) continue;
                if (!sums.TryGetValue(i, out ComparisonSums? sum)) sums[i] = sum = new ComparisonSums();
                sum.Add(_expected[s][i], actual[i], null, null);
            }
        }
        return (copy, sums.Count == 0 ? double.NegativeInfinity : sums.Values.Min(v => v.Sqnr));
    }
}
