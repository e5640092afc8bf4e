using EdgeLite.Core;

namespace EdgeLite.Ops.EdgeLite;

/// <summary>Integer convolution of each channel by itself (group == channels == out_channels); weights as
/// <see cref="DepthwiseLayout"/>. See <see cref="QuantizedConvolution"/>.</summary>
[Operator("QDepthwiseConv", "X, W, B?, WSum, Multiplier, Shift, Near?", "Y", Domain = "edgelite")]
public sealed partial class QDepthwiseConv : QuantizedConvolution
{
    public override long PackedCount(long channels) => this.Depthwise(channels).Count;

    public override void Infer(InferContext context)
    {
        base.Infer(context);
        this.ExpectDepthwise(context);
    }

    public override unsafe void Compute(ComputeContext context)
    {
        Tensor x = context.Input(0), y = context.Output(0);
        long h = x.Shape[1], w = x.Shape[2], channels = x.Shape[3], kw = KernelShape[1];
        LoweredAxis rows = new(this, 0, h), columns = new(this, 1, w);
        DepthwiseLayout layout = this.Depthwise(channels);
        sbyte* weights = (sbyte*)context.Input(1).Data;
        long index = 0;
        for (long n = 0; n < y.Shape[0]; n++)
            for (long oy = 0; oy < y.Shape[1]; oy++)
                for (long ox = 0; ox < y.Shape[2]; ox++)
                    for (int c = 0; c < channels; c++)
                    {
                        long acc = 0;
                        for (int tap = 0; tap < layout.Taps; tap++)
                        {
                            long iy = rows.Source(oy, tap / kw), ix = columns.Source(ox, tap % kw);
                            if (iy >= 0 && ix >= 0) acc += (x.GetInt64(((n * h + iy) * w + ix) * channels + c) - XZeroPoint) * weights[layout.At(tap, c)];
                        }
                        Finish(context, y, index++, acc, c);
                    }
    }
}
