using System.Text.Json;
using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.Keras.Functions;

/// <summary>Functions of each element: TensorFlow's as Keras 2 records them, keras.backend's, and keras.ops of Keras 3.</summary>
internal static class Elementwise
{
    [Keras("tf.math.abs", "keras.backend.abs", "keras.ops.abs", "keras.ops.absolute", Operator = "Abs")]
    [Keras("tf.math.negative", "keras.ops.negative", Operator = "Neg")]
    [Keras("tf.math.exp", "keras.backend.exp", "keras.ops.exp", Operator = "Exp")]
    [Keras("tf.math.expm1", "keras.ops.expm1", Operator = "Expm1")]
    [Keras("tf.math.log", "keras.backend.log", "keras.ops.log", Operator = "Log")]
    [Keras("tf.math.log1p", "keras.ops.log1p", Operator = "Log1p")]
    [Keras("tf.math.sqrt", "keras.ops.sqrt", Operator = "Sqrt")]
    [Keras("tf.math.rsqrt", "keras.ops.rsqrt", Operator = "Rsqrt")]
    [Keras("tf.math.square", "keras.backend.square", "keras.ops.square", Operator = "Square")]
    [Keras("tf.math.reciprocal", "keras.ops.reciprocal", Operator = "Reciprocal")]
    [Keras("tf.math.floor", "tf.floor", "keras.ops.floor", Operator = "Floor")]
    [Keras("tf.math.ceil", "keras.ops.ceil", Operator = "Ceil")]
    [Keras("tf.math.round", "tf.math.rint", "keras.backend.round", "keras.ops.round", Operator = "Round")]
    [Keras("tf.math.sign", "keras.backend.sign", "keras.ops.sign", Operator = "Sign")]
    [Keras("tf.math.sin", "keras.backend.sin", "keras.ops.sin", Operator = "Sin")]
    [Keras("tf.math.cos", "keras.backend.cos", "keras.ops.cos", Operator = "Cos")]
    [Keras("tf.math.tan", "keras.ops.tan", Operator = "Tan")]
    [Keras("tf.math.asin", "keras.ops.arcsin", Operator = "Asin")]
    [Keras("tf.math.acos", "keras.ops.arccos", Operator = "Acos")]
    [Keras("tf.math.atan", "keras.ops.arctan", Operator = "Atan")]
    [Keras("tf.math.sinh", "keras.ops.sinh", Operator = "Sinh")]
    [Keras("tf.math.cosh", "keras.ops.cosh", Operator = "Cosh")]
    [Keras("tf.math.asinh", "keras.ops.arcsinh", Operator = "Asinh")]
    [Keras("tf.math.acosh", "keras.ops.arccosh", Operator = "Acosh")]
    [Keras("tf.math.atanh", "keras.ops.arctanh", Operator = "Atanh")]
    [Keras("tf.math.tanh", "keras.backend.tanh", "keras.ops.tanh", Operator = "Tanh")]
    [Keras("tf.math.sigmoid", "keras.backend.sigmoid", "keras.ops.sigmoid", Operator = "Sigmoid")]
    [Keras("tf.math.erf", "keras.ops.erf", Operator = "Erf")]
    [Keras("tf.math.softplus", "tf.nn.softplus", "keras.backend.softplus", "keras.ops.softplus", Operator = "Softplus")]
    [Keras("tf.nn.softsign", "keras.backend.softsign", "keras.ops.softsign", Operator = "Softsign")]
    [Keras("tf.nn.relu", "keras.ops.relu", Operator = "Relu")]
    [Keras("tf.nn.relu6", "keras.ops.relu6", Operator = "Relu6")]
    [Keras("tf.nn.selu", "keras.ops.selu", Operator = "Selu")]
    [Keras("tf.math.is_nan", "keras.ops.isnan", Operator = "IsNan")]
    [Keras("tf.math.is_inf", "keras.ops.isinf", Operator = "IsInf")]
    [Keras("tf.math.is_finite", "keras.ops.isfinite", Operator = "IsFinite")]
    [Keras("tf.math.logical_not", "keras.ops.logical_not", Operator = "LogicalNot")]
    [Keras("tf.zeros_like", "keras.backend.zeros_like", "keras.ops.zeros_like", Operator = "ZerosLike")]
    [Keras("tf.ones_like", "keras.backend.ones_like", "keras.ops.ones_like", Operator = "OnesLike")]
    [Keras("tf.identity", "tf.stop_gradient", "keras.backend.stop_gradient", "keras.ops.stop_gradient", Operator = "Identity")]
    private static void Unary(KerasNode n) => n.Set(n.TensorFlow(KerasImporter.OperatorOf(n.Layer.ClassName), [First(n)]));

