using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.Tflite.Operators;

/// <summary>Elementwise functions of one operand, activations and normalizations.</summary>
internal static class Unary
{
    [Tflite(TfliteOp.ABS), Tflite(TfliteOp.NEG), Tflite(TfliteOp.SQRT), Tflite(TfliteOp.EXP), Tflite(TfliteOp.LOG), Tflite(TfliteOp.SIN),
     Tflite(TfliteOp.COS), Tflite(TfliteOp.CEIL), Tflite(TfliteOp.FLOOR), Tflite(TfliteOp.ROUND), Tflite(TfliteOp.SIGN), Tflite(TfliteOp.TANH),
     Tflite(TfliteOp.LOGISTIC), Tflite(TfliteOp.RELU), Tflite(TfliteOp.ELU), Tflite(TfliteOp.HARD_SWISH)]
    private static void SameInOnnx(TfliteNode n)
    {
        string opType = n.Op switch
        {
            TfliteOp.LOGISTIC => "Sigmoid",
            TfliteOp.HARD_SWISH => "HardSwish",
            _ => n.Op.ToString()[0] + n.Op.ToString()[1..].ToLowerInvariant(),
        };
        n.SetReal(0, n.Emit(opType, [n.Real(0)]));
    }

    [Tflite(TfliteOp.RSQRT)]
    private static void Rsqrt(TfliteNode n) => n.SetReal(0, n.Emit("Reciprocal", [n.Emit("Sqrt", [n.Real(0)])]));

    [Tflite(TfliteOp.SQUARE)]
    private static void Square(TfliteNode n) => n.SetReal(0, n.Emit("Mul", [n.Real(0), n.Real(0)]));

    [Tflite(TfliteOp.RELU6)]
    private static void Relu6(TfliteNode n) => n.SetReal(0, n.Emit("Clip", [n.Real(0), n.Scalar(0), n.Scalar(6)]));

    [Tflite(TfliteOp.RELU_N1_TO_1)]
    private static void ReluN1To1(TfliteNode n) => n.SetReal(0, n.Emit("Clip", [n.Real(0), n.Scalar(-1), n.Scalar(1)]));

    [Tflite(TfliteOp.RELU_0_TO_1)]
    private static void Relu0To1(TfliteNode n) => n.SetReal(0, n.Emit("Clip", [n.Real(0), n.Scalar(0), n.Scalar(1)]));

    [Tflite(TfliteOp.LEAKY_RELU)]
    private static void LeakyRelu(TfliteNode n) => n.SetReal(0, n.Emit("LeakyRelu", [n.Real(0)], ("alpha", n.Options.Float32(TfliteOption.LeakyRelu.Alpha))));

    [Tflite(TfliteOp.PRELU)]
    private static void PRelu(TfliteNode n) => n.SetReal(0, n.Emit("PRelu", [n.Real(0), n.Real(1)]));

    [Tflite(TfliteOp.GELU)]
    private static void Gelu(TfliteNode n) =>
        n.SetReal(0, n.Emit("Gelu", [n.Real(0)], ("approximate", n.Options.Bool(TfliteOption.Gelu.Approximate) ? "tanh" : "none")));

    [Tflite(TfliteOp.ZEROS_LIKE)]
    private static void ZerosLike(TfliteNode n) =>
        n.SetRaw(0, n.Emit("Expand", [n.Scalar(n.Output(0).DType, 0), n.Emit("Shape", [n.Raw(0)])]));

    [Tflite(TfliteOp.SOFTMAX)]
    private static void Softmax(TfliteNode n)
    {
        float beta = n.Options.Float32(TfliteOption.Softmax.Beta);
        Value x = n.Real(0);
        if (beta != 1) x = n.Emit("Mul", [x, n.Scalar(beta)]);
        n.SetReal(0, n.Emit("Softmax", [x], ("axis", -1)));
    }

    [Tflite(TfliteOp.LOG_SOFTMAX)]
    private static void LogSoftmax(TfliteNode n) => n.SetReal(0, n.Emit("LogSoftmax", [n.Real(0)], ("axis", -1)));

