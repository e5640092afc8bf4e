using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.PyTorch.Operators;

/// <summary>Functions of one tensor, element by element.</summary>
internal static class Unary
{
    private static TorchBox Plain(TorchCall c, string opType) => TorchCall.Box(c.Emit(opType, [Real(c, 0)]));

    /// <summary>Integers become float32, as PyTorch does for functions over the reals.</summary>
    private static Value Real(TorchCall c, int i) => c.Tensor(i) is { DType: var type } x ? type.IsFloat() || type == DType.Undefined ? x : c.Cast(x, DType.Float32) : null!;

    [Torch("relu")] private static object? Relu(TorchCall c) => TorchCall.Box(c.Emit("Relu", [c.Tensor(0)]));
    [Torch("sigmoid", "expit")] private static object? Sigmoid(TorchCall c) => Plain(c, "Sigmoid");
    [Torch("tanh")] private static object? Tanh(TorchCall c) => Plain(c, "Tanh");
    [Torch("hardswish")] private static object? HardSwish(TorchCall c) => Plain(c, "HardSwish");
    [Torch("mish")] private static object? Mish(TorchCall c) => Plain(c, "Mish");
    [Torch("softsign")] private static object? Softsign(TorchCall c) => Plain(c, "Softsign");
    [Torch("selu")] private static object? Selu(TorchCall c) => Plain(c, "Selu");
    [Torch("exp")] private static object? Exp(TorchCall c) => Known(c, Math.Exp) ?? Plain(c, "Exp");
    [Torch("log")] private static object? Log(TorchCall c) => Known(c, Math.Log) ?? Plain(c, "Log");
    [Torch("sqrt")] private static object? Sqrt(TorchCall c) => Known(c, Math.Sqrt) ?? Plain(c, "Sqrt");
    [Torch("sin")] private static object? Sin(TorchCall c) => Known(c, Math.Sin) ?? Plain(c, "Sin");
    [Torch("cos")] private static object? Cos(TorchCall c) => Known(c, Math.Cos) ?? Plain(c, "Cos");
    [Torch("tan")] private static object? Tan(TorchCall c) => Plain(c, "Tan");
    [Torch("asin")] private static object? Asin(TorchCall c) => Plain(c, "Asin");
    [Torch("acos")] private static object? Acos(TorchCall c) => Plain(c, "Acos");
    [Torch("atan")] private static object? Atan(TorchCall c) => Plain(c, "Atan");
    [Torch("sinh")] private static object? Sinh(TorchCall c) => Plain(c, "Sinh");
    [Torch("cosh")] private static object? Cosh(TorchCall c) => Plain(c, "Cosh");
    [Torch("asinh")] private static object? Asinh(TorchCall c) => Plain(c, "Asinh");
    [Torch("acosh")] private static object? Acosh(TorchCall c) => Plain(c, "Acosh");
    [Torch("atanh")] private static object? Atanh(TorchCall c) => Plain(c, "Atanh");
    [Torch("erf")] private static object? Erf(TorchCall c) => Plain(c, "Erf");
    [Torch("reciprocal")] private static object? Reciprocal(TorchCall c) => Plain(c, "Reciprocal");
    /// <summary>0 of NaN.</summary>
    [Torch("sign", "sgn")]
    private static object? Sign(TorchCall c)
    {
        Value x = c.Tensor(0);
        if (x.DType == DType.Bool) return TorchCall.Box(x);
        Value y = c.Emit("Sign", [x]);
        return TorchCall.Box(x.DType.IsFloat() ? c.Emit("Where", [c.Emit("IsNaN", [x]), c.Scalar(x.DType, 0), y]) : y);
    }

    [Torch("isnan")] private static object? IsNaN(TorchCall c) => TorchCall.Box(c.Emit("IsNaN", [Real(c, 0)]));
    [Torch("isinf")] private static object? IsInf(TorchCall c) => TorchCall.Box(c.Emit("IsInf", [Real(c, 0)]));
    [Torch("rsqrt")] private static object? Rsqrt(TorchCall c) => TorchCall.Box(c.Emit("Reciprocal", [c.Emit("Sqrt", [Real(c, 0)])]));
    [Torch("expm1")] private static object? Expm1(TorchCall c) => TorchCall.Box(c.Emit("Exp", [Real(c, 0)]) is var e ? c.Emit("Sub", [e, c.Scalar(e.DType, 1)]) : e);
    [Torch("log1p")] private static object? Log1p(TorchCall c) => TorchCall.Box(c.Emit("Log", [Real(c, 0) is var x ? c.Emit("Add", [x, c.Scalar(x.DType, 1)]) : x]));
    [Torch("log2")] private static object? Log2(TorchCall c) => TorchCall.Box(Dense.Scaled(c, c.Emit("Log", [Real(c, 0)]), 1 / Math.Log(2)));
    [Torch("log10")] private static object? Log10(TorchCall c) => TorchCall.Box(Dense.Scaled(c, c.Emit("Log", [Real(c, 0)]), 1 / Math.Log(10)));
    [Torch("log_sigmoid")] private static object? LogSigmoid(TorchCall c) => TorchCall.Box(c.Emit("Neg", [c.Emit("Softplus", [c.Emit("Neg", [c.Tensor(0)])])]));

