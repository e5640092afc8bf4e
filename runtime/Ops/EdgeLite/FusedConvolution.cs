using EdgeLite.Core;

namespace EdgeLite.Ops.EdgeLite;

/// <summary>What the lowered float convolutions share: X[n][h][w][c], packed W, Y[n][oh][ow][oc]; padding contributes zero.</summary>
public abstract class FusedConvolution : FusedOperator, ILoweredConvolution
{
    [Attr(Required = true)] public long[] KernelShape { get; set; } = [];
    [Attr] public long[] Strides { get; set; } = [1, 1];

    /// <summary>Top, left, bottom, right.</summary>
    [Attr] public long[] Pads { get; set; } = [0, 0, 0, 0];
    [Attr] public long[] Dilations { get; set; } = [1, 1];
    [Attr] public long Group { get; set; } = 1;
    [Attr(Required = true)] public long OutChannels { get; set; }

    /// <inheritdoc/>
    public virtual long[]? TransposedPadding => null;

    /// <inheritdoc/>
    public virtual long PackedCount(long channels) => this.Panels(DType.Float32, channels).Count;

    public override void Infer(InferContext c) => InferEnd(c, this.InferWindows(c), OutChannels);

    /// <summary>Every output gathers the inputs that reach it, one panel of output channels at a time.</summary>
    protected unsafe void GatherPanels(ComputeContext c)
    {
        Tensor x = Floats(c.Input(0)), packed = Floats(c.Input(1)), y = c.Output(0);
        long h = x.Shape[1], w = x.Shape[2], channels = x.Shape[3], oh = y.Shape[1], ow = y.Shape[2], kw = KernelShape[1];
        LoweredAxis rows = new(this, 0, h), columns = new(this, 1, w);
        PanelLayout layout = this.Panels(DType.Float32, channels);
        float* data = (float*)x.Data, weights = (float*)packed.Data;
        double* sums = stackalloc double[PanelLayout.Panel];
        for (long pixel = 0, pixels = x.Shape[0] * oh * ow; pixel < pixels; pixel++)
        {
            long n = pixel / (oh * ow), oy = pixel / ow % oh, ox = pixel % ow;
            for (int g = 0; g < Group; g++)
                for (int first = 0; first < layout.OutChannels; first += PanelLayout.Panel)
                {
                    new Span<double>(sums, PanelLayout.Panel).Clear();
                    for (int tap = 0; tap < layout.Taps; tap++)
                    {
                        long iy = rows.Source(oy, tap / kw), ix = columns.Source(ox, tap % kw);
                        if (iy < 0 || ix < 0) continue;
                        float* from = data + ((n * h + iy) * w + ix) * channels + g * layout.InChannels;
                        float* row = weights + layout.At(g, tap, 0, first);
                        for (int ci = 0; ci < layout.InChannels; ci++, row += PanelLayout.Panel)
                            for (int lane = 0; lane < PanelLayout.Panel; lane++) sums[lane] += (double)from[ci] * row[lane];
                    }
                    for (int lane = 0; lane < PanelLayout.Panel && first + lane < layout.OutChannels; lane++)
                    {
                        long channel = g * layout.OutChannels + first + lane;
                        Finish(c, pixel * OutChannels + channel, channel, sums[lane]);
                    }
                }
        }
        GC.KeepAlive(x);
        GC.KeepAlive(packed);
    }
}
