using EdgeLite.Converter.Ir;
using EdgeLite.Core;
using EdgeLite.Ops.EdgeLite;

namespace EdgeLite.Converter.Importers.Tflite.Operators;

/// <summary>
/// Operators over int16 whose arithmetic in TFLite's reference kernels no pattern of real operators stands for, written out in integers:
/// the same bits, by reference loops. Zero points of int16 are 0. Each gives null where its operands are something else.
/// </summary>
internal static class SixteenBitIntegers
{
    private static bool AreAll(TfliteNode n, int inputs)
    {
        bool all = IsSymmetric(n.Output(0));
        for (int i = 0; i < inputs; i++) all &= IsSymmetric(n.Input(i));
        return all;
    }

    private static bool IsSymmetric(TfliteTensor t) => t is { IsQuantized: true, DType: DType.Int16, Quantization: { IsPerAxis: false, ZeroPoint: 0 } };

    /// <summary>
    /// The sum over the number of elements (internal/reference/reduce.h): between equal scales cut off (Mean), else in float32, rounded,
    /// halves away from zero (QuantizedMeanOrSum).
    /// </summary>
    public static Value? Mean(TfliteNode n, long[] axes, bool keep)
    {
        if (!AreAll(n, 1) || n.Input(0).Dims is not { } dims || axes.Any(a => dims[a] <= 0)) return null;
        long count = axes.Aggregate(1L, (product, a) => product * dims[a]);
        Value sum = n.Emit("ReduceSum", [n.Cast(n.Raw(0), DType.Int32), n.Ints(axes)], ("keepdims", keep ? 1L : 0), ("noop_with_empty_axes", 1));
        float from = n.Input(0).Quantization!.Scale, to = n.Output(0).Quantization!.Scale;
        if (from == to) return n.Cast(n.Emit("Div", [sum, n.Scalar(DType.Int32, count)]), DType.Int16);
        Value mean = n.Emit("Mul", [n.Emit("Div", [n.Cast(sum, DType.Float32), n.Scalar(count)]), n.Scalar(from / to)]);
        return n.Cast(n.Emit("Clip", [HalvesAway(n, mean), n.Scalar(DType.Float64, short.MinValue), n.Scalar(DType.Float64, short.MaxValue)]), DType.Int16);
    }

    /// <summary>Rounded to whole numbers, in float64, which takes the added half of a float32 exactly.</summary>
    internal static Value HalvesAway(TfliteNode n, Value x)
    {
        Value wide = n.Cast(x, DType.Float64);
        return n.Emit("Mul", [n.Emit("Sign", [wide]), n.Emit("Floor", [n.Emit("Add", [n.Emit("Abs", [wide]), n.Scalar(DType.Float64, 0.5)])])]);
    }

    /// <summary>Products summed in 64 bits (internal/reference/batch_matmul.h), requantized as those of layers over int16.</summary>
    public static Value? MatMul(TfliteNode n, Func<int, Value, Value> operand)
    {
        if (!AreAll(n, 2)) return null;
        double factor = (double)n.Input(0).Quantization!.Scale * n.Input(1).Quantization!.Scale / n.Output(0).Quantization!.Scale;
        FixedMultiplier m = FixedPoint.Quantize(factor);
        Value sum = n.Emit("MatMul", [n.Cast(operand(0, n.Raw(0)), DType.Int64), n.Cast(operand(1, n.Raw(1)), DType.Int64)]);
        return n.EmitOwn("Requantize", [sum], ("multiplier", (long)m.Value), ("shift", (long)m.Shift), ("y_min", (long)short.MinValue), ("y_max", (long)short.MaxValue), ("to", (long)DType.Int16));
    }

    /// <summary>
    /// Bilinear interpolation with weights of 10 bits (internal/reference/resize_bilinear.h, ResizeBilinearInteger): along height, then along
    /// width, to 20 fractional bits that are rounded off, halves away from zero.
    /// </summary>
    public static Value? ResizeBilinear(TfliteNode n, bool align, bool half)
    {
        if (!AreAll(n, 1) || n.Input(0).Dims is not { Length: 4 } dims || dims[1] <= 0 || dims[2] <= 0) return null;
        if (n.ConstantInts(1) is not [> 0 and var height, > 0 and var width]) return null;
        Value x = n.Cast(n.Raw(0), DType.Int64);
        x = Along(n, Along(n, x, 1, dims[1], height, align, half), 2, dims[2], width, align, half);
        Value rounded = n.Emit("Add", [x, n.Emit("Mul", [n.Emit("Sign", [x]), n.Scalar(DType.Int64, 1 << 19)])]);
        return n.Cast(n.Emit("Div", [rounded, n.Scalar(DType.Int64, 1 << 20)]), DType.Int16);
    }

    private static Value Along(TfliteNode n, Value x, int axis, long size, long wanted, bool align, bool half)
    {
        const long One = 1 << 10;
        long step = align && wanted > 1 ? (One * (size - 1) + (wanted - 1) / 2) / (wanted - 1) : (One * size + wanted / 2) / wanted;
        long[] low = new long[wanted], high = new long[wanted], weight = new long[wanted];
        for (long i = 0; i < wanted; i++)
        {
            long at = half ? i * step + step / 2 - One / 2 : i * step;
            low[i] = Math.Min(Math.Max(at / One, 0), size - 1);
            high[i] = Math.Min((at + One - 1) / One, size - 1);
            weight[i] = at - One * low[i];
        }
        Value Part(string name, long[] places, IEnumerable<long> weights) => n.Emit("Mul",
            [n.Emit("Gather", [x, n.Ints(places)], ("axis", (long)axis)), n.Constant($"{name}{axis}", Tensor.FromArray<long>([.. weights], axis == 1 ? new Shape(wanted, 1, 1) : new Shape(wanted, 1)))]);
        return n.Emit("Add", [Part("low", low, weight.Select(w => One - w)), Part("high", high, weight)]);
    }
}
