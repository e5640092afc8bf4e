using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Quantizing;

/// <summary>
/// Takes outlying channels out of what dense layers read from a normalization: channel j of the normalization's scale and bias is divided
/// by s[j] and row j of the weights multiplied by it, s[j] = sqrt(largest |x[j]| / largest |w[j]|). The float model computes the same.
/// Source: Xiao et al., "SmoothQuant", arXiv 2211.10438, equation 4 with alpha 0.5.
/// </summary>
internal static class SmoothScaling
{
    /// <summary>A factor lies between 1 / MaxFactor and MaxFactor: samples are few.</summary>
    private const double MaxFactor = 256;

    /// <summary>A normalization over the last axis, and the dense layers that read it.</summary>
    private sealed record Place(Node Normalization, Node[] Layers);

    /// <summary>True where the graph has a normalization that can be rescaled.</summary>
    public static bool Applies(Graph graph) => graph.Nodes.Any(n => Find(graph, n, _ => true) != null);

    /// <summary>Rescales constants in place and returns the number of normalizations rescaled; their results get new names.</summary>
    /// <param name="graph">float, optimised</param>
    /// <param name="isFree">false for nodes to be left as they are</param>
    /// <param name="observe">runs samples and shows every value</param>
    public static int Run(Graph graph, Func<Node, bool> isFree, Action<Action<Value, Tensor>> observe)
    {
        Dictionary<Value, Place> places = graph.Nodes.Select(n => Find(graph, n, isFree)).OfType<Place>().ToDictionary(p => p.Normalization.Outputs[0]!);
        if (places.Count == 0) return 0;
        var largest = new Dictionary<Value, float[]>();
        observe((value, tensor) =>
        {
            if (!places.TryGetValue(value, out Place? place)) return;
            if (!largest.TryGetValue(value, out float[]? channels)) largest[value] = channels = new float[place.Normalization.Inputs[1]!.Constant!.Count];
            ReadOnlySpan<float> data = tensor.Span<float>();
            for (int i = 0; i < data.Length; i++) channels[i % channels.Length] = Math.Max(channels[i % channels.Length], Math.Abs(data[i]));
        });
        foreach ((Value value, Place place) in places)
            if (largest.TryGetValue(value, out float[]? x)) Rescale(graph, place, Factors(place, x));
        return largest.Count;
    }

    private static Place? Find(Graph graph, Node node, Func<Node, bool> isFree)
    {
        if (!node.Is("LayerNormalization") && !node.Is("RMSNormalization") || node.Outputs[0] is not { DType: DType.Float32, Shape.IsRanked: true } y || graph.Outputs.Contains(y) || y.Consumers.Count == 0) return null;
        if (node.Attributes.Int("axis", -1) is var axis && axis != -1 && axis != y.Shape.Rank - 1) return null;
        if (node.Input(1)?.Constant is not { DType: DType.Float32, Shape.Rank: 1 } scale || node.Input(2) is { } bias && bias.Constant is not { Shape.Rank: 1 }) return null;
        foreach (Node reader in y.Consumers)
        {
            bool isDense = (reader.Is("MatMul") || reader.Is("Gemm") && reader.Attributes.Int("transA", 0) == 0) && reader.Inputs[0] == y && reader.Inputs[1] != y && reader.Input(2) != y;
            if (!isDense || !isFree(reader) || reader.Inputs[1]!.Constant is not { DType: DType.Float32, Shape.Rank: 2 } w || w.Shape[DenseWeights.InRows(reader) ? 1 : 0] != scale.Count) return null;
        }
        return new Place(node, [.. y.Consumers]);
    }

    private static double[] Factors(Place place, float[] x)
    {
        var w = new double[x.Length];
        foreach (Node layer in place.Layers)
        {
            Tensor weights = layer.Inputs[1]!.Constant!;
            long n = weights.Count / x.Length;
            for (long i = 0; i < weights.Count; i++)
            {
                long row = DenseWeights.InRows(layer) ? i % x.Length : i / n;
                w[row] = Math.Max(w[row], Math.Abs(weights.GetDouble(i)));
            }
        }
        return [.. x.Select((most, j) => most > 0 && w[j] > 0 && float.IsFinite(most) ? Math.Clamp(Math.Sqrt(most / w[j]), 1 / MaxFactor, MaxFactor) : 1)];
    }

    private static void Rescale(Graph graph, Place place, double[] s)
    {
        ScaledConstant.Replace(graph, place.Normalization, 1, ".smooth", (i, _) => 1 / s[i]);
        if (place.Normalization.Input(2) != null) ScaledConstant.Replace(graph, place.Normalization, 2, ".smooth", (i, _) => 1 / s[i]);
        foreach (Node layer in place.Layers)
        {
            long n = layer.Inputs[1]!.Constant!.Count / s.Length;
            ScaledConstant.Replace(graph, layer, 1, ".smooth", (i, _) => s[DenseWeights.InRows(layer) ? i % s.Length : i / n]);
        }
        Value y = place.Normalization.Outputs[0]!;
        y.SourceName = null;
        graph.Rename(y, graph.FreshName(y.Name + ".smooth"));
    }
}
