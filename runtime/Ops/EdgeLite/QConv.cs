using EdgeLite.Core;

namespace EdgeLite.Ops.EdgeLite;

/// <summary>Integer convolution; weights in int8 panels (<see cref="PanelLayout"/>); sums are rounded once. See <see cref="QuantizedConvolution"/>.</summary>
[Operator("QConv", "X, W, B?, WSum, Multiplier, Shift", "Y", Domain = "edgelite")]
public sealed partial class QConv : QuantizedConvolution
{
    protected override long OutputSize(int axis, long size)
    {
        long span = size + Pads[axis] + Pads[axis + 2] - ((KernelShape[axis] - 1) * Dilations[axis] + 1);
        return span < 0 ? 0 : span / Strides[axis] + 1;
    }

    protected override int Requantize(int acc, int multiplier, int shift) => FixedPoint.RequantizeOnce(acc, multiplier, shift);

    protected override long PackedCount(int channels) => Layout(channels).Count;

    private PanelLayout Layout(int channels) =>
        new(DType.Int8, (int)Group, (int)(KernelShape[0] * KernelShape[1]), channels / (int)Group, (int)(OutChannels / Group));

    public override unsafe void Compute(ComputeContext context)
    {
        Tensor x = context.Input(0), w = context.Input(1), y = context.Output(0);
        int h = (int)x.Shape[1], wd = (int)x.Shape[2], c = (int)x.Shape[3], kw = (int)KernelShape[1];
        PanelLayout layout = Layout(c);
        int ic = layout.InChannels, oc = layout.OutChannels;
        sbyte* weights = (sbyte*)w.Data;
        long index = 0;
        for (int n = 0; n < x.Shape[0]; n++)
            for (int oy = 0; oy < y.Shape[1]; oy++)
                for (int ox = 0; ox < y.Shape[2]; ox++)
                    for (int o = 0; o < OutChannels; o++)
                    {
                        int g = o / oc;
                        long acc = 0;
                        for (int tap = 0; tap < layout.Taps; tap++)
                        {
                            long iy = oy * Strides[0] - Pads[0] + tap / kw * Dilations[0], ix = ox * Strides[1] - Pads[1] + tap % kw * Dilations[1];
                            if (iy < 0 || iy >= h || ix < 0 || ix >= wd) continue;
                            long at = ((n * h + iy) * wd + ix) * c + g * ic;
                            for (int ci = 0; ci < ic; ci++) acc += (x.GetInt64(at + ci) - XZeroPoint) * weights[layout.At(g, tap, ci, o % oc)];
                        }
                        Finish(context, y, index++, acc, o);
                    }
    }
}
