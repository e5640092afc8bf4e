using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>
/// Deformable convolution over two spatial axes (arXiv 1703.06211, with mask 1811.11168): every tap of every output position reads X
/// at its regular position plus offset[n][(g*taps + t)*2 + {y,x}][oh][ow], bilinearly, times mask[n][g*taps + t][oh][ow].
/// </summary>
[Operator("DeformConv", "X, W, offset, B?, mask?", "Y")]
public sealed partial class DeformConv : WindowOperator
{
    [Attr] public long Group { get; set; } = 1;
    [Attr] public long OffsetGroup { get; set; } = 1;

    public override void Infer(InferContext c)
    {
        for (int i = 0; i < 3; i++) c.ExpectRank(i, 4);
        Shape x = c.Shape(0), w = c.Shape(1);
        if (!x.IsRanked || !w.IsRanked)
        {
            c.SetOutput(0, c.DType(0), Shape.OfRank(4));
            return;
        }
        CheckWindow(c, 2);
        CheckKernel(c, w);
        if (Group < 1 || OffsetGroup < 1 || w[0] >= 0 && w[0] % Group != 0 || x[1] >= 0 && x[1] % OffsetGroup != 0)
            throw c.Error($"{Group} groups and {OffsetGroup} groups of offsets do not divide the channels of weight {w} and input {x}");
        if (x[1] >= 0 && w[1] >= 0 && x[1] != w[1] * Group) throw c.Error($"weight has {w[1]} input channels in each of {Group} groups, the input has {x[1]}");
        Shape y = new(x[0], w[0], Axis(0, 2, x[2], KernelShape?[0] ?? w[2]).Out, Axis(1, 2, x[3], KernelShape?[1] ?? w[3]).Out);
        long places = w[2] < 0 || w[3] < 0 ? Shape.Unknown : checked(OffsetGroup * w[2] * w[3]);
        c.ExpectShape(2, y[0], places < 0 ? places : 2 * places, y[2], y[3]);
        c.ExpectShape(3, y[1]);
        c.ExpectShape(4, y[0], places, y[2], y[3]);
        c.SetOutput(0, c.DType(0), y);
    }

    public override void Compute(ComputeContext c)
    {
        Tensor x = c.Input(0), w = c.Input(1), offset = c.Input(2), y = c.Output(0);
        WindowAxis h = Axis(0, 2, x.Shape[2], w.Shape[2]), v = Axis(1, 2, x.Shape[3], w.Shape[3]);
        long channels = x.Shape[1], oc = w.Shape[0], groupIn = w.Shape[1], taps = h.Kernel * v.Kernel, plane = h.Out * v.Out;
        for (long i = 0; i < y.Count; i++)
        {
            long n = i / (oc * plane), o = i / plane % oc, position = i % plane, oy = position / v.Out, ox = position % v.Out;
            double sum = c.OptionalInput(3)?.GetDouble(o) ?? 0;
            for (long ci = 0; ci < groupIn; ci++)
            {
                long ch = o / (oc / Group) * groupIn + ci, og = ch / (channels / OffsetGroup);
                for (long t = 0; t < taps; t++)
                {
                    long at = (n * OffsetGroup + og) * taps + t;
                    double py = oy * h.Stride + t / v.Kernel * h.Dilation - h.PadBegin + offset.GetDouble(at * 2 * plane + position);
                    double px = ox * v.Stride + t % v.Kernel * v.Dilation - v.PadBegin + offset.GetDouble((at * 2 + 1) * plane + position);
                    double mask = c.OptionalInput(4)?.GetDouble(at * plane + position) ?? 1;
                    sum += Sample(x, n * channels + ch, py, px) * mask * w.GetDouble((o * groupIn + ci) * taps + t);
                }
            }
            y.SetDouble(i, sum);
        }
    }

    /// <summary>Bilinear sample of one plane, zero outside.</summary>
    private static double Sample(Tensor x, long plane, double py, double px)
    {
        long h = x.Shape[2], w = x.Shape[3], y0 = (long)Math.Floor(py), x0 = (long)Math.Floor(px);
        double sum = 0;
        for (long iy = Math.Max(y0, 0); iy <= y0 + 1 && iy < h; iy++)
            for (long ix = Math.Max(x0, 0); ix <= x0 + 1 && ix < w; ix++)
                sum += (1 - Math.Abs(py - iy)) * (1 - Math.Abs(px - ix)) * x.GetDouble((plane * h + iy) * w + ix);
        return sum;
    }
}