    [Torch("neg", "negative", OnParts = true)] private static object? Neg(TorchCall c) => c.Arg(0) switch { long n => -n, double d => -d, TorchScalar s => new TorchScalar(c.Emit("Neg", [s.Value]), s.Kind), _ => TorchCall.Box(c.Emit("Neg", [c.Tensor(0)])) };
    [Torch("abs", "absolute")] private static object? Abs(TorchCall c) => c.Arg(0) switch { long n => Math.Abs(n), double d => Math.Abs(d), TorchScalar s => new TorchScalar(c.Emit("Abs", [s.Value]), s.Kind), _ => TorchCall.Box(c.Emit("Abs", [c.Tensor(0)])) };
    [Torch("floor")] private static object? Floor(TorchCall c) => Rounded(c, "Floor", Math.Floor);
    [Torch("ceil")] private static object? Ceil(TorchCall c) => Rounded(c, "Ceil", Math.Ceiling);

    /// <summary>(input, *, decimals = 0)</summary>
    [Torch("round")]
    private static object? Round(TorchCall c)
    {
        if (c.Option("decimals") is not long decimals || decimals == 0) return Rounded(c, "Round", Math.Round);
        double factor = Math.Pow(10, Math.Abs(decimals));
        Value Times(Value x, bool up) => c.Emit(up ? "Mul" : "Div", [x, c.Scalar(x.DType, factor)]);
        return TorchCall.Box(Times(c.Emit("Round", [Times(c.Tensor(0), decimals > 0)]), decimals < 0));
    }

    [Torch("trunc", "fix")] private static object? Trunc(TorchCall c) => TorchCall.Box(c.Emit("Mul", [c.Emit("Sign", [c.Tensor(0)]), c.Emit("Floor", [c.Emit("Abs", [c.Tensor(0)])])]));

    private static object? Rounded(TorchCall c, string opType, Func<double, double> known) => c.Arg(0) switch
    {
        long n => n,
        double d => (long)known(d), // Python's floor, ceil and round give integers
        TorchScalar { Kind: ScalarKind.Float } s => c.Interpreter.ToScalar(new TorchScalar(c.Emit(opType, [s.Value]), ScalarKind.Float), ScalarKind.Int),
        TorchScalar s => s,
        _ => TorchCall.Box(c.Emit(opType, [c.Tensor(0)])),
    };

    private static object? Known(TorchCall c, Func<double, double> f) => c.Arg(0) switch { long n => f(n), double d => f(d), _ => null };

    /// <summary>relu6(x + 3) / 6; ONNX's HardSigmoid has slope 0.2 by default.</summary>
    [Torch("hardsigmoid")] private static object? HardSigmoid(TorchCall c) => TorchCall.Box(c.Emit("HardSigmoid", [c.Tensor(0)], ("alpha", 1 / 6f), ("beta", 0.5f)));
    [Torch("silu")] private static object? Silu(TorchCall c) { Value x = c.Tensor(0); return TorchCall.Box(c.Emit("Mul", [x, c.Emit("Sigmoid", [x])])); }
    [Torch("leaky_relu")] private static object? LeakyRelu(TorchCall c) => TorchCall.Box(c.Emit("LeakyRelu", [c.Tensor(0)], ("alpha", (float)c.Number(1, 0.01))));
    [Torch("rrelu")] private static object? RRelu(TorchCall c) => TorchCall.Box(c.Emit("LeakyRelu", [c.Tensor(0)], ("alpha", (float)((c.Number(1, 1 / 8.0) + c.Number(2, 1 / 3.0)) / 2))));
    [Torch("celu")] private static object? Celu(TorchCall c) => TorchCall.Box(c.Emit("Celu", [c.Tensor(0)], ("alpha", (float)c.Number(1, 1))));