    /// <summary>keras.backend takes the root of what is not negative.</summary>
    [Keras("keras.backend.sqrt")]
    private static void Sqrt(KerasNode n) => n.Set(n.Emit("Sqrt", [n.Emit("Relu", [First(n)])]));

    [Keras("tf.math.add", "tf.__operators__.add", "keras.ops.add", Operator = "AddV2")]
    [Keras("tf.math.subtract", "keras.ops.subtract", Operator = "Sub")]
    [Keras("tf.math.multiply", "keras.ops.multiply", Operator = "Mul")]
    [Keras("tf.math.divide", "tf.math.truediv", "keras.ops.divide", "keras.ops.true_divide", Operator = "RealDiv")]
    [Keras("tf.math.divide_no_nan", "keras.ops.divide_no_nan", Operator = "DivNoNan")]
    [Keras("tf.math.multiply_no_nan", Operator = "MulNoNan")]
    [Keras("tf.math.floordiv", "keras.ops.floor_divide", Operator = "FloorDiv")]
    [Keras("tf.math.floormod", "tf.math.mod", "keras.ops.mod", Operator = "FloorMod")]
    [Keras("tf.math.pow", "keras.backend.pow", "keras.ops.power", Operator = "Pow")]
    [Keras("tf.math.maximum", "keras.backend.maximum", "keras.ops.maximum", Operator = "Maximum")]
    [Keras("tf.math.minimum", "keras.backend.minimum", "keras.ops.minimum", Operator = "Minimum")]
    [Keras("tf.math.squared_difference", Operator = "SquaredDifference")]
    [Keras("tf.math.atan2", "keras.ops.arctan2", Operator = "Atan2")]
    [Keras("tf.math.equal", "tf.__operators__.eq", "keras.backend.equal", "keras.ops.equal", Operator = "Equal")]
    [Keras("tf.math.not_equal", "tf.__operators__.ne", "keras.backend.not_equal", "keras.ops.not_equal", Operator = "NotEqual")]
    [Keras("tf.math.greater", "keras.backend.greater", "keras.ops.greater", Operator = "Greater")]
    [Keras("tf.math.greater_equal", "keras.backend.greater_equal", "keras.ops.greater_equal", Operator = "GreaterEqual")]
    [Keras("tf.math.less", "keras.backend.less", "keras.ops.less", Operator = "Less")]
    [Keras("tf.math.less_equal", "keras.backend.less_equal", "keras.ops.less_equal", Operator = "LessEqual")]
    [Keras("tf.math.logical_and", "keras.ops.logical_and", Operator = "LogicalAnd")]
    [Keras("tf.math.logical_or", "keras.ops.logical_or", Operator = "LogicalOr")]
    [Keras("tf.math.logical_xor", "keras.ops.logical_xor", Operator = "LogicalXor")]
    private static void Binary(KerasNode n)
    {
        string op = KerasImporter.OperatorOf(n.Layer.ClassName);
        (Value x, Value y) = Pair(n, n.Argument(0, "x", "x1", "a"), n.Argument(1, "y", "x2", "a"), op == "RealDiv");
        n.Set(n.TensorFlow(op, [x, y]));
    }

