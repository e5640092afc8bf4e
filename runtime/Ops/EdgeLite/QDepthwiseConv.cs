using EdgeLite.Core;

namespace EdgeLite.Ops.EdgeLite;

/// <summary>Integer convolution of each channel by itself (group == channels == out_channels); weights as
/// <see cref="DepthwiseLayout"/>. See <see cref="QuantizedConvolution"/>.</summary>
[Operator("QDepthwiseConv", "X, W, B?, WSum, Multiplier, Shift", "Y", Domain = "edgelite")]
public sealed partial class QDepthwiseConv : QuantizedConvolution
{
    protected override long OutputSize(int axis, long size)
    {
        long span = size + Pads[axis] + Pads[axis + 2] - ((KernelShape[axis] - 1) * Dilations[axis] + 1);
        return span < 0 ? 0 : span / Strides[axis] + 1;
    }

    protected override long PackedCount(int channels) => new DepthwiseLayout((int)(KernelShape[0] * KernelShape[1]), channels).Count;

    public override void Infer(InferContext context)
    {
        Shape x = context.Shape(0);
        if (x.IsRanked && x.Rank == 4 && x[3] >= 0 && (x[3] != OutChannels || Group != OutChannels))
            throw context.Error($"group {Group}, input channels {x[3]} and out_channels {OutChannels} must be equal");
        base.Infer(context);
    }

    public override unsafe void Compute(ComputeContext context)
    {
        Tensor x = context.Input(0), w = context.Input(1), y = context.Output(0);
        int h = (int)x.Shape[1], wd = (int)x.Shape[2], c = (int)x.Shape[3], kw = (int)KernelShape[1];
        var layout = new DepthwiseLayout((int)(KernelShape[0] * KernelShape[1]), c);
        sbyte* weights = (sbyte*)w.Data;
        long index = 0;
        for (int n = 0; n < x.Shape[0]; n++)
            for (int oy = 0; oy < y.Shape[1]; oy++)
                for (int ox = 0; ox < y.Shape[2]; ox++)
                    for (int o = 0; o < c; o++)
                    {
                        long acc = 0;
                        for (int tap = 0; tap < layout.Taps; tap++)
                        {
                            long iy = oy * Strides[0] - Pads[0] + tap / kw * Dilations[0], ix = ox * Strides[1] - Pads[1] + tap % kw * Dilations[1];
                            if (iy < 0 || iy >= h || ix < 0 || ix >= wd) continue;
                            acc += (x.GetInt64(((n * h + iy) * wd + ix) * c + o) - XZeroPoint) * weights[layout.At(tap, o)];
                        }
                        Finish(context, y, index++, acc, o);
                    }
    }
}
