using EdgeLite.Core;

namespace EdgeLite.Ops.EdgeLite;

/// <summary>Float depthwise convolution, channels last: group = channels = out_channels; weights as <see cref="DepthwiseLayout"/>.</summary>
[Operator("DepthwiseConv", "X, W, B?, R?, S?", "Y", Domain = "edgelite")]
public sealed unsafe partial class DepthwiseConv : FusedConvolution
{
    public override long PackedCount(long channels) => this.Depthwise(channels).Count;

    public override void Infer(InferContext c)
    {
        base.Infer(c);
        this.ExpectDepthwise(c);
    }

    public override void Compute(ComputeContext c)
    {
        Tensor x = Floats(c.Input(0)), packed = Floats(c.Input(1)), y = c.Output(0);
        long h = x.Shape[1], w = x.Shape[2], channels = x.Shape[3], oh = y.Shape[1], ow = y.Shape[2], kw = KernelShape[1];
        LoweredAxis rows = new(this, 0, h), columns = new(this, 1, w);
        DepthwiseLayout layout = this.Depthwise(channels);
        float* data = (float*)x.Data, weights = (float*)packed.Data;
        using var sums = new WideBuffer(channels);
        for (long pixel = 0, pixels = x.Shape[0] * oh * ow; pixel < pixels; pixel++)
        {
            long n = pixel / (oh * ow), oy = pixel / ow % oh, ox = pixel % ow;
            new Span<double>(sums.P, (int)channels).Clear();
            for (int tap = 0; tap < layout.Taps; tap++)
            {
                long iy = rows.Source(oy, tap / kw), ix = columns.Source(ox, tap % kw);
                if (iy < 0 || ix < 0) continue;
                float* from = data + ((n * h + iy) * w + ix) * channels;
                for (int ch = 0; ch < channels; ch++) sums.P[ch] += (double)from[ch] * weights[layout.At(tap, ch)];
            }
            for (long ch = 0; ch < channels; ch++) Finish(c, pixel * channels + ch, ch, sums.P[ch]);
        }
        GC.KeepAlive(x);
        GC.KeepAlive(packed);
    }
}
