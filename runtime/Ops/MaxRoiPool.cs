using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>Maximum over each of pooled_shape bins of a region (arXiv 1504.08083), region borders rounded to whole pixels:
/// X[n][c][h][w], rois[k][batch, x1, y1, x2, y2] to Y[k][c][ph][pw]; an empty bin is 0.</summary>
[Operator("MaxRoiPool", "X, rois", "Y")]
public sealed partial class MaxRoiPool : Operator
{
    [Attr(Required = true)] public long[] PooledShape { get; set; } = [];
    [Attr] public float SpatialScale { get; set; } = 1;

    public override void Infer(InferContext c)
    {
        c.ExpectRank(0, 4);
        c.ExpectRank(1, 2);
        if (PooledShape.Length != 2) throw c.Error($"pooled_shape has {PooledShape.Length} values; expected 2");
        c.SetOutput(0, c.DType(0), new Shape(c.Shape(1).IsRanked ? c.Shape(1)[0] : Shape.Unknown,
            c.Shape(0).IsRanked ? c.Shape(0)[1] : Shape.Unknown, PooledShape[0], PooledShape[1]));
    }

    public override void Compute(ComputeContext c)
    {
        Tensor x = c.Input(0), rois = c.Input(1), y = c.Output(0);
        long channels = x.Shape[1], h = x.Shape[2], w = x.Shape[3], ph = PooledShape[0], pw = PooledShape[1];
        for (long i = 0; i < y.Count; i++)
        {
            long k = i / (channels * ph * pw), ch = i / (ph * pw) % channels;
            long left = Scaled(rois, k * 5 + 1), top = Scaled(rois, k * 5 + 2), right = Scaled(rois, k * 5 + 3), bottom = Scaled(rois, k * 5 + 4);
            (long y0, long y1) = Bin(i / pw % ph, ph, top, Math.Max(bottom - top + 1, 1), h);
            (long x0, long x1) = Bin(i % pw, pw, left, Math.Max(right - left + 1, 1), w);
            double best = y1 <= y0 || x1 <= x0 ? 0 : double.NegativeInfinity;
            long plane = ((long)rois.GetDouble(k * 5) * channels + ch) * h;
            for (long iy = y0; iy < y1; iy++)
                for (long ix = x0; ix < x1; ix++) best = Math.Max(best, x.GetDouble((plane + iy) * w + ix));
            y.SetDouble(i, best);
        }
    }

    private long Scaled(Tensor rois, long i) => (long)Math.Round(rois.GetDouble(i) * SpatialScale, MidpointRounding.AwayFromZero);

    private static (long From, long To) Bin(long bin, long bins, long start, long size, long limit)
    {
        double width = (double)size / bins;
        return (Math.Clamp((long)Math.Floor(bin * width) + start, 0, limit), Math.Clamp((long)Math.Ceiling((bin + 1) * width) + start, 0, limit));
    }
}
