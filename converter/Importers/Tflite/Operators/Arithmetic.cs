using EdgeLite.Converter.Ir;
using EdgeLite.Core;
using EdgeLite.Ops.EdgeLite;

namespace EdgeLite.Converter.Importers.Tflite.Operators;

/// <summary>Elementwise operators of two operands, comparisons and logic. Broadcasting is NumPy's in both worlds.</summary>
internal static class Arithmetic
{
    [Tflite(TfliteOp.ADD)]
    private static void Add(TfliteNode n) => Sum(n, "Add", "QAdd");

    [Tflite(TfliteOp.SUB)]
    private static void Sub(TfliteNode n) => Sum(n, "Sub", "QSub");

    /// <summary>int16 sums have an integer form of their own, which is emitted as it is; all else goes over real numbers.</summary>
    private static void Sum(TfliteNode n, string opType, string quantized)
    {
        int activation = n.Options.Int8(TfliteOption.Add.Activation);
        TfliteTensor a = n.Input(0), b = n.Input(1), y = n.Output(0);
        if (y.DType == DType.Int16 && a.IsQuantized && b.IsQuantized && y.IsQuantized && !UsesPowersOfTwo(n, a, b, y))
        {
            TfliteQuantization qa = a.Quantization!, qb = b.Quantization!, qy = y.Quantization!;
            AddScaling s = FixedPoint.ForAdd(qa.Scale, qb.Scale, qy.Scale, 15);
            (float low, float high) = n.ActivationRange(activation);
            (int min, int max) = FixedPoint.Range(DType.Int16, qy.Scale, qy.ZeroPoint, low, high);
            n.SetRaw(0, n.EmitOwn(quantized, [n.Raw(0), n.Raw(1)],
                ("a_offset", -qa.ZeroPoint), ("b_offset", -qb.ZeroPoint), ("y_offset", qy.ZeroPoint), ("left_shift", s.LeftShift),
                ("a_multiplier", s.A.Value), ("a_shift", s.A.Shift), ("b_multiplier", s.B.Value), ("b_shift", s.B.Shift),
                ("y_multiplier", s.Y.Value), ("y_shift", s.Y.Shift), ("y_min", min), ("y_max", max)));
            return;
        }
        n.SetReal(0, n.Activate(n.Emit(opType, [n.Real(0), n.Real(1)]), activation));
    }

    /// <summary>The older int16 path: all scales powers of two, no zero points (kernels/add.cc, pot_scale_int16).</summary>
    private static bool UsesPowersOfTwo(TfliteNode n, params ReadOnlySpan<TfliteTensor> tensors)
    {
        if (!n.Options.Bool(TfliteOption.Add.PotScaleInt16, true)) return false;
        foreach (TfliteTensor t in tensors)
        {
            double log = Math.Log2(t.Quantization!.Scale);
            if (t.Quantization.ZeroPoint != 0 || Math.Abs(log - Math.Round(log)) >= 1e-3) return false;
        }
        return true;
    }

    [Tflite(TfliteOp.MUL)]
    private static void Mul(TfliteNode n)
    {
        int activation = n.Options.Int8(0);
        TfliteTensor a = n.Input(0), b = n.Input(1), y = n.Output(0);
        if (y.DType == DType.Int16 && a is { IsQuantized: true, DType: DType.Int16 } && b is { IsQuantized: true, DType: DType.Int16 } && y.IsQuantized)
        {
            TfliteQuantization qa = a.Quantization!, qb = b.Quantization!, qy = y.Quantization!;
            FixedMultiplier m = FixedPoint.Quantize(qa.Scale * qb.Scale / qy.Scale);
            (float low, float high) = n.ActivationRange(activation);
            (int min, int max) = FixedPoint.Range(DType.Int16, qy.Scale, qy.ZeroPoint, low, high);
            n.SetRaw(0, n.EmitOwn("QMul", [n.Raw(0), n.Raw(1)], ("a_offset", -qa.ZeroPoint), ("b_offset", -qb.ZeroPoint), ("y_offset", qy.ZeroPoint),
                ("y_multiplier", m.Value), ("y_shift", m.Shift), ("y_min", min), ("y_max", max)));
            return;
        }
        n.SetReal(0, n.Activate(n.Emit("Mul", [n.Real(0), n.Real(1)]), activation));
    }

    [Tflite(TfliteOp.DIV)]
    private static void Div(TfliteNode n) => n.SetReal(0, n.Activate(n.Emit("Div", [n.Real(0), n.Real(1)]), n.Options.Int8(0)));

    [Tflite(TfliteOp.MAXIMUM)]
    private static void Maximum(TfliteNode n) => Extreme(n, "Max");

    [Tflite(TfliteOp.MINIMUM)]
    private static void Minimum(TfliteNode n) => Extreme(n, "Min");

    private static void Extreme(TfliteNode n, string opType)
    {
        if (n.SameQuantization(0, 0) && n.SameQuantization(1, 0)) n.SetRaw(0, n.Emit(opType, [n.Raw(0), n.Raw(1)]));
        else n.SetReal(0, n.Emit(opType, [n.Real(0), n.Real(1)]));
    }

    [Tflite(TfliteOp.POW)]
    private static void Pow(TfliteNode n) => n.SetReal(0, n.Emit("Pow", [n.Real(0), n.Real(1)]));

    [Tflite(TfliteOp.SQUARED_DIFFERENCE)]
    private static void SquaredDifference(TfliteNode n)
    {
        Value d = n.Emit("Sub", [n.Real(0), n.Real(1)]);
        n.SetReal(0, n.Emit("Mul", [d, d]));
    }

