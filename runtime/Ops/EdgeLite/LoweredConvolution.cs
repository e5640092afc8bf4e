using EdgeLite.Core;

namespace EdgeLite.Ops.EdgeLite;

/// <summary>What the lowered convolutions share, of floats (<see cref="FusedConvolution"/>) and of integers (<see cref="QuantizedConvolution"/>): windows
/// over X[n][h][w][c] that make Y[n][oh][ow][oc]. Attributes have an entry for the height and one for the width.</summary>
internal interface ILoweredConvolution
{
    long[] KernelShape { get; }
    long[] Strides { get; }

    /// <summary>Top, left, bottom, right.</summary>
    long[] Pads { get; }
    long[] Dilations { get; }
    long Group { get; }
    long OutChannels { get; }

    /// <summary>Of a transposed convolution: outputs that are added behind the last of each axis. Null for any other.</summary>
    long[]? TransposedPadding { get; }

    /// <summary>Elements of the packed weights for so many input channels.</summary>
    long PackedCount(long channels);
}

/// <summary>One spatial axis of a lowered convolution over an input of a known size.</summary>
internal readonly struct LoweredAxis(ILoweredConvolution op, int axis, long size)
{
    private readonly long _stride = op.Strides[axis], _dilation = op.Dilations[axis], _padBegin = op.Pads[axis], _size = size;
    private readonly bool _isTransposed = op.TransposedPadding != null;

    /// <summary>The size of the output.</summary>
    public static long OutputSize(ILoweredConvolution op, int axis, long size)
    {
        long pads = op.Pads[axis] + op.Pads[axis + 2], extent = (op.KernelShape[axis] - 1) * op.Dilations[axis] + 1;
        if (op.TransposedPadding is { } more) return Math.Max(0, (size - 1) * op.Strides[axis] + extent + more[axis] - pads);
        long room = size + pads - extent;
        return room < 0 ? 0 : room / op.Strides[axis] + 1;
    }

    /// <summary>The input position that a tap reads for an output position, or -1 where there is none. Through tap t, input i of a transposed convolution
    /// reaches output i * stride + t * dilation - pad.</summary>
    public long Source(long output, long tap)
    {
        long i;
        if (_isTransposed)
        {
            i = output + _padBegin - tap * _dilation;
            if (i % _stride != 0) return -1;
            i /= _stride;
        }
        else
        {
            i = output * _stride + tap * _dilation - _padBegin;
        }
        return i >= 0 && i < _size ? i : -1;
    }
}

internal static class LoweredConvolution
{
    /// <summary>Checks attributes, X and packed weights (inputs 0 and 1); gives the shape of Y as far as that of X is known.</summary>
    public static Shape InferWindows(this ILoweredConvolution op, InferContext c)
    {
        if (op.KernelShape.Length != 2 || op.Strides.Length != 2 || op.Dilations.Length != 2 || op.Pads.Length != 4 || op.TransposedPadding is { Length: not 2 })
            throw c.Error("kernel_shape, strides, dilations and output_padding have 2 entries, pads has 4");
        if (!ConvolutionOperator.ArePositive(op.KernelShape, op.Strides, op.Dilations) || op.Group < 1 || op.OutChannels < 1)
            throw c.Error("kernel, strides, dilations, group and out_channels must be positive");
        Shape x = c.Shape(0);
        if (!x.IsRanked) return Shape.OfRank(4).With(3, op.OutChannels);
        if (x.Rank != 4) throw c.Error($"X has shape {x}, expected 4 dimensions (NHWC)");
        if (x[3] >= 0)
        {
            if (x[3] % op.Group != 0 || op.OutChannels % op.Group != 0)
                throw c.Error($"{x[3]} input and {op.OutChannels} output channels do not split into {op.Group} groups");
            c.ExpectCount(1, op.PackedCount(x[3]));
        }
        return new Shape(x[0], x[1] < 0 ? Shape.Unknown : LoweredAxis.OutputSize(op, 0, x[1]), x[2] < 0 ? Shape.Unknown : LoweredAxis.OutputSize(op, 1, x[2]), op.OutChannels);
    }

    /// <summary>The weights of a convolution that is not depthwise.</summary>
    public static PanelLayout Panels(this ILoweredConvolution op, DType type, long channels) =>
        new(type, (int)op.Group, (int)(op.KernelShape[0] * op.KernelShape[1]), (int)(channels / op.Group), (int)(op.OutChannels / op.Group));

    /// <summary>The weights of a depthwise convolution.</summary>
    public static DepthwiseLayout Depthwise(this ILoweredConvolution op, long channels) => new((int)(op.KernelShape[0] * op.KernelShape[1]), (int)channels);

    /// <summary>Checks that a convolution is depthwise, where the channels of X are known.</summary>
    public static void ExpectDepthwise(this ILoweredConvolution op, InferContext c)
    {
        if (c.Shape(0) is { IsRanked: true, Rank: 4 } x && x[3] >= 0 && (x[3] != op.OutChannels || op.Group != op.OutChannels))
            throw c.Error($"{x[3]} channels, {op.Group} groups and {op.OutChannels} output channels; expected them equal");
    }
}
