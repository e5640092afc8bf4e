using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>
/// Transposed convolution of X[n][c][spatial..] with W[c][oc/group][kernel..]: input position i adds, through tap t, to output
/// position i*stride + t*dilation - pad_begin. Output size: stride*(in-1) + output_padding + extent - pads, or output_shape,
/// from which the pads follow (ONNX documentation of ConvTranspose).
/// </summary>
[Operator("ConvTranspose", "X, W, B?", "Y")]
public sealed unsafe partial class ConvTranspose : WindowOperator
{
    [Attr] public long Group { get; set; } = 1;
    [Attr] public long[]? OutputPadding { get; set; }
    [Attr] public long[]? OutputShape { get; set; }

    public override void Infer(InferContext c)
    {
        Shape xs = c.Shape(0), ws = c.Shape(1);
        if (!xs.IsRanked || !ws.IsRanked)
        {
            c.SetOutput(0, c.DType(0), xs.IsRanked ? Shape.OfRank(xs.Rank) : ws.IsRanked ? Shape.OfRank(ws.Rank) : Shape.Unranked);
            return;
        }
        if (xs.Rank != ws.Rank) throw c.Error($"input has shape {xs}, weight {ws}; expected the same number of dimensions");
        int spatial = xs.Rank - 2;
        CheckWindow(c, spatial);
        CheckKernel(c, ws);
        c.Unify(xs[1], ws[0], "channels of input and weight differ");
        if (Group < 1 || xs[1] >= 0 && xs[1] % Group != 0) throw c.Error($"{Group} groups do not divide {xs[1]} channels");
        CheckLength(c, "output_padding", OutputPadding, spatial, 0);
        CheckLength(c, "output_shape", OutputShape, OutputShape?.Length == spatial + 2 ? spatial + 2 : spatial, 0);
        if (ws[1] >= 0 && ws[1] <= long.MaxValue / Group) c.ExpectShape(2, ws[1] * Group);
        Span<long> dims = stackalloc long[xs.Rank];
        dims[0] = xs[0];
        dims[1] = ws[1] < 0 ? Shape.Unknown : ws[1] * Group;
        for (int i = 0; i < spatial; i++)
        {
            long kernel = KernelShape?[i] ?? ws[i + 2];
            dims[i + 2] = TransposedAxis(i, spatial, xs[i + 2], kernel).Out;
            if (xs[i + 2] >= 0 && kernel >= 0 && dims[i + 2] < 0) throw c.Error($"the pads are larger than what input {xs} and weight {ws} make");
        }
        c.SetOutput(0, c.DType(0), new Shape(dims));
    }

    public override void Compute(ComputeContext c)
    {
        Tensor x = c.Input(0), w = c.Input(1), y = c.Output(0);
        int spatial = x.Shape.Rank - 2;
        Span<WindowAxis> axes = stackalloc WindowAxis[spatial];
        for (int i = 0; i < spatial; i++) axes[i] = TransposedAxis(i, spatial, x.Shape[i + 2], w.Shape[i + 2]);
        Window win = Window.Of(axes);
        long batch = x.Shape[0], channels = x.Shape[1], groupOut = w.Shape[1], groupIn = channels / Group, oc = groupOut * Group;
        using var wide = new WideBuffer(x);
        using var weights = new WideBuffer(w);
        using var sums = new WideBuffer(win.OutCount);
        for (long n = 0; n < batch; n++)
            for (long o = 0; o < oc; o++)
            {
                double bias = c.OptionalInput(2)?.GetDouble(o) ?? 0;
                new Span<double>(sums.P, checked((int)win.OutCount)).Fill(bias);
                for (long ci = o / groupOut * groupIn, last = ci + groupIn; ci < last; ci++)
                    Scatter(wide.P + (n * channels + ci) * win.InCount, weights.P + (ci * groupOut + o % groupOut) * win.Taps, sums.P, win);
                for (long i = 0, first = (n * oc + o) * win.OutCount; i < win.OutCount; i++) y.SetDouble(first + i, sums.P[i]);
            }
    }

    /// <summary>Adds one input plane through one kernel to one output plane.</summary>
    private static void Scatter(double* x, double* w, double* y, in Window win)
    {
        for (long td = 0; td < win.D.Kernel; td++)
            for (long th = 0; th < win.H.Kernel; th++)
                for (long tw = 0; tw < win.W.Kernel; tw++)
                {
                    double weight = w[(td * win.H.Kernel + th) * win.W.Kernel + tw];
                    for (long d = 0; d < win.D.In; d++)
                    {
                        long od = d * win.D.Stride + td * win.D.Dilation - win.D.PadBegin;
                        if (od < 0 || od >= win.D.Out) continue;
                        for (long h = 0; h < win.H.In; h++)
                        {
                            long oh = h * win.H.Stride + th * win.H.Dilation - win.H.PadBegin;
                            if (oh < 0 || oh >= win.H.Out) continue;
                            double* from = x + (d * win.H.In + h) * win.W.In, to = y + (od * win.H.Out + oh) * win.W.Out;
                            for (long i = 0, ow = tw * win.W.Dilation - win.W.PadBegin; i < win.W.In; i++, ow += win.W.Stride)
                                if (ow >= 0 && ow < win.W.Out) to[ow] += weight * from[i];
                        }
                    }
                }
    }

    private WindowAxis TransposedAxis(int i, int spatial, long input, long kernel)
    {
        long stride = Strides?[i] ?? 1, dilation = Dilations?[i] ?? 1, extra = OutputPadding?[i] ?? 0;
        long begin = Pads?[i] ?? 0, end = Pads?[spatial + i] ?? 0;
        long extent = (kernel - 1) * dilation + 1;
        long full = stride * (input - 1) + extra + extent;
        bool same = AutoPad is "SAME_UPPER" or "SAME_LOWER";
        bool known = input >= 0 && kernel >= 0;
        if (AutoPad == "VALID") begin = end = 0;
        long output = OutputShape != null ? OutputShape[OutputShape.Length - spatial + i]
            : !known ? Shape.Unknown
            : same ? input * stride
            : full - begin - end;
        if (known && (OutputShape != null || same))
        {
            long total = Math.Max(full - output, 0);
            begin = AutoPad == "SAME_UPPER" ? total / 2 : total - total / 2;
            end = total - begin;
        }
        return new(input, output, kernel, stride, dilation, begin, end);
    }
}
