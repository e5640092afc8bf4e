using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.TensorFlow.Operators;

/// <summary>Operators that work element by element.</summary>
internal static class Elementwise
{
    private static readonly Dictionary<string, string> s_same = new(StringComparer.Ordinal)
    {
        ["Abs"] = "Abs", ["Neg"] = "Neg", ["Exp"] = "Exp", ["Log"] = "Log", ["Sqrt"] = "Sqrt", ["Floor"] = "Floor", ["Ceil"] = "Ceil", ["Sign"] = "Sign",
        ["Round"] = "Round", ["Rint"] = "Round", ["Sin"] = "Sin", ["Cos"] = "Cos", ["Tan"] = "Tan", ["Asin"] = "Asin", ["Acos"] = "Acos", ["Atan"] = "Atan",
        ["Sinh"] = "Sinh", ["Cosh"] = "Cosh", ["Tanh"] = "Tanh", ["Asinh"] = "Asinh", ["Acosh"] = "Acosh", ["Atanh"] = "Atanh", ["Erf"] = "Erf",
        ["Reciprocal"] = "Reciprocal", ["Inv"] = "Reciprocal", ["Relu"] = "Relu", ["Sigmoid"] = "Sigmoid", ["Softplus"] = "Softplus", ["Softsign"] = "Softsign",
        ["Elu"] = "Elu", ["Selu"] = "Selu", ["LogicalNot"] = "Not", ["Invert"] = "BitwiseNot", ["IsNan"] = "IsNaN", ["IsInf"] = "IsInf",
        ["Add"] = "Add", ["AddV2"] = "Add", ["Sub"] = "Sub", ["Mul"] = "Mul", ["RealDiv"] = "Div", ["Pow"] = "Pow", ["Maximum"] = "Max", ["Minimum"] = "Min",
        ["Equal"] = "Equal", ["Greater"] = "Greater", ["GreaterEqual"] = "GreaterOrEqual", ["Less"] = "Less", ["LessEqual"] = "LessOrEqual",
        ["LogicalAnd"] = "And", ["LogicalOr"] = "Or", ["LogicalXor"] = "Xor", ["BitwiseAnd"] = "BitwiseAnd", ["BitwiseOr"] = "BitwiseOr", ["BitwiseXor"] = "BitwiseXor",
        ["AddN"] = "Sum", ["AccumulateNV2"] = "Sum",
    };

    /// <summary>The ONNX operator of the same meaning. (Round and Rint both round halves to even.)</summary>
    [TensorFlow("Abs", "Neg", "Exp", "Log", "Sqrt", "Floor", "Ceil", "Sign", "Round", "Rint", "Sin", "Cos", "Tan", "Asin", "Acos", "Atan", "Sinh", "Cosh", "Tanh", "Asinh",
        "Acosh", "Atanh", "Erf", "Reciprocal", "Inv", "Relu", "Sigmoid", "Softplus", "Softsign", "Elu", "Selu", "LogicalNot", "Invert", "IsNan", "IsInf", "Add", "AddV2", "Sub",
        "Mul", "RealDiv", "Pow", "Maximum", "Minimum", "Equal", "Greater", "GreaterEqual", "Less", "LessEqual", "LogicalAnd", "LogicalOr", "LogicalXor",
        "BitwiseAnd", "BitwiseOr", "BitwiseXor", "AddN", "AccumulateNV2")]
    private static void Same(TfNode n)
    {
        Value[] x = n.All();
        if (x.Length == 0) throw n.Damaged("it has no input");
        // Rounding and the like leave integers as they are.
        if (n.Op is "Floor" or "Ceil" or "Round" or "Rint" && !x[0].DType.IsFloat()) n.Set(x[0]);
        else if (n.Op is "Exp" or "Log" or "Sqrt" or "Sin" or "Cos" or "Tanh" or "Sigmoid" && x[0].DType.IsComplex()) throw n.Error("complex numbers are not supported");
        else if (x.Length == 1 && n.Op is "AddN" or "AccumulateNV2") n.Set(x.Length == 1 ? x[0] : n.Emit("Sum", x));
        else n.Set(n.Emit(s_same[n.Op], x));
    }

    [TensorFlow("NotEqual")]
    private static void NotEqual(TfNode n) => n.Set(n.Emit("Not", [n.Emit("Equal", n.All())]));

