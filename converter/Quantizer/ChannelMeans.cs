using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Quantizing;

/// <summary>
/// The mean of each channel of what layers read, over all samples. With it the bias makes up for what rounding the weights does to
/// the mean of a result: b[o] += sum over i, taps of (w - scale[o] * q)[o, i] * mean x[i] (Nagel et al., "Data-Free Quantization
/// Through Weight Equalization and Bias Correction", 2019, section 4.2; edges of the picture are taken like its middle).
/// </summary>
internal sealed class ChannelMeans
{
    private readonly Dictionary<(Value, int Axis), (double[] Sums, long Count)> _sums = [];

    /// <summary>The same of a copy of the graph, whose values have the same names.</summary>
    public ChannelMeans Of(Graph copy)
    {
        var result = new ChannelMeans();
        foreach (((Value value, int axis), (double[], long) sums) in _sums) result._sums[(copy.Find(value.Name)!, axis)] = sums;
        return result;
    }

    /// <summary>The axis of channels in what a layer reads.</summary>
    private static int Axis(Node layer, Shape x) => layer.OpType is "Conv" or "ConvTranspose" ? 1 : x.Rank - 1;

    public void Add(Node layer, Tensor x)
    {
        Value value = layer.Inputs[0]!;
        int axis = Axis(layer, x.Shape);
        long channels = x.Shape[axis], inner = x.Shape.Product(axis + 1, x.Shape.Rank);
        (double[] sums, long count) = _sums.GetValueOrDefault((value, axis), (new double[channels], 0));
        ReadOnlySpan<float> data = x.Span<float>();
        for (int from = 0, c = 0; from < data.Length; from += (int)inner, c = (c + 1) % sums.Length)
        {
            double sum = 0;
            foreach (float v in data.Slice(from, (int)inner)) sum += v;
            sums[c] += sum;
        }
        _sums[(value, axis)] = (sums, count + data.Length / Math.Max(channels, 1));
    }

    /// <summary>What to add to the bias of each output channel; null where nothing was seen.</summary>
    /// <param name="layer">Conv, ConvTranspose of one group, Gemm or MatMul, reading the value that was seen</param>
    /// <param name="weights">as they were, float32</param>
    /// <param name="stored">rounded to int8</param>
    /// <param name="axis">the weights' axis of output channels</param>
    /// <param name="scales">for each output channel</param>
    public float[]? Correction(Node layer, Tensor weights, Tensor stored, int axis, float[] scales)
    {
        Value x = layer.Inputs[0]!;
        if (!x.Shape.IsRanked || !_sums.TryGetValue((x, Axis(layer, x.Shape)), out var seen) || seen.Count == 0) return null;
        // Weights are [out, in / group, taps..], [in, out, taps..], or a matrix.
        int inAxis = 1 - axis;
        Shape shape = weights.Shape;
        long inner = shape.Product(2, shape.Rank), inSize = shape[inAxis];
        long outPerGroup = layer.OpType == "Conv" ? Math.Max(1, shape[0] / layer.Attributes.Int("group", 1)) : long.MaxValue;
        // Of a transposed convolution's taps, one in stride meets each output.
        double share = layer.OpType == "ConvTranspose" ? 1.0 / (layer.Attributes.Ints("strides") ?? []).Aggregate(1L, (a, s) => a * s) : 1;
        var sums = new double[scales.Length];
        ReadOnlySpan<float> w = weights.Span<float>();
        ReadOnlySpan<sbyte> q = stored.Span<sbyte>();
        for (int i = 0; i < w.Length; i++)
        {
            long first = i / (inner * shape[1]), second = i / inner % shape[1];
            long o = axis == 0 ? first : second, c = (axis == 0 ? second : first) + o / outPerGroup * inSize;
            if (c >= seen.Sums.Length) return null;
            sums[o] += (w[i] - (double)scales[o] * q[i]) * seen.Sums[c];
        }
        return [.. sums.Select(s => (float)(s / seen.Count * share))];
    }
}
