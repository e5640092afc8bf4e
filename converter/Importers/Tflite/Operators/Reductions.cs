using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.Tflite.Operators;

/// <summary>Reductions over given axes, and resizing.</summary>
internal static class Reductions
{
    [Tflite(TfliteOp.MEAN)]
    private static void Mean(TfliteNode n)
    {
        if (SixteenBitIntegers.Mean(n, Axes(n), n.Options.Bool(TfliteOption.Reducer.KeepDims)) is { } mean) n.SetRaw(0, mean);
        else n.SetReal(0, Reduce(n, "ReduceMean", n.Real(0)));
    }

    [Tflite(TfliteOp.SUM)]
    private static void Sum(TfliteNode n) => n.SetReal(0, Reduce(n, "ReduceSum", n.Real(0)));

    [Tflite(TfliteOp.REDUCE_PROD)]
    private static void Prod(TfliteNode n) => n.SetReal(0, Reduce(n, "ReduceProd", n.Real(0)));

    [Tflite(TfliteOp.REDUCE_MAX)]
    private static void Max(TfliteNode n) => n.Move(x => Reduce(n, "ReduceMax", x));

    [Tflite(TfliteOp.REDUCE_MIN)]
    private static void Min(TfliteNode n) => n.Move(x => Reduce(n, "ReduceMin", x));

    [Tflite(TfliteOp.REDUCE_ANY)]
    private static void Any(TfliteNode n) => n.SetRaw(0, n.Cast(Reduce(n, "ReduceMax", n.Cast(n.Raw(0), DType.Int32)), DType.Bool));

    [Tflite(TfliteOp.REDUCE_ALL)]
    private static void All(TfliteNode n) => n.SetRaw(0, n.Cast(Reduce(n, "ReduceMin", n.Cast(n.Raw(0), DType.Int32)), DType.Bool));

    private static Value Reduce(TfliteNode n, string opType, Value x)
    {
        long keep = n.Options.Bool(TfliteOption.Reducer.KeepDims) ? 1 : 0;
        return n.Emit(opType, [x, n.Ints(Axes(n))], ("keepdims", keep), ("noop_with_empty_axes", 1));
    }

    private static long[] Axes(TfliteNode n)
    {
        int rank = n.Input(0).Rank;
        return [.. n.RequiredInts(1, "the axes").Select(a => (long)n.Axis(a, rank)).Distinct().Order()];
    }

    /// <summary>On axes 1 and 2 of NHWC. Interpolation clamps at the border, as TFLite's does.</summary>
    [Tflite(TfliteOp.RESIZE_BILINEAR)]
    private static void ResizeBilinear(TfliteNode n)
    {
        bool align = n.Options.Bool(TfliteOption.ResizeBilinear.AlignCorners), half = n.Options.Bool(TfliteOption.ResizeBilinear.HalfPixelCenters);
        if (SixteenBitIntegers.ResizeBilinear(n, align, half) is { } resized) n.SetRaw(0, resized);
        else n.SetReal(0, n.Emit("Resize", [n.Real(0), null, null, Sizes(n)], ("mode", "linear"), ("axes", new long[] { 1, 2 }),
            ("coordinate_transformation_mode", align ? "align_corners" : half ? "half_pixel" : "asymmetric")));
    }

    /// <summary>floor(x * scale), floor((x + 0.5) * scale) with half-pixel centers, round(x * scale) with aligned corners
    /// (internal/reference/resize_nearest_neighbor.h).</summary>
    [Tflite(TfliteOp.RESIZE_NEAREST_NEIGHBOR)]
    private static void ResizeNearest(TfliteNode n)
    {
        bool align = n.Options.Bool(TfliteOption.ResizeNearest.AlignCorners), half = n.Options.Bool(TfliteOption.ResizeNearest.HalfPixelCenters);
        n.Move(x => n.Emit("Resize", [x, null, null, Sizes(n)], ("mode", "nearest"), ("axes", new long[] { 1, 2 }),
            ("coordinate_transformation_mode", align ? "align_corners" : half ? "half_pixel" : "asymmetric"),
            ("nearest_mode", align || half ? "round_prefer_ceil" : "floor")));
    }

    private static Value Sizes(TfliteNode n) => n.InputCount > 1 ? n.Int64(1) : n.Ints(
        n.Options.Int32(TfliteOption.ResizeBilinear.NewHeight), n.Options.Int32(TfliteOption.ResizeBilinear.NewWidth));
}