    [TensorFlow("ApproximateEqual")]
    private static void ApproximateEqual(TfNode n)
    {
        Value difference = n.Emit("Abs", [n.Sub(n.In(0), n.In(1))]);
        n.Set(n.Emit("Less", [difference, n.Number(difference, n.Float("tolerance", 1e-5f))]));
    }

    [TensorFlow("Square")]
    private static void Square(TfNode n) => n.Set(n.Mul(n.In(0), n.In(0)));

    [TensorFlow("SquaredDifference")]
    private static void SquaredDifference(TfNode n)
    {
        Value d = n.Sub(n.In(0), n.In(1));
        n.Set(n.Mul(d, d));
    }

    [TensorFlow("Rsqrt")]
    private static void Rsqrt(TfNode n) => n.Set(n.Emit("Reciprocal", [n.Emit("Sqrt", [n.In(0)])]));

    /// <summary>exp(x) - 1 = 2 exp(x/2) sinh(x/2), which keeps the digits of a small x.</summary>
    [TensorFlow("Expm1")]
    private static void Expm1(TfNode n) => n.Set(n.Mul(n.Mul(n.Number(n.In(0), 2), n.Emit("Exp", [Half(n)])), n.Emit("Sinh", [Half(n)])));

    private static Value Half(TfNode n) => n.Mul(n.In(0), n.Number(n.In(0), 0.5));

    [TensorFlow("Log1p")]
    private static void Log1p(TfNode n) => n.Set(n.Emit("Log", [n.Add(n.In(0), n.Number(n.In(0), 1))]));

    [TensorFlow("Erfc")]
    private static void Erfc(TfNode n) => n.Set(n.Sub(n.Number(n.In(0), 1), n.Emit("Erf", [n.In(0)])));

    [TensorFlow("Relu6")]
    private static void Relu6(TfNode n) => n.Set(n.Emit("Clip", [n.In(0), n.Number(n.In(0), 0), n.Number(n.In(0), 6)]));

    [TensorFlow("LeakyRelu")]
    private static void LeakyRelu(TfNode n) => n.Set(n.Emit("LeakyRelu", [n.In(0)], ("alpha", n.Float("alpha", 0.2f))));

    [TensorFlow("Prelu")]
    private static void Prelu(TfNode n) => n.Set(n.Emit("PRelu", [n.In(0), n.In(1)]));

    [TensorFlow("ClipByValue")]
    private static void Clip(TfNode n) => n.Set(n.Emit("Min", [n.Emit("Max", [n.In(0), n.In(1)]), n.In(2)]));

    [TensorFlow("IsFinite")]
    private static void IsFinite(TfNode n) => n.Set(n.Emit("Not", [n.Emit("Or", [n.Emit("IsNaN", [n.In(0)]), n.Emit("IsInf", [n.In(0)])])]));

    /// <summary>Real numbers are divided; integers too, toward zero.</summary>
    [TensorFlow("Div", "TruncateDiv")]
    private static void Div(TfNode n) => n.Set(n.Div(n.In(0), n.In(1)));

    [TensorFlow("FloorDiv")]
    private static void FloorDiv(TfNode n)
    {
        Value a = n.In(0), b = n.In(1);
        if (a.DType.IsFloat()) n.Set(n.Emit("Floor", [n.Div(a, b)]));
        else if (a.DType.IsUnsigned()) n.Set(n.Div(a, b));
        else n.Set(n.Div(n.Sub(a, n.Emit("Mod", [a, b])), b)); // ONNX's Mod of integers has the sign of the divisor
    }

    [TensorFlow("FloorMod")]
    private static void FloorMod(TfNode n)
    {
        Value a = n.In(0), b = n.In(1);
        n.Set(a.DType.IsFloat() ? n.Sub(a, n.Mul(n.Emit("Floor", [n.Div(a, b)]), b)) : n.Emit("Mod", [a, b]));
    }

    /// <summary>The sign of the dividend.</summary>
    [TensorFlow("Mod", "TruncateMod")]
    private static void TruncateMod(TfNode n) => n.Set(n.Emit("Mod", [n.In(0), n.In(1)], ("fmod", 1)));

