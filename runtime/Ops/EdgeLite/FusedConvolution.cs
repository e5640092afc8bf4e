using EdgeLite.Core;

namespace EdgeLite.Ops.EdgeLite;

/// <summary>What the lowered float convolutions share: X[n][h][w][c], packed W, Y[n][oh][ow][oc]; padding contributes zero.</summary>
public abstract class FusedConvolution : FusedOperator
{
    [Attr(Required = true)] public long[] KernelShape { get; set; } = [];
    [Attr] public long[] Strides { get; set; } = [1, 1];

    /// <summary>Top, left, bottom, right.</summary>
    [Attr] public long[] Pads { get; set; } = [0, 0, 0, 0];
    [Attr] public long[] Dilations { get; set; } = [1, 1];
    [Attr] public long Group { get; set; } = 1;
    [Attr(Required = true)] public long OutChannels { get; set; }

    /// <summary>Size of spatial output axis 0 or 1.</summary>
    protected virtual long OutputSize(int axis, long size)
    {
        long room = size + Pads[axis] + Pads[axis + 2] - ((KernelShape[axis] - 1) * Dilations[axis] + 1);
        return room < 0 ? 0 : room / Strides[axis] + 1;
    }

    /// <summary>Elements of the packed weights.</summary>
    protected abstract long PackedCount(long channels);

    public override void Infer(InferContext c)
    {
        if (KernelShape.Length != 2 || Strides.Length != 2 || Dilations.Length != 2 || Pads.Length != 4)
            throw c.Error("kernel_shape, strides and dilations have 2 entries, pads has 4");
        if (!ConvolutionOperator.ArePositive(KernelShape, Strides, Dilations) || Group < 1 || OutChannels < 1)
            throw c.Error("kernel, strides, dilations, group and out_channels must be positive");
        Shape x = c.Shape(0);
        c.ExpectRank(0, 4);
        if (!x.IsRanked)
        {
            InferEnd(c, Shape.OfRank(4).With(3, OutChannels), OutChannels);
            return;
        }
        if (x[3] >= 0)
        {
            if (x[3] % Group != 0 || OutChannels % Group != 0)
                throw c.Error($"{x[3]} input and {OutChannels} output channels do not split into {Group} groups");
            if (c.Shape(1).IsKnown && c.Shape(1).Count != PackedCount(x[3]))
                throw c.Error($"packed weights have {c.Shape(1).Count} elements, expected {PackedCount(x[3])}");
        }
        long oh = x[1] < 0 ? Shape.Unknown : OutputSize(0, x[1]), ow = x[2] < 0 ? Shape.Unknown : OutputSize(1, x[2]);
        InferEnd(c, new Shape(x[0], oh, ow, OutChannels), OutChannels);
    }

    protected PanelLayout Panels(long channels) =>
        new(DType.Float32, (int)Group, (int)(KernelShape[0] * KernelShape[1]), (int)(channels / Group), (int)(OutChannels / Group));

    /// <summary>The input position that a tap reads for an output position, or -1 when there is none.</summary>
    protected virtual long Source(int axis, long output, long tap, long size)
    {
        long i = output * Strides[axis] + tap * Dilations[axis] - Pads[axis];
        return i >= 0 && i < size ? i : -1;
    }

    /// <summary>Every output gathers the inputs that reach it, one panel of output channels at a time.</summary>
    protected unsafe void GatherPanels(ComputeContext c)
    {
        Tensor x = Floats(c.Input(0)), packed = Floats(c.Input(1)), y = c.Output(0);
        long h = x.Shape[1], w = x.Shape[2], channels = x.Shape[3], oh = y.Shape[1], ow = y.Shape[2], kw = KernelShape[1];
        PanelLayout layout = Panels(channels);
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
                        long iy = Source(0, oy, tap / kw, h), ix = Source(1, ox, tap % kw, w);
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
