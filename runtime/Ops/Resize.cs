using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>
/// Resamples X axis by axis (ONNX documentation of Resize). For output position i of an axis, coordinate_transformation_mode gives
/// a real position x in the input; nearest takes one element there, linear weighs two, cubic (Keys 1981) four; with antialias
/// and a scale below 1 the weighing function is stretched by 1/scale. Positions outside repeat the border, or count nothing
/// with exclude_outside.
/// </summary>
[Operator("Resize", "X, roi?, scales?, sizes?", "Y")]
public sealed unsafe partial class Resize : Operator
{
    [Attr] public bool Antialias { get; set; }
    [Attr] public long[]? Axes { get; set; }
    [Attr] public string CoordinateTransformationMode { get; set; } = "half_pixel";
    [Attr] public float CubicCoeffA { get; set; } = -0.75f;
    [Attr] public bool ExcludeOutside { get; set; }
    [Attr] public float ExtrapolationValue { get; set; }
    [Attr] public string KeepAspectRatioPolicy { get; set; } = "stretch";
    [Attr] public string Mode { get; set; } = "nearest";
    [Attr] public string NearestMode { get; set; } = "round_prefer_floor";

    /// <summary>How one axis is mapped; Roi is used by tf_crop_and_resize alone.</summary>
    private readonly record struct AxisMap(long In, long Out, double Scale, double RoiStart, double RoiEnd)
    {
        public bool IsIdentity => In == Out && Scale == 1 && RoiStart == 0 && RoiEnd == 1;
    }

    public override void Infer(InferContext c)
    {
        CheckAttributes(c);
        Shape x = c.Shape(0);
        if (!x.IsRanked)
        {
            c.SetOutput(0, c.DType(0), x);
            return;
        }
        if (HasValues(c, 2) && HasValues(c, 3)) throw c.Error("scales and sizes are both given; expected one");
        if (!HasValues(c, 2) && !HasValues(c, 3)) throw c.Error("neither scales nor sizes are given");
        Tensor? scales = HasValues(c, 2) ? c.Constant(2) : null, sizes = HasValues(c, 3) ? c.Constant(3) : null;
        if (Axes != null)
            foreach (long axis in Axes) c.Axis(axis, x.Rank);
        long expected = Axes?.Length ?? x.Rank;
        if ((scales ?? sizes) is { } values && values.Count != expected)
            throw c.Error($"{(scales != null ? "scales" : "sizes")} has {values.Count} values; expected {expected}");

        Span<long> dims = stackalloc long[x.Rank];
        for (int i = 0; i < x.Rank; i++)
        {
            int at = PositionOf(i, x.Rank);
            dims[i] = at < 0 ? x[i] : OutputSize(x, i, at, scales, sizes);
            if (x[i] == 0 && dims[i] > 0) throw c.Error($"axis {i} has no elements and cannot become {dims[i]} long");
        }
        c.SetOutput(0, c.DType(0), new Shape(dims));
    }

    public override void Compute(ComputeContext c)
    {
        Tensor x = c.Input(0), y = c.Output(0);
        Tensor? scales = Values(c, 2), sizes = Values(c, 3), roi = Values(c, 1);
        if (y.Count == 0) return;
        int rank = x.Shape.Rank, listed = Axes?.Length ?? rank;
        bool isCrop = CoordinateTransformationMode == "tf_crop_and_resize";
        Span<AxisMap> maps = stackalloc AxisMap[rank];
        for (int i = 0; i < rank; i++)
        {
            int at = PositionOf(i, rank);
            double scale = at < 0 ? 1 : scales != null ? scales.GetDouble(at) : ScaleOf(x.Shape, i, at, sizes!);
            (double start, double end) = isCrop && at >= 0 && roi != null ? (roi.GetDouble(at), roi.GetDouble(listed + at)) : (0, 1);
            maps[i] = new(x.Shape[i], y.Shape[i], scale, start, end);
        }
        if (Mode == "nearest") Nearest(x, y, maps);
        else Interpolate(x, y, maps);
        if (isCrop) Extrapolate(y, maps);
    }

