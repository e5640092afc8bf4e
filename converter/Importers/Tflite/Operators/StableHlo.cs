using EdgeLite.Converter.Ir;
using EdgeLite.Core;
using EdgeLite.Format;

namespace EdgeLite.Converter.Importers.Tflite.Operators;

/// <summary>StableHLO's elementwise operators (https://openxla.org/stablehlo/spec); operands have one shape.</summary>
internal static class StableHlo
{
    [Tflite(TfliteOp.STABLEHLO_LOGISTIC), Tflite(TfliteOp.STABLEHLO_ABS), Tflite(TfliteOp.STABLEHLO_COSINE), Tflite(TfliteOp.STABLEHLO_EXPONENTIAL), Tflite(TfliteOp.STABLEHLO_FLOOR),
     Tflite(TfliteOp.STABLEHLO_LOG), Tflite(TfliteOp.STABLEHLO_NEGATE), Tflite(TfliteOp.STABLEHLO_TANH)]
    private static void Unary(TfliteNode n) => n.SetReal(0, n.Emit(n.Op switch
    {
        TfliteOp.STABLEHLO_LOGISTIC => "Sigmoid",
        TfliteOp.STABLEHLO_ABS => "Abs",
        TfliteOp.STABLEHLO_COSINE => "Cos",
        TfliteOp.STABLEHLO_EXPONENTIAL => "Exp",
        TfliteOp.STABLEHLO_FLOOR => "Floor",
        TfliteOp.STABLEHLO_LOG => "Log",
        TfliteOp.STABLEHLO_NEGATE => "Neg",
        _ => "Tanh",
    }, [n.Real(0)]));

    [Tflite(TfliteOp.STABLEHLO_ADD), Tflite(TfliteOp.STABLEHLO_SUBTRACT), Tflite(TfliteOp.STABLEHLO_MULTIPLY), Tflite(TfliteOp.STABLEHLO_DIVIDE), Tflite(TfliteOp.STABLEHLO_MAXIMUM),
     Tflite(TfliteOp.STABLEHLO_MINIMUM), Tflite(TfliteOp.STABLEHLO_POWER)]
    private static void Binary(TfliteNode n) => n.SetReal(0, n.Emit(n.Op switch
    {
        TfliteOp.STABLEHLO_ADD => "Add",
        TfliteOp.STABLEHLO_SUBTRACT => "Sub",
        TfliteOp.STABLEHLO_MULTIPLY => "Mul",
        TfliteOp.STABLEHLO_DIVIDE => "Div",
        TfliteOp.STABLEHLO_MAXIMUM => "Max",
        TfliteOp.STABLEHLO_MINIMUM => "Min",
        _ => "Pow",
    }, [n.Real(0), n.Real(1)]));

    /// <summary>The sign is that of the dividend.</summary>
    [Tflite(TfliteOp.STABLEHLO_REMAINDER)]
    private static void Remainder(TfliteNode n) => n.SetRaw(0, n.Emit("Mod", [n.Raw(0), n.Raw(1)], ("fmod", 1)));

    [Tflite(TfliteOp.STABLEHLO_AND), Tflite(TfliteOp.STABLEHLO_OR)]
    private static void Logical(TfliteNode n)
    {
        string name = n.Op == TfliteOp.STABLEHLO_AND ? "And" : "Or";
        n.SetRaw(0, n.Emit(n.Input(0).DType == DType.Bool ? name : "Bitwise" + name, [n.Raw(0), n.Raw(1)]));
    }

    [Tflite(TfliteOp.STABLEHLO_RSQRT)]
    private static void Rsqrt(TfliteNode n) => n.SetReal(0, n.Emit("Reciprocal", [n.Emit("Sqrt", [n.Real(0)])]));

    [Tflite(TfliteOp.STABLEHLO_CBRT)]
    private static void Cbrt(TfliteNode n) =>
        n.SetReal(0, n.Emit("Mul", [n.Emit("Sign", [n.Real(0)]), n.Emit("Pow", [n.Emit("Abs", [n.Real(0)]), n.Scalar(1f / 3)])]));

    [Tflite(TfliteOp.STABLEHLO_SELECT)]
    private static void Select(TfliteNode n) => n.SetRaw(0, n.Emit("Where", [n.Raw(0), n.Raw(1), n.Raw(2)]));

    /// <summary>Inputs: lowest, x, highest.</summary>
    [Tflite(TfliteOp.STABLEHLO_CLAMP)]
    private static void Clamp(TfliteNode n) => n.SetReal(0, n.Emit("Min", [n.Emit("Max", [n.Real(1), n.Real(0)]), n.Real(2)]));

    [Tflite(TfliteOp.STABLEHLO_COMPARE, Limits = "the total order of floats")]
    private static void Compare(TfliteNode n)
    {
        string comparison = Comparison(n, n.Options2);
        n.SetRaw(0, comparison == "NotEqual" ? n.Emit("Not", [n.Emit("Equal", [n.Real(0), n.Real(1)])]) : n.Emit(comparison, [n.Real(0), n.Real(1)]));
    }

    /// <summary>The comparison that options of COMPARE name, as ONNX's operator or NotEqual.</summary>
    internal static string Comparison(TfliteNode n, FlatTable options)
    {
        const int TotalOrder = 2;
        if (options.UInt32(TfliteOption.StableHlo.Compare.Type) == TotalOrder) throw n.Error("the total order of floats is not supported");
        return options.UInt32(TfliteOption.StableHlo.Compare.Direction) switch
        {
            0 => "Equal",
            1 => "NotEqual",
            2 => "GreaterOrEqual",
            3 => "Greater",
            4 => "LessOrEqual",
            5 => "Less",
            var other => throw n.Damaged($"the comparison {other} is not known"),
        };
    }

    /// <summary>A shift by the width or more gives 0.</summary>
    [Tflite(TfliteOp.STABLEHLO_SHIFT_LEFT)]
    private static void ShiftLeft(TfliteNode n)
    {
        DType type = n.Input(0).DType, bits = type switch { DType.Int8 => DType.UInt8, DType.Int16 => DType.UInt16, DType.Int32 => DType.UInt32, DType.Int64 => DType.UInt64, _ => type };
        Value shifted = n.Emit("BitShift", [Bits(0), Bits(1)], ("direction", "LEFT"));
        n.SetRaw(0, bits == type ? shifted : n.Emit("BitCast", [shifted], ("to", (long)type)));

        Value Bits(int i) => bits == type ? n.Raw(i) : n.Emit("BitCast", [n.Raw(i)], ("to", (long)bits));
    }

    [Tflite(TfliteOp.STABLEHLO_CONVERT)]
    private static void Convert(TfliteNode n) => n.SetRaw(0, n.Cast(n.Raw(0), n.Output(0).DType));

    [Tflite(TfliteOp.STABLEHLO_RESHAPE)]
    private static void Reshape(TfliteNode n) => n.SetReal(0, n.Reshape(n.Real(0), n.Output(0).Dims ?? throw n.Damaged("the result has no shape")));
}