    /// <summary>Two operands of one type: numbers take the type of the tensor beside them unless it cannot hold them; quotients of whole
    /// numbers are real.</summary>
    internal static (Value X, Value Y) Pair(KerasNode n, object? first, object? second, bool isQuotient = false)
    {
        Value x = n.ValueOf(first), y = n.ValueOf(second);
        DType type = first is KerasTensor == second is KerasTensor ? Wider(x.DType, y.DType)
            : first is KerasTensor ? (y.DType.IsFloat() && !x.DType.IsFloat() ? DType.Float32 : x.DType)
            : x.DType.IsFloat() && !y.DType.IsFloat() ? DType.Float32 : y.DType;
        if (isQuotient && !type.IsFloat()) type = n.Layer.ClassName.StartsWith("tf.", StringComparison.Ordinal) && type is DType.Int32 or DType.Int64 ? DType.Float64 : DType.Float32;
        return (n.Cast(x, type), n.Cast(y, type));
    }

    private static DType Wider(DType a, DType b) => a == b ? a : a.IsFloat() != b.IsFloat() ? (a.IsFloat() ? a : b) : a == DType.Bool ? b : b == DType.Bool ? a : a.Bits() >= b.Bits() ? a : b;

    [Keras("tf.nn.leaky_relu", "keras.ops.leaky_relu")]
    private static void LeakyRelu(KerasNode n) => n.Set(n.Emit("LeakyRelu", [First(n)], ("alpha", (float)n.Real(0.2, -1, "alpha", "negative_slope"))));

    [Keras("tf.nn.elu", "keras.backend.elu", "keras.ops.elu")]
    private static void Elu(KerasNode n) => n.Set(n.Emit("Elu", [First(n)], ("alpha", (float)n.Real(1, -1, "alpha"))));

    [Keras("keras.ops.celu")]
    private static void Celu(KerasNode n) => n.Set(n.Emit("Celu", [First(n)], ("alpha", (float)n.Real(1, -1, "alpha"))));

    [Keras("tf.nn.gelu", "keras.activations.gelu", "keras.ops.gelu")]
    private static void Gelu(KerasNode n) =>
        n.Set(n.Emit("Gelu", [First(n)], ("approximate", n.Flag(n.Layer.ClassName == "keras.ops.gelu", -1, "approximate") ? "tanh" : "none")));

    /// <summary>min(max(x, slope x), max_value), and below the threshold slope (x - threshold).</summary>
    [Keras("keras.backend.relu", "keras.activations.relu")]
    private static void Relu(KerasNode n)
    {
        Value x = First(n);
        double slope = n.Real(0, -1, "alpha", "negative_slope"), threshold = n.Real(0, -1, "threshold");
        if (threshold != 0) throw n.Error("a threshold is not supported");
        Value y = slope == 0 ? n.Emit("Relu", [x]) : n.Emit("LeakyRelu", [x], ("alpha", (float)slope));
        n.Set(n.Argument(-1, "max_value") == null ? y : n.Emit("Min", [y, n.Scalar(n.Real(0, -1, "max_value"))]));
    }

    /// <summary>Functions that are named like activations of layers.</summary>
    [Keras("keras.activations.sigmoid", "keras.activations.tanh", "keras.activations.softplus", "keras.activations.softsign", "keras.activations.swish", "keras.activations.silu",
        "keras.activations.selu", "keras.activations.elu", "keras.activations.exponential", "keras.activations.linear", "keras.activations.hard_sigmoid", "keras.activations.mish",
        "keras.backend.hard_sigmoid", "keras.ops.silu", "keras.ops.swish", "keras.ops.hard_sigmoid", "keras.ops.hard_silu", "keras.ops.hard_swish", "keras.ops.log_sigmoid", "keras.ops.mish",
        "keras.ops.hard_tanh", "keras.ops.tanh_shrink", "tf.nn.silu", "tf.nn.swish")]
    private static void Named(KerasNode n)
    {
        string name = n.Layer.ClassName[(n.Layer.ClassName.LastIndexOf('.') + 1)..];
        n.Set(Activations.Apply(n, First(n), JsonSerializer.SerializeToElement(name)));
    }

