using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>
/// Region of interest align (arXiv 1703.06870): each of output_height x output_width bins of a region averages (or takes the
/// maximum of) bilinear samples on a regular grid; sampling_ratio samples a side, or as many as the bin is pixels long.
/// X[n][c][h][w], rois[k][x1, y1, x2, y2], batch_indices[k] to Y[k][c][output_height][output_width].
/// </summary>
[Operator("RoiAlign", "X, rois, batch_indices", "Y")]
public sealed partial class RoiAlign : Operator
{
    [Attr] public string CoordinateTransformationMode { get; set; } = "half_pixel";
    [Attr] public string Mode { get; set; } = "avg";
    [Attr] public long OutputHeight { get; set; } = 1;
    [Attr] public long OutputWidth { get; set; } = 1;
    [Attr] public long SamplingRatio { get; set; }
    [Attr] public float SpatialScale { get; set; } = 1;

    public override void Infer(InferContext c)
    {
        c.ExpectRank(0, 4);
        c.ExpectRank(1, 2);
        if (Mode is not ("avg" or "max")) throw c.Error($"mode is '{Mode}'; expected avg or max");
        c.SetOutput(0, c.DType(0), new Shape(c.Shape(1).IsRanked ? c.Shape(1)[0] : Shape.Unknown,
            c.Shape(0).IsRanked ? c.Shape(0)[1] : Shape.Unknown, OutputHeight, OutputWidth));
    }

    public override void Compute(ComputeContext c)
    {
        Tensor x = c.Input(0), rois = c.Input(1), y = c.Output(0);
        bool isHalfPixel = CoordinateTransformationMode == "half_pixel";
        double offset = isHalfPixel ? 0.5 : 0;
        long channels = x.Shape[1];
        for (long k = 0; k < rois.Shape[0]; k++)
        {
            double left = rois.GetDouble(k * 4) * SpatialScale - offset, top = rois.GetDouble(k * 4 + 1) * SpatialScale - offset;
            double width = rois.GetDouble(k * 4 + 2) * SpatialScale - offset - left, height = rois.GetDouble(k * 4 + 3) * SpatialScale - offset - top;
            if (!isHalfPixel) (width, height) = (Math.Max(width, 1), Math.Max(height, 1));
            double binWidth = width / OutputWidth, binHeight = height / OutputHeight;
            long across = SamplingRatio > 0 ? SamplingRatio : (long)Math.Ceiling(binWidth);
            long down = SamplingRatio > 0 ? SamplingRatio : (long)Math.Ceiling(binHeight);
            for (long i = 0, bins = channels * OutputHeight * OutputWidth; i < bins; i++)
            {
                long ch = i / (OutputHeight * OutputWidth), by = i / OutputWidth % OutputHeight, bx = i % OutputWidth;
                long plane = c.Input(2).GetInt64(k) * channels + ch;
                double sum = 0, max = double.NegativeInfinity;
                for (long sy = 0; sy < down; sy++)
                    for (long sx = 0; sx < across; sx++)
                    {
                        double py = top + by * binHeight + (sy + 0.5) * binHeight / down, px = left + bx * binWidth + (sx + 0.5) * binWidth / across;
                        Sample(x, plane, py, px, ref sum, ref max);
                    }
                y.SetDouble(k * bins + i, Mode == "avg" ? sum / Math.Max(down * across, 1) : double.IsNegativeInfinity(max) ? 0 : max);
            }
        }
    }

    /// <summary>Bilinear sample of one plane; more than a pixel outside it is zero. The maximum is over the weighted corners, as the
    /// operator's definition has it.</summary>
    private static void Sample(Tensor x, long plane, double py, double px, ref double sum, ref double max)
    {
        long h = x.Shape[2], w = x.Shape[3];
        if (py < -1 || py > h || px < -1 || px > w)
        {
            max = Math.Max(max, 0);
            return;
        }
        py = Math.Clamp(py, 0, h - 1);
        px = Math.Clamp(px, 0, w - 1);
        long y0 = (long)py, x0 = (long)px, y1 = Math.Min(y0 + 1, h - 1), x1 = Math.Min(x0 + 1, w - 1);
        double fy = py - y0, fx = px - x0;
        double a = (1 - fy) * (1 - fx) * x.GetDouble((plane * h + y0) * w + x0), b = (1 - fy) * fx * x.GetDouble((plane * h + y0) * w + x1);
        double d = fy * (1 - fx) * x.GetDouble((plane * h + y1) * w + x0), e = fy * fx * x.GetDouble((plane * h + y1) * w + x1);
        sum += a + b + d + e;
        max = Math.Max(max, Math.Max(Math.Max(a, b), Math.Max(d, e)));
    }
}