    /// <summary>0 where the divisor is 0.</summary>
    [TensorFlow("DivNoNan", "Xdivy", "Xlogy", "Xlog1py", "MulNoNan")]
    private static void NoNan(TfNode n)
    {
        Value a = n.In(0), b = n.In(1), zero = n.Number(a, 0);
        Value decides = n.Op is "DivNoNan" or "MulNoNan" ? b : a;
        Value result = n.Op switch
        {
            "MulNoNan" => n.Mul(a, b),
            "Xlogy" => n.Mul(a, n.Emit("Log", [b])),
            "Xlog1py" => n.Mul(a, n.Emit("Log", [n.Add(b, n.Number(b, 1))])),
            _ => n.Div(a, b),
        };
        n.Set(n.Where(n.Emit("Equal", [decides, zero]), zero, result));
    }

    /// <summary>atan(y/x), moved by pi where x is negative: toward y's sign.</summary>
    [TensorFlow("Atan2")]
    private static void Atan2(TfNode n) => n.Set(Atan2(n, n.In(0), n.In(1)));

    internal static Value Atan2(TfNode n, Value y, Value x)
    {
        Value zero = n.Number(x, 0), pi = n.Number(x, Math.PI), half = n.Number(x, Math.PI / 2);
        Value below = n.Emit("Less", [y, zero]);
        Value ratio = n.Emit("Atan", [n.Div(y, n.Where(n.Emit("Equal", [x, zero]), n.Number(x, 1), x))]);
        Value moved = n.Where(n.Emit("Less", [x, zero]), n.Add(ratio, n.Where(below, n.Number(x, -Math.PI), pi)), ratio);
        Value upright = n.Where(below, n.Number(x, -Math.PI / 2), n.Where(n.Emit("Greater", [y, zero]), half, zero));
        return n.Where(n.Emit("Equal", [x, zero]), upright, moved);
    }

    [TensorFlow("LeftShift", "RightShift")]
    private static void Shift(TfNode n)
    {
        Value a = n.In(0), b = n.In(1);
        DType type = a.DType, wide = type is DType.Int8 or DType.Int16 or DType.Int32 or DType.Int64 ? DType.UInt64 : type;
        if (n.Op == "RightShift" && wide != type) n.Set(n.Cast(n.Emit("Floor", [n.Div(n.Cast(a, DType.Float64), n.Emit("Pow", [n.Scalar(DType.Float64, 2), n.Cast(b, DType.Float64)]))]), type));
        else n.Set(n.Cast(n.Emit("BitShift", [n.Cast(a, wide), n.Cast(b, wide)], ("direction", n.Op == "LeftShift" ? "LEFT" : "RIGHT")), type));
    }

    [TensorFlow("Cast")]
    private static void Cast(TfNode n) => n.Set(n.Cast(n.In(0), n.Type("DstT")));

    /// <summary>The same bits as another type; where sizes differ a last axis appears or goes.</summary>
    [TensorFlow("Bitcast")]
    private static void Bitcast(TfNode n)
    {
        Value x = n.In(0);
        DType to = n.Type("type");
        if (to.Bits() == x.DType.Bits()) n.Set(to == x.DType ? x : n.Emit("BitCast", [x], ("to", (long)to)));
        else if (x.Constant is { } c && to.Size() > 0 && x.DType.Size() > 0)
        {
            List<long> dims = [.. c.Shape.AsSpan()];
            if (to.Size() < x.DType.Size()) dims.Add(x.DType.Size() / to.Size());
            else if (dims.Count > 0 && dims[^1] * x.DType.Size() == to.Size()) dims.RemoveAt(dims.Count - 1);
            else throw n.Damaged($"{x.Type} does not divide into {to.Name()}");
            var result = new Tensor(to, new Shape([.. dims]));
            c.Bytes.CopyTo(result.Bytes);
            n.Set(n.Const(result));
        }
        else throw n.InputError($"from {x.DType.Name()} to {to.Name()}, which has another size, is supported for constants of whole bytes only");
    }

    /// <summary>A condition of one dimension picks whole rows of operands that have more.</summary>
    [TensorFlow("Select")]
    private static void Select(TfNode n)
    {
        Value condition = n.In(0);
        int rank = n.Rank(1);
        if (condition.Shape is { IsRanked: true, Rank: 1 } && rank > 1) condition = n.Reshape(condition, [-1, .. Enumerable.Repeat(1L, rank - 1)]);
        n.Set(n.Where(condition, n.In(1), n.In(2)));
    }