    [Keras("tf.math.log_sigmoid")]
    private static void LogSigmoid(KerasNode n) => n.Set(n.Emit("Neg", [n.Emit("Softplus", [n.Emit("Neg", [First(n)])])]));

    [Keras("tf.nn.softmax", "keras.activations.softmax", "keras.backend.softmax", "keras.ops.softmax")]
    private static void Softmax(KerasNode n) => n.Set(n.Emit("Softmax", [First(n)], ("axis", n.Whole(-1, -1, "axis"))));

    [Keras("tf.nn.log_softmax", "tf.math.log_softmax", "keras.ops.log_softmax")]
    private static void LogSoftmax(KerasNode n) => n.Set(n.Emit("LogSoftmax", [First(n)], ("axis", n.Whole(-1, -1, "axis"))));

    /// <summary>The first half of an axis times sigmoid of the second.</summary>
    [Keras("keras.ops.glu")]
    private static void Glu(KerasNode n)
    {
        Value[] halves = n.EmitMany("Split", 2, [First(n)], ("axis", n.Whole(-1, -1, "axis")), ("num_outputs", 2));
        n.Set(n.Emit("Mul", [halves[0], n.Emit("Sigmoid", [halves[1]])]));
    }

    [Keras("tf.clip_by_value", "keras.backend.clip", "keras.ops.clip")]
    private static void Clip(KerasNode n)
    {
        Value x = First(n), y = x;
        if (n.Argument(1, "clip_value_min", "min_value", "x_min") is { } low) y = n.Emit("Max", [y, n.Cast(n.ValueOf(low), x.DType)]);
        if (n.Argument(2, "clip_value_max", "max_value", "x_max") is { } high) y = n.Emit("Min", [y, n.Cast(n.ValueOf(high), x.DType)]);
        n.Set(y);
    }

    [Keras("tf.cast", "keras.backend.cast", "keras.ops.cast")]
    private static void Cast(KerasNode n)
    {
        string dtype = n.Word("", 1, "dtype");
        n.Set(n.Cast(First(n), KerasArguments.TypeOf(dtype) ?? throw n.Error($"dtype '{dtype}' is not supported")));
    }

    [Keras("tf.where", "keras.ops.where")]
    private static void Where(KerasNode n)
    {
        if (n.Argument(1, "x", "x1") is not { } yes || n.Argument(2, "y", "x2") is not { } no) throw n.Error("the places of a condition alone are not supported");
        (Value x, Value y) = Pair(n, yes, no);
        n.Set(n.Emit("Where", [n.Cast(n.Operand(0, "condition"), DType.Bool), x, y]));
    }

    [Keras("tf.nn.bias_add", "keras.backend.bias_add")]
    private static void BiasAdd(KerasNode n) => n.Set(n.Emit("Add", [First(n), n.Operand(1, "bias")]));

    [Keras("tf.math.add_n")]
    private static void AddN(KerasNode n) => n.Set(n.TensorFlow("AddN", n.Operands(0, "inputs")));

    [Keras("keras.ops.trunc")]
    private static void Trunc(KerasNode n) => n.Set(n.Emit("Mul", [n.Emit("Sign", [First(n)]), n.Emit("Floor", [n.Emit("Abs", [First(n)])])]));

    [Keras("keras.ops.exp2")]
    private static void Exp2(KerasNode n) => n.Set(n.Emit("Pow", [n.Cast(n.Scalar(2), First(n).DType), First(n)]));

    [Keras("keras.ops.log2", "keras.ops.log10")]
    private static void LogOfBase(KerasNode n) => n.Set(n.Emit("Mul", [n.Emit("Log", [First(n)]), n.Scalar(1 / Math.Log(n.Layer.ClassName == "keras.ops.log2" ? 2 : 10))]));

    /// <summary>max + log(1 + exp(-|difference|)).</summary>
    [Keras("keras.ops.logaddexp")]
    private static void LogAddExp(KerasNode n)
    {
        (Value x, Value y) = Pair(n, n.Argument(0, "x1"), n.Argument(1, "x2"));
        n.Set(n.Emit("Add", [n.Emit("Max", [x, y]), n.Emit("Softplus", [n.Emit("Neg", [n.Emit("Abs", [n.Emit("Sub", [x, y])])])])]));
    }