    /// <summary>x / max(|x|, 1e-6), the norm over the last axis (internal/reference/l2normalization.h).</summary>
    [Tflite(TfliteOp.L2_NORMALIZATION)]
    private static void L2Normalization(TfliteNode n)
    {
        Value norm = n.Emit("ReduceL2", [n.Real(0), n.Ints(-1)], ("keepdims", 1));
        n.SetReal(0, n.Activate(n.Emit("Div", [n.Real(0), n.Emit("Max", [norm, n.Scalar(1e-6f)])]), n.Options.Int8(0)));
    }

    /// <summary>x / (bias + alpha * sum of squares over channels c-radius .. c+radius)^beta; ONNX divides alpha by the window.</summary>
    [Tflite(TfliteOp.LOCAL_RESPONSE_NORMALIZATION)]
    private static void Lrn(TfliteNode n)
    {
        int radius = n.Options.Int32(TfliteOption.Lrn.Radius);
        long size = 2L * radius + 1;
        n.SetRealChannelsFirst(0, n.Emit("LRN", [n.RealChannelsFirst(0)], ("size", size), ("alpha", n.Options.Float32(TfliteOption.Lrn.Alpha) * size),
            ("beta", n.Options.Float32(TfliteOption.Lrn.Beta)), ("bias", n.Options.Float32(TfliteOption.Lrn.Bias))));
    }

    [Tflite(TfliteOp.CAST)]
    private static void Cast(TfliteNode n)
    {
        if (n.Output(0).DType == DType.Undefined) throw n.Error("a cast to a resource or variant");
        n.SetRaw(0, n.Cast(n.Raw(0), n.Output(0).DType));
    }

    /// <summary>Real numbers to integers, or integers to integers of another scale.</summary>
    [Tflite(TfliteOp.QUANTIZE)]
    private static void Quantize(TfliteNode n)
    {
        if (!n.Output(0).IsQuantizedActivation) throw n.Error($"the output is {n.Output(0).DType.Name()} without a scale");
        n.SetReal(0, n.Real(0));
    }

    /// <summary>Constants are not computed here: the result stands for the stored numbers, from which operators take what they need.</summary>
    [Tflite(TfliteOp.DEQUANTIZE), Tflite(TfliteOp.DENSIFY)]
    private static void Dequantize(TfliteNode n)
    {
        if (n.Constant(0) != null) n.Scope.SetAlias(n.OutputIndex(0), n.InputIndex(0));
        else n.SetRaw(0, n.Op == TfliteOp.DENSIFY ? n.Raw(0) : n.Real(0));
    }

    /// <summary>Rounds to the nearest of 2^bits numbers in [min, max], moved so that 0 is one of them
    /// (internal/quantization_util.cc, NudgeQuantizationRange).</summary>
    [Tflite(TfliteOp.FAKE_QUANT)]
    private static void FakeQuant(TfliteNode n)
    {
        float min = n.Options.Float32(TfliteOption.FakeQuant.Min), max = n.Options.Float32(TfliteOption.FakeQuant.Max);
        float low = n.Options.Bool(TfliteOption.FakeQuant.NarrowRange) ? 1 : 0, high = (float)Math.Pow(2, n.Options.Int32(TfliteOption.FakeQuant.NumBits)) - 1;
        if (!(max > min) || high <= low) throw n.Damaged($"the range [{min}, {max}] is empty");
        float scale = (max - min) / (high - low);
        float zero = Math.Clamp(MathF.Round(low - min / scale, MidpointRounding.AwayFromZero), low, high);
        float nudgedMin = (low - zero) * scale, nudgedMax = (high - zero) * scale;
        Value x = n.Emit("Sub", [n.Emit("Clip", [n.Real(0), n.Scalar(nudgedMin), n.Scalar(nudgedMax)]), n.Scalar(nudgedMin)]);
        x = n.Emit("Floor", [n.Emit("Add", [n.Emit("Mul", [x, n.Scalar(1 / scale)]), n.Scalar(0.5f)])]);
        n.SetReal(0, n.Emit("Add", [n.Emit("Mul", [x, n.Scalar(scale)]), n.Scalar(nudgedMin)]));
    }
}
