using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>
/// Convolution of X[n][c][spatial..] with W[oc][c/group][kernel..], 1 to 3 spatial axes, in any number type:
/// y[n][o][p] = sum over ci, t of x[n][ci][p*stride + t*dilation - pad] * w[o][ci][t].
/// Subclasses say which inputs are X and W, what their zero points are, and what becomes of a sum.
/// </summary>
public abstract unsafe class ConvolutionOperator : WindowOperator
{
    [Attr] public long Group { get; set; } = 1;

    internal static bool ArePositive(params ReadOnlySpan<long[]> lists)
    {
        foreach (long[] list in lists)
            foreach (long value in list)
                if (value < 1) return false;
        return true;
    }

    protected void InferConvolution(InferContext c, int x, int w, DType result)
    {
        Shape xs = c.Shape(x), ws = c.Shape(w);
        if (!xs.IsRanked || !ws.IsRanked)
        {
            c.SetOutput(0, result, xs.IsRanked ? Shape.OfRank(xs.Rank) : ws.IsRanked ? Shape.OfRank(ws.Rank) : Shape.Unranked);
            return;
        }
        if (xs.Rank != ws.Rank) throw c.Error($"input has shape {xs}, weight {ws}; expected the same number of dimensions");
        int spatial = xs.Rank - 2;
        CheckWindow(c, spatial);
        CheckKernel(c, ws);
        if (Group < 1) throw c.Error($"group is {Group}; expected 1 or more");
        if (xs[1] >= 0 && ws[1] >= 0 && xs[1] != ws[1] * Group)
            throw c.Error($"weight has {ws[1]} input channels in each of {Group} groups, the input has {xs[1]}");
        if (ws[0] >= 0 && ws[0] % Group != 0) throw c.Error($"weight has {ws[0]} output channels, which {Group} groups do not divide");

        Span<long> dims = stackalloc long[xs.Rank];
        dims[0] = xs[0];
        dims[1] = ws[0];
        for (int i = 0; i < spatial; i++) dims[i + 2] = Axis(i, spatial, xs[i + 2], KernelShape?[i] ?? ws[i + 2]).Out;
        c.SetOutput(0, result, new Shape(dims));
    }

    /// <summary>Zero point of the whole input.</summary>
    protected virtual double InputZeroPoint(ComputeContext c) => 0;

    /// <summary>Zero point of one output channel's weights.</summary>
    protected virtual double WeightZeroPoint(ComputeContext c, long channel) => 0;

    /// <summary>Stores the sum of output channel <paramref name="channel"/> as element <paramref name="index"/> of the output.</summary>
    protected abstract void Store(ComputeContext c, long channel, long index, double sum);

    protected void Convolve(ComputeContext c, Tensor x, Tensor w)
    {
        int spatial = x.Shape.Rank - 2;
        Span<WindowAxis> axes = stackalloc WindowAxis[spatial];
        for (int i = 0; i < spatial; i++) axes[i] = Axis(i, spatial, x.Shape[i + 2], w.Shape[i + 2]);
        Window win = Window.Of(axes);
        long batch = x.Shape[0], oc = w.Shape[0], groupIn = w.Shape[1], groupOut = oc / Group, k = groupIn * win.Taps;

        // The input of one group, zero-padded as far as windows reach, so that the loop needs no bounds.
        long pd = Padded(win.D), ph = Padded(win.H), pw = Padded(win.W);
        using var padded = new WideBuffer(checked(groupIn * pd * ph * pw));
        using var weights = new WideBuffer(oc * k);
        using var offsets = new WideBuffer(k); // 8-byte slots
        long* offset = (long*)offsets.P;
        double* sums = stackalloc double[WeightedSum.Sums];
        for (long o = 0; o < oc; o++) WideBuffer.Load(w, o * k, k, 1, weights.P + o * k, WeightZeroPoint(c, o));
        for (long ci = 0, i = 0; ci < groupIn; ci++)
            for (long td = 0; td < win.D.Kernel; td++)
                for (long th = 0; th < win.H.Kernel; th++)
                    for (long tw = 0; tw < win.W.Kernel; tw++)
                        offset[i++] = ((ci * pd + td * win.D.Dilation) * ph + th * win.H.Dilation) * pw + tw * win.W.Dilation;

        for (long n = 0; n < batch; n++)
            for (long g = 0; g < Group; g++)
            {
                Pad(x, (n * Group + g) * groupIn, groupIn, win, padded.P, InputZeroPoint(c));
                for (long od = 0; od < win.D.Out; od++)
                    for (long oh = 0; oh < win.H.Out; oh++)
                        for (long ow = 0; ow < win.W.Out; ow += WeightedSum.Lanes)
                        {
                            int count = (int)Math.Min(WeightedSum.Lanes, win.W.Out - ow);
                            double* from = padded.P + (od * win.D.Stride * ph + oh * win.H.Stride) * pw + ow * win.W.Stride;
                            for (long o = g * groupOut; o < (g + 1) * groupOut; o += WeightedSum.Rows)
                            {
                                int some = (int)Math.Min(WeightedSum.Rows, (g + 1) * groupOut - o);
                                WeightedSum.Run(weights.P + o * k, some, from, offset, k, win.W.Stride, sums, count);
                                for (int r = 0; r < some; r++)
                                {
                                    long index = (((n * oc + o + r) * win.D.Out + od) * win.H.Out + oh) * win.W.Out + ow;
                                    for (int j = 0; j < count; j++) Store(c, o + r, index + j, sums[r * WeightedSum.Lanes + j]);
                                }
                            }
                        }
            }
    }

    /// <summary>Positions of the padded input that windows read; at least the input where nothing is cropped.</summary>
    private static long Padded(WindowAxis a) => Math.Max(checked((a.Out - 1) * a.Stride + a.Extent), 1);

    private static void Pad(Tensor x, long firstPlane, long planes, in Window win, double* to, double zeroPoint)
    {
        long pd = Padded(win.D), ph = Padded(win.H), pw = Padded(win.W);
        long left = Math.Max(-win.W.PadBegin, 0);
        long run = Math.Min(win.W.In, pw - win.W.PadBegin) - left;
        if (run <= 0) return;
        for (long p = 0; p < planes; p++)
            for (long d = 0; d < win.D.In; d++)
                for (long h = 0; h < win.H.In; h++)
                {
                    long td = d + win.D.PadBegin, th = h + win.H.PadBegin;
                    if (td < 0 || td >= pd || th < 0 || th >= ph) continue;
                    long from = (((firstPlane + p) * win.D.In + d) * win.H.In + h) * win.W.In + left;
                    WideBuffer.Load(x, from, run, 1, to + ((p * pd + td) * ph + th) * pw + left + win.W.PadBegin, zeroPoint);
                }
    }
}
