using EdgeLite.Converter.Ir;
using EdgeLite.Core;
using EdgeLite.Ops;

namespace EdgeLite.Converter.Lowering;

/// <summary>
/// The parameters of an ONNX Conv or ConvTranspose with one or two spatial dimensions, as the edgelite operators want them: two
/// spatial dimensions (a 1-D convolution has height 1), explicit padding [top, left, bottom, right].
/// </summary>
internal sealed record ConvGeometry(
    bool IsTranspose, int SpatialRank, long[] Kernel, long[] Strides, long[] Pads, long[] Dilations, long[] OutputPadding, int Groups, long InChannels, long OutChannels)
{
    /// <summary>One weight a channel and tap.</summary>
    public bool IsDepthwise => !IsTranspose && Groups > 1 && Groups == InChannels && Groups == OutChannels;

    public string OpType => IsTranspose ? "ConvTranspose" : IsDepthwise ? "DepthwiseConv" : "Conv";
    public Packing Packing => IsTranspose ? Packing.ConvTranspose : IsDepthwise ? Packing.Depthwise : Packing.Conv;

    /// <summary>The geometry of <paramref name="node"/> with weights of this shape, or null where it has no lowered form
    /// (three spatial dimensions, automatic padding of an unknown size).</summary>
    public static ConvGeometry? Of(Node node, Shape w)
    {
        bool transpose = node.OpType == "ConvTranspose";
        if (!w.IsKnown || w.Rank is not (3 or 4)) return null;
        int spatial = w.Rank - 2;
        AttributeSet a = node.Attributes;
        int groups = (int)a.Int("group", 1);
        long[] kernel = w.AsSpan()[2..].ToArray();
        long[] strides = a.Ints("strides") ?? Ones(spatial), dilations = a.Ints("dilations") ?? Ones(spatial);
        long[] outputPadding = a.Ints("output_padding") ?? new long[spatial];
        long[]? pads = a.Ints("pads") ?? new long[2 * spatial];
        string auto = a.String("auto_pad", "NOTSET");
        if (auto == "VALID") pads = new long[2 * spatial];
        else if (auto is "SAME_UPPER" or "SAME_LOWER" || transpose && a.Has("output_shape"))
        {
            if (transpose) pads = TransposePads(node, kernel, strides, dilations, outputPadding, auto);
            else pads = SamePads(node.Inputs[0]!.Shape, kernel, strides, dilations, auto == "SAME_UPPER");
        }
        if (pads == null || pads.Any(p => p < 0)) return null;
        long inChannels = transpose ? w[0] : w[1] * groups, outChannels = transpose ? w[1] * groups : w[0];
        if (spatial == 1)
        {
            kernel = [1, kernel[0]];
            strides = [1, strides[0]];
            dilations = [1, dilations[0]];
            outputPadding = [0, outputPadding[0]];
            pads = [0, pads[0], 0, pads[1]];
        }
        return new ConvGeometry(transpose, spatial, kernel, strides, pads, dilations, outputPadding, groups, inChannels, outChannels);
    }

    public AttributeSet Attributes()
    {
        AttributeSet set = AttributeSet.Of(
            ("kernel_shape", Kernel), ("strides", Strides), ("pads", Pads), ("dilations", Dilations), ("group", (long)Groups), ("out_channels", OutChannels));
        if (IsTranspose) set["output_padding"] = OutputPadding;
        return set;
    }

    /// <summary>SAME padding: ceil(size / stride) outputs, the odd one at the end (SAME_UPPER) or at the start.</summary>
    public static long[]? SamePads(Shape x, long[] kernel, long[] strides, long[] dilations, bool upper)
    {
        int n = kernel.Length;
        var pads = new long[2 * n];
        if (!x.IsRanked || x.Rank != n + 2) return null;
        for (int i = 0; i < n; i++)
        {
            long size = x[2 + i];
            if (size < 0) return null;
            long total = Math.Max(0, ((size + strides[i] - 1) / strides[i] - 1) * strides[i] + (kernel[i] - 1) * dilations[i] + 1 - size);
            pads[i] = upper ? total / 2 : total - total / 2;
            pads[n + i] = total - pads[i];
        }
        return pads;
    }

    /// <summary>ONNX ConvTranspose: total = stride*(in - 1) + output_padding + (k - 1)*dilation + 1 - out; where auto_pad is
    /// SAME_UPPER the smaller half comes first, otherwise the larger.</summary>
    private static long[]? TransposePads(Node node, long[] kernel, long[] strides, long[] dilations, long[] outputPadding, string auto)
    {
        int n = kernel.Length;
        var pads = new long[2 * n];
        Shape x = node.Inputs[0]!.Shape, y = node.Output.Shape;
        if (!x.IsRanked || !y.IsRanked) return null;
        for (int i = 0; i < n; i++)
        {
            if (x[2 + i] < 0 || y[2 + i] < 0) return null;
            long total = strides[i] * (x[2 + i] - 1) + outputPadding[i] + (kernel[i] - 1) * dilations[i] + 1 - y[2 + i];
            pads[i] = auto == "SAME_UPPER" ? total / 2 : total - total / 2;
            pads[n + i] = total - pads[i];
        }
        return pads;
    }

    private static long[] Ones(int n)
    {
        var ones = new long[n];
        Array.Fill(ones, 1);
        return ones;
    }
}
