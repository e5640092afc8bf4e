using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>
/// A pool over windows of each channel's plane: X[n][c][spatial..] (or [n][spatial..][c] with channels_last). The base finds, for
/// every output, the elements inside the input that its window covers; a subclass reduces them.
/// </summary>
public abstract class PoolOperator : WindowOperator
{
    [Attr] public bool CeilMode { get; set; }

    /// <summary>Extension: X and Y have their channels last.</summary>
    [Attr] public bool ChannelsLast { get; set; }

    public override void Infer(InferContext c)
    {
        Shape x = c.Shape(0);
        if (KernelShape == null) throw c.Error("required attribute 'kernel_shape' is missing");
        Shape y = Shape.Unranked;
        if (x.IsRanked)
        {
            int spatial = x.Rank - 2;
            CheckWindow(c, spatial);
            Span<long> dims = stackalloc long[x.Rank];
            x.AsSpan().CopyTo(dims);
            int first = ChannelsLast ? 1 : 2;
            for (int i = 0; i < spatial; i++) dims[first + i] = Axis(i, spatial, x[first + i], KernelShape[i], CeilMode).Out;
            y = new Shape(dims);
        }
        c.SetOutput(0, c.DType(0), y);
        c.SetOutput(1, DType.Int64, y);
    }

    public override void Compute(ComputeContext c)
    {
        Tensor x = c.Input(0);
        int spatial = x.Shape.Rank - 2, first = ChannelsLast ? 1 : 2;
        Span<WindowAxis> axes = stackalloc WindowAxis[spatial];
        for (int i = 0; i < spatial; i++) axes[i] = Axis(i, spatial, x.Shape[first + i], KernelShape![i], CeilMode);
        Window win = Window.Of(axes);
        long batch = x.Shape[0], channels = x.Shape[ChannelsLast ? spatial + 1 : 1];
        long step = ChannelsLast ? channels : 1;
        Span<long> covered = win.Taps <= 1024 ? stackalloc long[(int)win.Taps] : new long[win.Taps];
        for (long n = 0; n < batch; n++)
            for (long ch = 0; ch < channels; ch++)
            {
                long from = ChannelsLast ? n * win.InCount * channels + ch : (n * channels + ch) * win.InCount;
                long to = ChannelsLast ? n * win.OutCount * channels + ch : (n * channels + ch) * win.OutCount;
                for (long od = 0; od < win.D.Out; od++)
                    for (long oh = 0; oh < win.H.Out; oh++)
                        for (long ow = 0; ow < win.W.Out; ow++)
                        {
                            int count = Cover(win, od, oh, ow, from, step, covered, out int declared);
                            long index = to + ((od * win.H.Out + oh) * win.W.Out + ow) * step;
                            Reduce(c, win, covered[..count], declared, index, from, step);
                        }
            }
    }

    /// <summary>Reduces the covered elements of X (their indices) to element <paramref name="index"/> of the output.
    /// <paramref name="declared"/> counts positions of the window inside the input and its declared padding; the plane starts at
    /// element <paramref name="plane"/> of X, its elements <paramref name="step"/> apart.</summary>
    protected abstract void Reduce(ComputeContext c, in Window window, ReadOnlySpan<long> covered, int declared, long index, long plane, long step);

    private static int Cover(in Window win, long od, long oh, long ow, long plane, long step, Span<long> covered, out int declared)
    {
        int count = 0;
        declared = 0;
        for (long td = 0; td < win.D.Kernel; td++)
        {
            long d = od * win.D.Stride + td * win.D.Dilation - win.D.PadBegin;
            if (d >= win.D.In + win.D.PadEnd) continue;
            for (long th = 0; th < win.H.Kernel; th++)
            {
                long h = oh * win.H.Stride + th * win.H.Dilation - win.H.PadBegin;
                if (h >= win.H.In + win.H.PadEnd) continue;
                for (long tw = 0; tw < win.W.Kernel; tw++)
                {
                    long w = ow * win.W.Stride + tw * win.W.Dilation - win.W.PadBegin;
                    if (w >= win.W.In + win.W.PadEnd) continue;
                    declared++;
                    if (d < 0 || d >= win.D.In || h < 0 || h >= win.H.In || w < 0 || w >= win.W.In) continue;
                    covered[count++] = plane + ((d * win.H.In + h) * win.W.In + w) * step;
                }
            }
        }
        return count;
    }
}