    /// <summary>(input, alpha, scale, input_scale)</summary>
    [Torch("elu")]
    private static object? Elu(TorchCall c)
    {
        if (c.Number(3, 1) != 1) throw c.Error("input_scale is not supported");
        return TorchCall.Box(Dense.Scaled(c, c.Emit("Elu", [c.Tensor(0)], ("alpha", (float)c.Number(1, 1))), c.Number(2, 1)));
    }

    [Torch("gelu")]
    private static object? Gelu(TorchCall c) => TorchCall.Box(c.Emit("Gelu", [c.Tensor(0)], ("approximate", c.Arg(1, "approximate") as string ?? "none")));

    /// <summary>(input, beta, threshold): log(1 + exp(beta x)) / beta; above the threshold it equals x up to rounding.</summary>
    [Torch("softplus")]
    private static object? Softplus(TorchCall c)
    {
        double beta = c.Number(1, 1);
        return TorchCall.Box(Dense.Scaled(c, c.Emit("Softplus", [Dense.Scaled(c, c.Tensor(0), beta)]), 1 / beta));
    }

    /// <summary>(input, threshold, value): x where it is above the threshold (or NaN), value elsewhere.</summary>
    [Torch("threshold")]
    private static object? Threshold(TorchCall c)
    {
        Value x = c.Tensor(0);
        return TorchCall.Box(c.Emit("Where", [c.Emit("LessOrEqual", [x, c.Scalar(x.DType, c.Number(1, 0))]), c.Scalar(x.DType, c.Number(2, 0)), x]));
    }

    [Torch("hardshrink")] private static object? HardShrink(TorchCall c) => TorchCall.Box(c.Emit("Shrink", [c.Tensor(0)], ("lambd", (float)c.Number(1, 0.5)), ("bias", 0f)));
    [Torch("softshrink")] private static object? SoftShrink(TorchCall c) => TorchCall.Box(c.Emit("Shrink", [c.Tensor(0)], ("lambd", (float)c.Number(1, 0.5)), ("bias", (float)c.Number(1, 0.5))));

    /// <summary>(input, weight): one slope, or one for each channel (axis 1).</summary>
    [Torch("prelu")]
    private static object? PRelu(TorchCall c)
    {
        Value x = c.Tensor(0), w = c.Tensor(1);
        int rank = c.Rank(x);
        if (w.Shape.Count > 1 && rank > 2) w = c.Reshape(w, [w.Shape.Count, .. Enumerable.Repeat(1L, rank - 2)]);
        return TorchCall.Box(c.Emit("PRelu", [x, w]));
    }

    [Torch("hardtanh", "clamp", "clip")]
    private static object? Clamp(TorchCall c)
    {
        Value x = c.Tensor(0);
        bool isHardTanh = c.PlainName == "hardtanh";
        return Between(c, x, c.Arg(1, "min") ?? (isHardTanh ? -1.0 : null), c.Arg(2, "max") ?? (isHardTanh ? 1.0 : null));
    }

    /// <summary>Bounds take part in the promotion of types.</summary>
    private static TorchBox Between(TorchCall c, Value x, object? low, object? high)
    {
        if (low is TorchBox || high is TorchBox)
        {
            foreach ((object? bound, string opType) in new[] { (low, "Max"), (high, "Min") })
                if (bound != null) x = Arithmetic.Promote(c, TorchCall.Box(x), bound) is var (a, b, _) ? c.Emit(opType, [a, b]) : x;
            return TorchCall.Box(x);
        }
        foreach (object? bound in new[] { low, high }) if (bound != null) x = c.Cast(x, Arithmetic.WithNumber(x.DType, bound));
        return TorchCall.Box(c.Emit("Clip", [x, low == null ? null : c.Interpreter.ScalarLike(low, x.DType), high == null ? null : c.Interpreter.ScalarLike(high, x.DType)]));
    }

    [Torch("relu6")] private static object? Relu6(TorchCall c) => TorchCall.Box(c.Emit("Clip", [c.Tensor(0), c.Scalar(c.Tensor(0).DType, 0), c.Scalar(c.Tensor(0).DType, 6)]));
    [Torch("clamp_min")] private static object? ClampMin(TorchCall c) => Between(c, c.Tensor(0), c.Arg(1), null);
    [Torch("clamp_max")] private static object? ClampMax(TorchCall c) => Between(c, c.Tensor(0), null, c.Arg(1));

    [Torch("glu")]
    private static object? Glu(TorchCall c)
    {
        Value[] halves = c.EmitMany("Split", 2, [c.Tensor(0)], ("axis", c.Int(1, -1)), ("num_outputs", 2));
        return TorchCall.Box(c.Emit("Mul", [halves[0], c.Emit("Sigmoid", [halves[1]])]));
    }
}