    [TensorFlow("SelectV2")]
    private static void SelectV2(TfNode n) => n.Set(n.Where(n.In(0), n.In(1), n.In(2)));

    [TensorFlow("BiasAdd", "BiasAddV1")]
    private static void BiasAdd(TfNode n)
    {
        Value bias = n.In(1);
        if (!n.IsChannelsLast && n.Rank(0) > 2) bias = n.Reshape(bias, [-1, .. Enumerable.Repeat(1L, n.Rank(0) - 2)]);
        n.Set(n.Add(n.In(0), bias));
    }

    [TensorFlow("Softmax")]
    private static void Softmax(TfNode n) => n.Set(n.Emit("Softmax", [n.In(0)], ("axis", -1)));

    [TensorFlow("LogSoftmax")]
    private static void LogSoftmax(TfNode n) => n.Set(n.Emit("LogSoftmax", [n.In(0)], ("axis", -1)));

    /// <summary>Outputs the loss of each row and the gradient softmax - labels.</summary>
    [TensorFlow("SoftmaxCrossEntropyWithLogits", "SparseSoftmaxCrossEntropyWithLogits")]
    private static void CrossEntropy(TfNode n)
    {
        Value logits = n.In(0), labels = n.In(1);
        if (n.Op[0] == 'S' && n.Op[1] == 'p')
        {
            Value depth = n.Emit("Gather", [n.ShapeOf(logits), n.Scalar(DType.Int64, -1)], ("axis", 0));
            labels = n.Emit("OneHot", [labels, depth, n.Cast(n.Const(Tensor.FromArray<float>([0, 1], new Shape(2))), logits.DType)], ("axis", -1));
        }
        Value log = n.Emit("LogSoftmax", [logits], ("axis", -1));
        n.Set(0, n.Emit("Neg", [n.Reduce("ReduceSum", n.Mul(labels, log), false, -1)]));
        n.Set(1, n.Sub(n.Emit("Exp", [log]), labels));
    }

    [TensorFlow("ZerosLike")]
    private static void ZerosLike(TfNode n) => n.Set(Filled(n, 0));

    [TensorFlow("OnesLike")]
    private static void OnesLike(TfNode n) => n.Set(Filled(n, 1));

    private static Value Filled(TfNode n, double value) =>
        n.In(0).Shape is { IsRanked: true, Rank: 0 } ? n.Number(n.In(0), value) : n.Emit("Expand", [n.Number(n.In(0), value), n.ShapeOf(n.In(0))]);

    /// <summary>Eight comparisons along the last axis make a byte, the first one its highest bit.</summary>
    [TensorFlow("CompareAndBitpack")]
    private static void CompareAndBitpack(TfNode n)
    {
        Value bits = n.Cast(n.In(0).DType == DType.Bool ? n.In(0) : n.Emit("Greater", [n.In(0), n.In(1)]), DType.Int32);
        int rank = n.Rank(0);
        Value lead = n.Emit("Shape", [bits], ("start", 0), ("end", rank - 1));
        Value groups = n.Emit("Reshape", [bits, n.Concat(0, lead, n.Vector(-1, 8))]);
        Value weights = n.Const(Tensor.FromArray<int>([128, 64, 32, 16, 8, 4, 2, 1], new Shape(8)));
        n.Set(n.Cast(n.Reduce("ReduceSum", n.Mul(groups, weights), false, -1), DType.UInt8));
    }

