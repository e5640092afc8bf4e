using System.Diagnostics;
using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Quantizing;

/// <summary>What quantizing a float graph in one way or another does to its outputs, on a few samples.</summary>
internal sealed class OutputNoise
{
    /// <summary>The first run, which brings a model into memory, is not its time.</summary>
    private const int LeastRuns = 3;

    private readonly Graph _source, _graph;
    private readonly ICalibrationData _samples;
    private readonly Tensor[][] _expected;
    private readonly int[] _measured;

    /// <param name="graph">float; stays as it is</param>
    /// <param name="samples">all of them are run</param>
    /// <param name="options">runs the float graph</param>
    public OutputNoise(Graph graph, ICalibrationData samples, QuantizationOptions options)
    {
        _source = graph;
        _graph = WithWhatChoicesRead(graph);
        _samples = samples;
        using IGraphRunner runner = options.Runner(_graph);
        _expected = [.. Enumerable.Range(0, samples.Count).Select(i => runner.Run(samples.Load(i)).Select(t => t.Clone()).ToArray())];
        int[] floats = [.. Enumerable.Range(0, _graph.Outputs.Count).Where(i => _expected[0][i].DType == DType.Float32)];
        HashSet<Value> chosen = Chosen(_graph);
        int[] direct = [.. floats.Where(i => !chosen.Contains(_graph.Outputs[i]))];
        _measured = direct.Length > 0 ? direct : floats;
    }

    /// <summary>False when no output is float32, whose error could be measured.</summary>
    public bool IsMeasurable => _measured.Length > 0;

    /// <summary>A quantized copy of the graph.</summary>
    public Graph Quantized(Observations seen, QuantizationOptions options) => Quantized(_source, seen, options);

    private static Graph Quantized(Graph graph, Observations seen, QuantizationOptions options)
    {
        Graph copy = GraphCopy.Of(graph);
        Quantizer.Apply(copy, seen.Of(copy), options);
        if (options.HalvesFloatWeights) HalfWeights.Round(copy, DType.Float16);
        ShapeInference.Run(copy);
        return copy;
    }

    /// <summary>The lowest SQNR of a quantized copy's float32 outputs over all samples, dB, and the milliseconds of its fastest run here, on one thread. Outputs behind a choice among
    /// values (a detector's best boxes: another order of equals is no noise) are left out where there are others; where there are none, what the choices read counts in their
    /// place. Left out is, too, an output whose size depends on values where the sizes differ.</summary>
    public (double Sqnr, double Milliseconds) Of(Observations seen, QuantizationOptions options)
    {
        var sums = new Dictionary<int, ComparisonSums>();
        using IGraphRunner runner = new NativeRunner(Quantized(_graph, seen, options), showValues: false);
        double fastest = double.PositiveInfinity;
        for (int s = 0; s < _expected.Length; s++)
        {
            IReadOnlyList<Tensor> actual = Run(_samples.Load(s));
            foreach (int i in _measured)
            {
                if (_expected[s][i].Count != actual[i].Count) continue;
                if (!sums.TryGetValue(i, out ComparisonSums? sum)) sums[i] = sum = new ComparisonSums();
                sum.Add(_expected[s][i], actual[i], null, null);
            }
        }
        for (int run = _expected.Length; run < LeastRuns; run++) Run(_samples.Load(0));
        return (sums.Count == 0 ? double.NegativeInfinity : sums.Values.Min(v => v.Sqnr), fastest);

        IReadOnlyList<Tensor> Run(IReadOnlyList<Tensor> inputs)
        {
            long start = Stopwatch.GetTimestamp();
            IReadOnlyList<Tensor> outputs = runner.Run(inputs);
            fastest = Math.Min(fastest, Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            return outputs;
        }
    }

    /// <summary>Where every float32 output is behind a choice, a copy that also puts out the computed values that choices, and what follows them, read: heat maps,
    /// scores, offsets. Otherwise the graph itself.</summary>
    private static Graph WithWhatChoicesRead(Graph graph)
    {
        HashSet<Value> chosen = Chosen(graph);
        if (graph.Outputs.Any(o => o.DType == DType.Float32 && !chosen.Contains(o))) return graph;
        Value[] read = [.. graph.Nodes.Where(n => n.Outputs.Any(o => o != null && chosen.Contains(o))).SelectMany(n => n.Inputs).OfType<Value>()
            .Where(v => QuantizationRoles.IsActivation(v) && v.Producer != null && !chosen.Contains(v)).Distinct()];
        if (read.Length == 0) return graph;
        Graph copy = GraphCopy.Of(graph);
        foreach (Value value in read) copy.AddOutput(copy.Find(value.Name)!);
        return copy;
    }

    /// <summary>Values that depend on which elements are largest.</summary>
    private static HashSet<Value> Chosen(Graph graph)
    {
        var chosen = new HashSet<Value>();
        foreach (Node node in graph.Nodes)
            if (node.OpType is "TopK" or "ArgMax" or "ArgMin" or "NonMaxSuppression" or "NonZero" || node.Inputs.Any(i => i != null && chosen.Contains(i))) chosen.UnionWith(node.Outputs.OfType<Value>());
        return chosen;
    }
}