    [Tflite(TfliteOp.ADD_N)]
    private static void AddN(TfliteNode n)
    {
        Value sum = n.Real(0);
        for (int i = 1; i < n.InputCount; i++) sum = n.Emit("Add", [sum, n.Real(i)]);
        n.SetReal(0, n.InputCount == 1 ? n.Emit("Identity", [sum]) : sum);
    }

    /// <summary>Rounded toward minus infinity; for integers (a - a mod b) / b, mod having the divisor's sign.</summary>
    [Tflite(TfliteOp.FLOOR_DIV)]
    private static void FloorDiv(TfliteNode n)
    {
        Value a = n.Real(0), b = n.Real(1);
        n.SetReal(0, n.Output(0).DType.IsInteger()
            ? n.Emit("Div", [n.Emit("Sub", [a, n.Emit("Mod", [a, b])]), b])
            : n.Emit("Floor", [n.Emit("Div", [a, b])]));
    }

    /// <summary>The remainder with the sign of the divisor.</summary>
    [Tflite(TfliteOp.FLOOR_MOD)]
    private static void FloorMod(TfliteNode n)
    {
        Value a = n.Real(0), b = n.Real(1);
        if (n.Output(0).DType.IsInteger())
        {
            n.SetReal(0, n.Emit("Mod", [a, b]));
            return;
        }
        Value m = n.Emit("Mod", [a, b], ("fmod", 1)), zero = n.Scalar(n.Output(0).DType, 0);
        Value nonZero = n.Emit("Not", [n.Emit("Equal", [m, zero])]);
        Value signsDiffer = n.Emit("Xor", [n.Emit("Less", [b, zero]), n.Emit("Less", [m, zero])]);
        n.SetReal(0, n.Emit("Where", [n.Emit("And", [nonZero, signsDiffer]), n.Emit("Add", [m, b]), m]));
    }

    /// <summary>The angle of (x, y): atan(y / x), moved by pi to the left half plane, 0 at the origin.</summary>
    [Tflite(TfliteOp.ATAN2)]
    private static void Atan2(TfliteNode n)
    {
        Value y = n.Real(0), x = n.Real(1);
        DType type = n.Output(0).DType;
        Value zero = n.Scalar(type, 0), pi = n.Scalar(type, Math.PI), minusPi = n.Scalar(type, -Math.PI);
        Value angle = n.Emit("Atan", [n.Emit("Div", [y, x])]);
        Value below = n.Emit("Less", [y, zero]), left = n.Emit("Less", [x, zero]);
        angle = n.Emit("Add", [angle, n.Emit("Where", [left, n.Emit("Where", [below, minusPi, pi]), zero])]);
        Value origin = n.Emit("And", [n.Emit("Equal", [y, zero]), n.Emit("Equal", [x, zero])]);
        n.SetReal(0, n.Emit("Where", [origin, zero, angle]));
    }

    [Tflite(TfliteOp.EQUAL)]
    private static void Equal(TfliteNode n) => Compare(n, "Equal", false);

    [Tflite(TfliteOp.NOT_EQUAL)]
    private static void NotEqual(TfliteNode n) => Compare(n, "Equal", true);

    [Tflite(TfliteOp.LESS)]
    private static void Less(TfliteNode n) => Compare(n, "Less", false);

    [Tflite(TfliteOp.LESS_EQUAL)]
    private static void LessEqual(TfliteNode n) => Compare(n, "LessOrEqual", false);

    [Tflite(TfliteOp.GREATER)]
    private static void Greater(TfliteNode n) => Compare(n, "Greater", false);

    [Tflite(TfliteOp.GREATER_EQUAL)]
    private static void GreaterEqual(TfliteNode n) => Compare(n, "GreaterOrEqual", false);

    private static void Compare(TfliteNode n, string opType, bool negate)
    {
        Value result = n.Emit(opType, [n.Real(0), n.Real(1)]);
        n.SetRaw(0, negate ? n.Emit("Not", [result]) : result);
    }

    [Tflite(TfliteOp.LOGICAL_AND)]
    private static void LogicalAnd(TfliteNode n) => n.SetRaw(0, n.Emit("And", [n.Raw(0), n.Raw(1)]));

    [Tflite(TfliteOp.LOGICAL_OR)]
    private static void LogicalOr(TfliteNode n) => n.SetRaw(0, n.Emit("Or", [n.Raw(0), n.Raw(1)]));

    [Tflite(TfliteOp.LOGICAL_NOT)]
    private static void LogicalNot(TfliteNode n) => n.SetRaw(0, n.Emit("Not", [n.Raw(0)]));

    [Tflite(TfliteOp.BITWISE_XOR)]
    private static void BitwiseXor(TfliteNode n) => n.SetRaw(0, n.Emit("BitwiseXor", [n.Raw(0), n.Raw(1)]));

    /// <summary>Arithmetic shift: the floor of a / 2^b.</summary>
    [Tflite(TfliteOp.RIGHT_SHIFT)]
    private static void RightShift(TfliteNode n)
    {
        Value a = n.Raw(0), b = n.Raw(1);
        if (n.Output(0).DType.IsUnsigned())
        {
            n.SetRaw(0, n.Emit("BitShift", [a, b], ("direction", "RIGHT")));
            return;
        }
        Value wide = n.Cast(a, DType.Int64), divisor = n.Emit("Pow", [n.Int(2), n.Cast(b, DType.Int64)]);
        Value floor = n.Emit("Div", [n.Emit("Sub", [wide, n.Emit("Mod", [wide, divisor])]), divisor]);
        n.SetRaw(0, n.Cast(floor, n.Output(0).DType));
    }
}