    /// <summary>Every output element copies the input element that its axes' positions round to.</summary>
    private void Nearest(Tensor x, Tensor y, ReadOnlySpan<AxisMap> maps)
    {
        long slots = 0;
        foreach (AxisMap map in maps) slots += map.Out;
        using var table = new WideBuffer(slots); // 8-byte slots: for each axis, each position's offset in X
        long* offsets = (long*)table.P;
        long stride = x.Count, first = 0;
        foreach (AxisMap map in maps)
        {
            stride /= map.In;
            for (long o = 0; o < map.Out; o++)
            {
                long i = map.IsIdentity ? o : RoundNearest(Position(map, o));
                offsets[first + o] = Math.Clamp(i, 0, map.In - 1) * stride;
            }
            first += map.Out;
        }
        for (long i = 0; i < y.Count; i++)
        {
            long from = 0, rest = i, slot = slots;
            for (int axis = maps.Length - 1; axis >= 0; axis--)
            {
                slot -= maps[axis].Out;
                from += offsets[slot + rest % maps[axis].Out];
                rest /= maps[axis].Out;
            }
            Elements.Copy(x, from, y, i);
        }
    }

    /// <summary>One axis after the other, in double.</summary>
    private void Interpolate(Tensor x, Tensor y, ReadOnlySpan<AxisMap> maps)
    {
        var current = new WideBuffer(x);
        try
        {
            long outer = 1, inner = x.Count;
            foreach (AxisMap map in maps)
            {
                inner /= map.In;
                if (!map.IsIdentity)
                {
                    var next = new WideBuffer(outer * map.Out * inner);
                    InterpolateAxis(current.P, next.P, outer, map, inner);
                    current.Dispose();
                    current = next;
                }
                outer *= map.Out;
            }
            (double min, double max) = y.DType.IsInteger() ? Quantization.Range(y.DType) : (double.NegativeInfinity, double.PositiveInfinity);
            for (long i = 0; i < y.Count; i++) y.SetDouble(i, Math.Clamp(current.P[i], min, max));
        }
        finally
        {
            current.Dispose();
        }
    }

    private void InterpolateAxis(double* x, double* y, long outer, in AxisMap map, long inner)
    {
        double stretch = Antialias ? Math.Min(map.Scale, 1) : 1, radius = (Mode == "cubic" ? 2 : 1) / stretch;
        using var weights = new WideBuffer((long)Math.Ceiling(2 * radius) + 2);
        for (long o = 0; o < map.Out; o++)
        {
            double position = Position(map, o);
            long first = (long)Math.Floor(position - radius) + 1, last = (long)Math.Ceiling(position + radius) - 1;
            double sum = 0;
            for (long i = first; i <= last; i++)
            {
                double weight = ExcludeOutside && (i < 0 || i >= map.In) ? 0 : Weight((i - position) * stretch);
                weights.P[i - first] = weight;
                sum += weight;
            }
            if (sum == 0) sum = 1;
            for (long i = first; i <= last; i++)
            {
                double weight = weights.P[i - first] / sum;
                long source = Math.Clamp(i, 0, map.In - 1);
                for (long k = 0; k < outer; k++)
                {
                    double* from = x + (k * map.In + source) * inner, to = y + (k * map.Out + o) * inner;
                    for (long j = 0; j < inner; j++) to[j] += weight * from[j];
                }
            }
        }
    }

    /// <summary>tf_crop_and_resize: outputs whose position lies outside the input hold extrapolation_value.</summary>
    private void Extrapolate(Tensor y, ReadOnlySpan<AxisMap> maps)
    {
        long inner = y.Count, outer = 1;
        foreach (AxisMap map in maps)
        {
            inner /= map.Out;
            for (long o = 0; o < map.Out && !map.IsIdentity; o++)
            {
                double position = Position(map, o);
                if (position >= 0 && position <= map.In - 1) continue;
                for (long k = 0; k < outer; k++)
                    for (long j = 0; j < inner; j++) y.SetDouble((k * map.Out + o) * inner + j, ExtrapolationValue);
            }
            outer *= map.Out;
        }
    }

    /// <summary>The position in input coordinates that output <paramref name="output"/> of axis <paramref name="axis"/> reads, given the
    /// constant inputs; for kernels that take tables.</summary>
    internal double SourcePosition(in Shape x, in Shape y, int axis, Tensor? scales, Tensor? sizes, long output)
    {
        int at = PositionOf(axis, x.Rank);
        if (at < 0) return output;
        double scale = scales is { Count: > 0 } ? scales.GetDouble(at) : ScaleOf(x, axis, at, sizes!);
        return Position(new AxisMap(x[axis], y[axis], scale, 0, 1), output);
    }

