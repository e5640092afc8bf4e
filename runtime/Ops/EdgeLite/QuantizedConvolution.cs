using EdgeLite.Core;

namespace EdgeLite.Ops.EdgeLite;

/// <summary>
/// What QConv, QDepthwiseConv and QConvTranspose share. X[n][h][w][c] and Y[n][oh][ow][oc] are int8, or int16 with a 64-bit bias
/// (TFLite's 16x8 scheme: 64-bit accumulators, <see cref="FixedPoint.Requantize64"/>). For every output:
/// <code>y = clamp(requantize(sum((x - x_zero_point) * w) + b, multiplier[oc], shift[oc]) + y_zero_point, y_min, y_max)</code>
/// Padding positions hold x_zero_point, so they add nothing. Arithmetic: kernels-native/include/el_quant.h.
/// Near, where the layer has it, tells kernels float32 numbers that give the same y; there the arithmetic is, too.
/// </summary>
public abstract class QuantizedConvolution : Operator, ILoweredConvolution
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

    /// <inheritdoc/>
    public virtual long[]? TransposedPadding => null;

    /// <inheritdoc/>
    public virtual long PackedCount(long channels) => this.Panels(DType.Int8, channels).Count;

    public override void Infer(InferContext context)
    {
        DType type = context.DType(0);
        if (type is not (DType.Int8 or DType.Int16)) throw context.Error($"X is {type.Name()}, expected int8 or int16");
        Shape y = this.InferWindows(context);
        if (y[1] == 0 || y[2] == 0) throw context.Error($"the kernel does not fit into {context.Shape(0)}");
        for (int i = 2; i <= 6; i++) context.ExpectCount(i, OutChannels);
        context.SetOutput(0, type, y);
    }

    /// <summary>Every output gathers the inputs that reach it.</summary>
    protected unsafe void GatherPanels(ComputeContext context)
    {
        Tensor x = context.Input(0), y = context.Output(0);
        long h = x.Shape[1], w = x.Shape[2], channels = x.Shape[3], kw = KernelShape[1];
        LoweredAxis rows = new(this, 0, h), columns = new(this, 1, w);
        PanelLayout layout = this.Panels(DType.Int8, channels);
        sbyte* weights = (sbyte*)context.Input(1).Data;
        long index = 0;
        for (long n = 0; n < y.Shape[0]; n++)
            for (long oy = 0; oy < y.Shape[1]; oy++)
                for (long ox = 0; ox < y.Shape[2]; ox++)
                    for (int o = 0; o < OutChannels; o++)
                    {
                        int g = o / layout.OutChannels;
                        long acc = 0;
                        for (int tap = 0; tap < layout.Taps; tap++)
                        {
                            long iy = rows.Source(oy, tap / kw), ix = columns.Source(ox, tap % kw);
                            if (iy < 0 || ix < 0) continue;
                            long at = ((n * h + iy) * w + ix) * channels + g * layout.InChannels;
                            for (int ci = 0; ci < layout.InChannels; ci++) acc += (x.GetInt64(at + ci) - XZeroPoint) * weights[layout.At(g, tap, ci, o % layout.OutChannels)];
                        }
                        Finish(context, y, index++, acc, o);
                    }
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
