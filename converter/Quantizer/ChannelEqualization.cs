using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Quantizing;

/// <summary>
/// Brings the channels between two convolutions that follow each other directly to similar ranges, so that one scale for the tensor
/// suits them all: with factors s[c], conv2(conv1(x)) = conv2'(conv1'(x)), conv1' of weights and bias / s[out], conv2' of weights *
/// s[in]. Before a depthwise layer, whose weights have a scale a channel, s[c] = a[c] / max a takes all of the range; before a
/// dense one, s[c] = sqrt(a[c] / (w[c] max a)) shares it between activations and weights. a[c]: largest |activation| of channel c on
/// samples; w[c]: largest |weight| of input channel c relative to its output channel's largest. Across a Relu the same identity
/// holds, but it loses more in the weights than it gains (MobileNetV1: 3 dB worse), so those are left alone.
/// Sources: Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias Correction", 2019, section 4.1; the square
/// root of both sides as in Xiao et al., "SmoothQuant", arXiv 2211.10438.
/// </summary>
internal static class ChannelEqualization
{
    /// <summary>A factor lies between 1 / MaxFactor and MaxFactor: samples are few.</summary>
    private const double MaxFactor = 32;

    /// <summary>A value between two convolutions.</summary>
    private sealed record Bridge(Node First, Value Between, Node Second);

    /// <summary>Rescales weights in place and returns the number of values rescaled. Those get new names, since they no longer hold what
    /// the source model's did.</summary>
    /// <param name="graph">float, optimised</param>
    /// <param name="isFree">false for nodes to be left as they are</param>
    /// <param name="observe">runs samples and shows every value</param>
    public static int Run(Graph graph, Func<Node, bool> isFree, Action<Action<Value, Tensor>> observe)
    {
        Dictionary<Value, Bridge> bridges = Find(graph, isFree).ToDictionary(b => b.Between);
        if (bridges.Count == 0) return 0;
        var largest = new Dictionary<Value, float[]>();
        observe((value, tensor) =>
        {
            if (!bridges.ContainsKey(value) || tensor.Shape.Rank < 3) return;
            if (!largest.TryGetValue(value, out float[]? channels)) largest[value] = channels = new float[tensor.Shape[1]];
            int inner = (int)tensor.Shape.Product(2, tensor.Shape.Rank);
            ReadOnlySpan<float> data = tensor.Span<float>();
            for (int i = 0; i < data.Length; i++)
            {
                ref float at = ref channels[i / inner % channels.Length];
                at = Math.Max(at, Math.Abs(data[i]));
            }
        });
        int count = 0;
        foreach (Bridge bridge in bridges.Values)
        {
            if (!largest.TryGetValue(bridge.Between, out float[]? a) || Factors(bridge, a) is not { } s) continue;
            Rescale(graph, bridge, s);
            count++;
        }
        return count;
    }

    private static IEnumerable<Bridge> Find(Graph graph, Func<Node, bool> isFree)
    {
        foreach (Node first in graph.Nodes)
        {
            if (!IsConv(first) || SoleReader(graph, first.Output) is not { } next) continue;
            if (!IsConv(next) || next.Inputs[0] != first.Output) continue;
            long channels = first.Inputs[1]!.Shape[0], groups = next.Attributes.Int("group", 1);
            bool depthwise = groups == channels && next.Inputs[1]!.Shape[1] == 1;
            if (groups == 1 && next.Inputs[1]!.Shape[1] == channels || depthwise) yield return new Bridge(first, first.Output, next);
        }

        bool IsConv(Node node) => node.Is("Conv") && isFree(node) && QuantizationRoles.Of(node).Role == QuantizationRole.Layer;
    }

    private static Node? SoleReader(Graph graph, Value value) => value.Consumers.Count == 1 && !graph.Outputs.Contains(value) ? value.Consumers[0] : null;

    private static double[]? Factors(Bridge bridge, float[] a)
    {
        double most = a.Max();
        if (!double.IsFinite(most) || most <= 0) return null;
        var s = new double[a.Length];
        double[]? w = bridge.Second.Inputs[1]!.Shape[1] == 1 && a.Length > 1 ? null : RelativeWeights(bridge.Second.Inputs[1]!.Constant!);
        for (int c = 0; c < s.Length; c++)
        {
            double range = a[c] / most;
            double factor = w == null ? range : Math.Sqrt(range / w[c]);
            s[c] = a[c] == 0 || !(factor > 0) || double.IsInfinity(factor) ? 1 : Math.Clamp(factor, 1 / MaxFactor, MaxFactor);
        }
        return s;
    }

    /// <summary>For each input channel of [out, in, taps..]: max over out, taps of |w| / max |w[out]|.</summary>
    private static double[] RelativeWeights(Tensor weights)
    {
        long inChannels = weights.Shape[1], inner = weights.Shape.Product(2, weights.Shape.Rank), row = inChannels * inner;
        ReadOnlySpan<float> w = weights.Span<float>();
        var result = new double[inChannels];
        for (int from = 0; from < w.Length; from += (int)row)
        {
            ReadOnlySpan<float> values = w.Slice(from, (int)row);
            double most = 0;
            foreach (float v in values) most = Math.Max(most, Math.Abs(v));
            if (most == 0) continue;
            for (int i = 0; i < values.Length; i++) result[i / inner] = Math.Max(result[i / inner], Math.Abs(values[i]) / most);
        }
        return result;
    }

    private static void Rescale(Graph graph, Bridge bridge, double[] s)
    {
        ScaledConstant.Replace(graph, bridge.First, 1, ".equalized", (i, shape) => 1 / s[i / shape.Product(1, shape.Rank)]);
        if (bridge.First.Input(2) != null) ScaledConstant.Replace(graph, bridge.First, 2, ".equalized", (i, _) => 1 / s[i]);
        bool depthwise = bridge.Second.Attributes.Int("group", 1) > 1;
        ScaledConstant.Replace(graph, bridge.Second, 1, ".equalized", (i, shape) => s[depthwise ? i / (shape.Count / s.Length) : i / shape.Product(2, shape.Rank) % shape[1]]);
        bridge.Between.SourceName = null;
        graph.Rename(bridge.Between, graph.FreshName(bridge.Between.Name + ".equalized"));
    }
}