    [Keras("keras.ops.hypot")]
    private static void Hypot(KerasNode n)
    {
        (Value x, Value y) = Pair(n, n.Argument(0, "x1"), n.Argument(1, "x2"));
        n.Set(n.Emit("Sqrt", [n.Emit("Add", [n.Emit("Mul", [x, x]), n.Emit("Mul", [y, y])])]));
    }

    [Keras("keras.ops.hard_shrink", "keras.ops.soft_shrink")]
    private static void Shrink(KerasNode n)
    {
        float threshold = (float)n.Real(0.5, -1, "threshold");
        n.Set(n.Emit("Shrink", [First(n)], ("lambd", threshold), ("bias", n.Layer.ClassName == "keras.ops.soft_shrink" ? threshold : 0f)));
    }

    [Keras("keras.ops.threshold")]
    private static void Threshold(KerasNode n) => n.Set(n.Emit("Where", [n.Emit("Greater", [First(n), n.Scalar(n.Real(0, -1, "threshold"))]), First(n), n.Scalar(n.Real(0, -1, "default_value"))]));

    /// <summary>(x + sqrt(x^2 + b)) / 2.</summary>
    [Keras("keras.ops.squareplus")]
    private static void SquarePlus(KerasNode n)
    {
        Value x = First(n);
        n.Set(n.Emit("Mul", [n.Emit("Add", [x, n.Emit("Sqrt", [n.Emit("Add", [n.Emit("Mul", [x, x]), n.Scalar(n.Real(4, -1, "b"))])])]), n.Scalar(0.5)]));
    }

    /// <summary>0 below -1, (x + 1)^2 / 4 up to 1, then x.</summary>
    [Keras("keras.ops.sparse_plus")]
    private static void SparsePlus(KerasNode n)
    {
        Value x = First(n), half = n.Emit("Mul", [n.Emit("Add", [x, n.Scalar(1)]), n.Scalar(0.5)]);
        Value bent = n.Emit("Where", [n.Emit("Less", [x, n.Scalar(1)]), n.Emit("Mul", [half, half]), x]);
        n.Set(n.Emit("Where", [n.Emit("LessOrEqual", [x, n.Scalar(-1)]), n.Scalar(0), bent]));
    }

    /// <summary>(x + 1) / 2 between 0 and 1.</summary>
    [Keras("keras.ops.sparse_sigmoid")]
    private static void SparseSigmoid(KerasNode n) => n.Set(n.Emit("HardSigmoid", [First(n)], ("alpha", 0.5f), ("beta", 0.5f)));

    [Keras("keras.ops.nan_to_num")]
    private static void NanToNum(KerasNode n)
    {
        Value x = First(n), y = n.Emit("Where", [n.Emit("IsNaN", [x]), n.Scalar(n.Real(0, -1, "nan")), x]);
        y = n.Emit("Where", [n.Emit("IsInf", [x], ("detect_negative", 0)), n.Scalar(n.Real(float.MaxValue, -1, "posinf")), y]);
        n.Set(n.Emit("Where", [n.Emit("IsInf", [x], ("detect_positive", 0)), n.Scalar(n.Real(float.MinValue, -1, "neginf")), y]));
    }

    [Keras("keras.ops.full_like")]
    private static void FullLike(KerasNode n)
    {
        Value x = First(n);
        n.Set(n.Emit("Expand", [n.Cast(n.Operand(1, "fill_value"), n.Argument(-1, "dtype") is string type ? KerasArguments.TypeOf(type) ?? x.DType : x.DType), n.Emit("Shape", [x])]));
    }

    /// <summary>What a function is applied to, whatever it calls it.</summary>
    internal static Value First(KerasNode n) => n.Operand(0, "x", "input", "input_tensor", "inputs", "features", "logits", "tensor", "value", "t", "a");
}
