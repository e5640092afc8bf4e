using EdgeLite.Core;

namespace EdgeLite.Ops.EdgeLite;

/// <summary>
/// What QConv, QDepthwiseConv and QConvTranspose share. X[n][h][w][c] and Y[n][oh][ow][oc] are int8, or int16 with a 64-bit bias
/// (TFLite's 16x8 scheme: 64-bit accumulators, <see cref="FixedPoint.Requantize64"/>). For every output:
/// <code>y = clamp(requantize(sum((x - x_zero_point) * w) + b, multiplier[oc], shift[oc]) + y_zero_point, y_min, y_max)</code>
/// Padding positions hold x_zero_point, so they add nothing. Arithmetic: kernels-native/include/el_quant.h.
/// </summary>
public abstract class QuantizedConvolution : Operator
{
    [Attr(Required = true)] public long[] KernelShape { get; set; } = [];
    [Attr] public long[] Strides { get; set; } = [1, 1];
    [Attr] public long[] Pads { get; set; } = [0, 0, 0, 0];
    [Attr] public long[] Dilations { get; set; } = [1, 1];
    [Attr] public long Group { get; set; } = 1;
    [Attr(Required = true)] public long OutChannels { get; set; }
    [Attr] public long XZeroPoint { get; set; }
    [Attr] public long YZeroPoint { get; set; }
    [Attr] public long YMin { get; set; } = sbyte.MinValue;
    [Attr] public long YMax { get; set; } = sbyte.MaxValue;

    /// <summary>Size of a spatial output axis.</summary>
    protected abstract long OutputSize(int axis, long size);

    /// <summary>Elements that the packed weights must have, for <paramref name="channels"/> input channels.</summary>
    protected abstract long PackedCount(int channels);

    public override void Infer(InferContext context)
    {
        if (KernelShape.Length != 2 || Strides.Length != 2 || Dilations.Length != 2 || Pads.Length != 4)
            throw context.Error("kernel_shape, strides and dilations have 2 entries, pads has 4");
        if (!ConvolutionOperator.ArePositive(KernelShape, Strides, Dilations) || Group < 1 || OutChannels < 1)
            throw context.Error("kernel, strides, dilations, group and out_channels must be positive");
        Shape x = context.Shape(0);
        DType type = context.DType(0);
        if (type is not (DType.Int8 or DType.Int16)) throw context.Error($"X is {type.Name()}, expected int8 or int16");
        if (!x.IsRanked)
        {
            context.SetOutput(0, type, Shape.OfRank(4).With(3, OutChannels));
            return;
        }
        if (x.Rank != 4) throw context.Error($"X has shape {x}, expected 4 dimensions (NHWC)");
        long c = x[3];
        if (c >= 0 && (c % Group != 0 || OutChannels % Group != 0))
            throw context.Error($"{c} input and {OutChannels} output channels do not split into {Group} groups");
        Shape w = context.Shape(1);
        if (c >= 0 && w.IsKnown && w.Count != PackedCount((int)c))
            throw context.Error($"packed weights have {w.Count} elements, expected {PackedCount((int)c)}");
        for (int i = 2; i <= 5; i++)
            if (context.HasInput(i) && context.Shape(i).IsKnown && context.Shape(i).Count != OutChannels)
                throw context.Error($"{Definition.InputName(i)} has shape {context.Shape(i)}, expected {OutChannels} elements");
        long oh = x[1] < 0 ? Shape.Unknown : OutputSize(0, x[1]), ow = x[2] < 0 ? Shape.Unknown : OutputSize(1, x[2]);
        if (oh == 0 || ow == 0 || oh < -1 || ow < -1) throw context.Error($"the kernel does not fit into {x}");
        context.SetOutput(0, type, new Shape(x[0], oh, ow, OutChannels));
    }

    /// <summary>Brings a 32-bit sum to the output's scale: two roundings, unless a class says otherwise.</summary>
    protected virtual int Requantize(int acc, int multiplier, int shift) => FixedPoint.Requantize(acc, multiplier, shift);

    /// <summary>Bias, requantization, clamp and store of one output.</summary>
    protected void Finish(ComputeContext context, Tensor y, long index, long acc, int oc)
    {
        Tensor? bias = context.OptionalInput(2);
        if (bias != null) acc += bias.GetInt64(oc);
        int multiplier = (int)context.Input(4).GetInt64(oc), shift = (int)context.Input(5).GetInt64(oc);
        long value = bias?.DType == DType.Int64
            ? FixedPoint.Requantize64(acc, multiplier, shift)
            : Requantize((int)acc, multiplier, shift);
        y.SetInt64(index, Math.Clamp(value + YZeroPoint, YMin, YMax));
    }
}