    private double Position(in AxisMap map, long o)
    {
        double length = map.Scale * map.In;
        switch (CoordinateTransformationMode)
        {
            case "align_corners": return length == 1 ? 0 : o * (map.In - 1) / (length - 1);
            case "asymmetric": return o / map.Scale;
            case "pytorch_half_pixel": return length == 1 ? 0 : (o + 0.5) / map.Scale - 0.5;
            case "half_pixel_symmetric": return map.In / 2.0 * (1 - map.Out / length) + (o + 0.5) / map.Scale - 0.5;
            case "tf_crop_and_resize":
                double span = (map.RoiEnd - map.RoiStart) * (map.In - 1);
                return map.RoiStart * (map.In - 1) + (length == 1 ? span / 2 : o * span / (length - 1));
            default: return (o + 0.5) / map.Scale - 0.5;
        }
    }

    internal long RoundNearest(double x) => (long)(NearestMode switch
    {
        "floor" => Math.Floor(x),
        "ceil" => Math.Ceiling(x),
        "round_prefer_ceil" => Math.Floor(x + 0.5),
        _ => Math.Ceiling(x - 0.5),
    });

    private double Weight(double distance)
    {
        double d = Math.Abs(distance), a = CubicCoeffA;
        if (Mode != "cubic") return Math.Max(0, 1 - d);
        return d <= 1 ? ((a + 2) * d - (a + 3)) * d * d + 1 : d < 2 ? ((a * d - 5 * a) * d + 8 * a) * d - 4 * a : 0;
    }

    private long OutputSize(in Shape x, int i, int at, Tensor? scales, Tensor? sizes)
    {
        if (sizes != null && KeepAspectRatioPolicy == "stretch") return sizes.GetInt64(at);
        double scale = scales != null ? scales.GetDouble(at) : sizes != null ? ScaleOf(x, i, at, sizes) : double.NaN;
        if (x[i] < 0) return scale == 1 ? x[i] : Shape.Unknown;
        if (double.IsNaN(scale)) return Shape.Unknown;
        return scales != null ? (long)Math.Floor(scale * x[i]) : (long)(scale * x[i] + 0.5);
    }

    /// <summary>The scale that sizes ask for; one for all listed axes when the aspect ratio is kept. NaN when not known yet.</summary>
    private double ScaleOf(in Shape x, int i, int at, Tensor sizes)
    {
        if (KeepAspectRatioPolicy == "stretch") return sizes.GetDouble(at) / x[i];
        double scale = double.NaN;
        for (int axis = 0; axis < x.Rank; axis++)
        {
            int position = PositionOf(axis, x.Rank);
            if (position < 0) continue;
            if (x[axis] < 0) return double.NaN;
            double own = sizes.GetDouble(position) / x[axis];
            scale = double.IsNaN(scale) ? own : KeepAspectRatioPolicy == "not_larger" ? Math.Min(scale, own) : Math.Max(scale, own);
        }
        return scale;
    }

    /// <summary>Where axis <paramref name="axis"/> stands in scales, sizes and roi; -1 when it is not resized.</summary>
    private int PositionOf(int axis, int rank)
    {
        if (Axes == null) return axis;
        for (int i = 0; i < Axes.Length; i++)
            if ((Axes[i] < 0 ? Axes[i] + rank : Axes[i]) == axis) return i;
        return -1;
    }

    private void CheckAttributes(InferContext c)
    {
        if (Mode is not ("nearest" or "linear" or "cubic")) throw c.Error($"mode is '{Mode}'; expected nearest, linear or cubic");
        if (Mode == "nearest" && Antialias) throw c.Error("antialias is set, which mode nearest does not have");
        if (CoordinateTransformationMode is not ("half_pixel" or "half_pixel_symmetric" or "pytorch_half_pixel" or "align_corners"
            or "asymmetric" or "tf_crop_and_resize"))
            throw c.Error($"coordinate_transformation_mode '{CoordinateTransformationMode}' is not known");
        if (NearestMode is not ("round_prefer_floor" or "round_prefer_ceil" or "floor" or "ceil"))
            throw c.Error($"nearest_mode '{NearestMode}' is not known");
        if (KeepAspectRatioPolicy is not ("stretch" or "not_larger" or "not_smaller"))
            throw c.Error($"keep_aspect_ratio_policy '{KeepAspectRatioPolicy}' is not known");
    }

    /// <summary>An empty tensor counts as absent, as exporters write it.</summary>
    private static bool HasValues(InferContext c, int i) => c.HasInput(i) && !(c.Shape(i).IsKnown && c.Shape(i).Count == 0);

    private static Tensor? Values(ComputeContext c, int i) => c.OptionalInput(i) is { Count: > 0 } t ? t : null;
}