    /// <summary>
    /// Rounds to the nearest of 2^bits levels of [min, max], moved so that 0 is one of them
    /// (tensorflow/core/kernels/fake_quant_ops_functor.h).
    /// </summary>
    [TensorFlow("FakeQuantWithMinMaxArgs", "FakeQuantWithMinMaxVars", "FakeQuantWithMinMaxVarsPerChannel")]
    private static void FakeQuant(TfNode n)
    {
        bool fixedRange = n.Op == "FakeQuantWithMinMaxArgs";
        Tensor least = fixedRange ? Tensor.FromScalar(n.Float("min", -6)) : n.In(1).Constant ?? throw n.InputError("a range that is computed by the model is not supported");
        Tensor largest = fixedRange ? Tensor.FromScalar(n.Float("max", 6)) : n.In(2).Constant ?? throw n.InputError("a range that is computed by the model is not supported");
        float low = n.Bool("narrow_range") ? 1 : 0, high = (1 << (int)n.Int("num_bits", 8)) - 1;
        float[] min = new float[least.Count], max = new float[least.Count], scale = new float[least.Count];
        for (int i = 0; i < min.Length; i++)
        {
            float a = (float)least.GetDouble(i), b = (float)largest.GetDouble(i);
            scale[i] = (b - a) / (high - low);
            float zero = low - a / scale[i];
            float nudged = zero < low ? low : zero > high ? high : MathF.Round(zero, MidpointRounding.AwayFromZero);
            min[i] = (low - nudged) * scale[i];
            max[i] = (high - nudged) * scale[i];
        }
        Value lowest = Of(min), x = n.Emit("Min", [n.Emit("Max", [n.In(0), lowest]), Of(max)]), step = Of(scale);
        Value level = n.Emit("Floor", [n.Add(n.Div(n.Sub(x, lowest), step), n.Scalar(DType.Float32, 0.5))]);
        n.Set(n.Add(n.Mul(level, step), lowest));

        Value Of(float[] values) => n.Const(Tensor.FromArray<float>(values, least.Shape));
    }

    /// <summary>
    /// Rounds to a multiple of the larger of the two steps that min and max ask for, 0 being one of the levels
    /// (tensorflow/core/kernels/quantize_and_dequantize_op.h).
    /// </summary>
    [TensorFlow("QuantizeAndDequantizeV2", "QuantizeAndDequantizeV3", "QuantizeAndDequantizeV4", Limits = "range_given false, an axis")]
    private static void QuantizeAndDequantize(TfNode n)
    {
        if (!n.Bool("range_given", n.Op.EndsWith("V3", StringComparison.Ordinal)) || n.Int("axis", -1) != -1) throw n.Error("ranges that are found as it runs, or one for each channel, are not supported");
        bool isSigned = n.Bool("signed_input", true);
        int bits = n.Op.EndsWith("V3", StringComparison.Ordinal) ? (int)n.RequiredInts(3, "num_bits")[0] : (int)n.Int("num_bits", 8);
        if (bits is < 1 or > 30) throw n.Damaged($"num_bits is {bits}");
        float low = isSigned ? -(1 << (bits - 1)) + (n.Bool("narrow_range") ? 1 : 0) : 0, high = isSigned ? (1 << (bits - 1)) - 1 : (1 << bits) - 1;
        float min = (float)n.RequiredNumber(1, "input_min"), max = (float)n.RequiredNumber(2, "input_max");
        float fromMin = low * min > 0 ? low / min : float.MaxValue, fromMax = high * max > 0 ? high / max : float.MaxValue;
        (float scale, float step) = fromMin < fromMax ? (fromMin, min / low) : (fromMax, max / high);
        Value x = n.Mul(n.Emit("Clip", [n.In(0), n.Number(n.In(0), low * step), n.Number(n.In(0), high * step)]), n.Number(n.In(0), scale));
        x = n.String("round_mode", "HALF_TO_EVEN") == "HALF_UP" ? n.Emit("Floor", [n.Add(x, n.Number(x, 0.5))]) : n.Emit("Round", [x]);
        n.Set(n.Mul(x, n.Number(x, step)));
    }

    /// <summary>How many boundaries are not above x.</summary>
    [TensorFlow("Bucketize")]
    private static void Bucketize(TfNode n)
    {
        float[] bounds = [.. n.Attr("boundaries")?.List?.F ?? []];
        Value reached = n.Emit("GreaterOrEqual", [n.Unsqueeze(n.Cast(n.In(0), DType.Float32), -1), n.Const(Tensor.FromArray<float>(bounds, new Shape(bounds.Length)))]);
        n.Set(n.Reduce("ReduceSum", n.Cast(reached, DType.Int32), false, -1));
    }

    /// <summary>How many of a sorted row are below a value (or not above it).</summary>
    [TensorFlow("LowerBound", "UpperBound")]
    private static void Bound(TfNode n)
    {
        Value below = n.Emit(n.Op == "LowerBound" ? "Less" : "LessOrEqual", [n.Unsqueeze(n.In(0), 1), n.Unsqueeze(n.In(1), 2)]);
        n.Set(n.Cast(n.Reduce("ReduceSum", n.Cast(below, DType.Int32), false, -1), n.Type("out_type", DType.Int32)));
    }
}
