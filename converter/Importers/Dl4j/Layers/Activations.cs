using EdgeLite.Converter.Ir;

namespace EdgeLite.Converter.Importers.Dl4j.Layers;

/// <summary>Activation functions (org.nd4j.linalg.activations.impl): classes, their short names, and the lower-case names of versions before 0.7.</summary>
internal static class Activations
{
    /// <summary>Applies the layer's own activation. <paramref name="axis"/> is that of a softmax; -1 where the data say it.</summary>
    public static Value Apply(Dl4jLayer l, Value x, int axis = -1, string otherwise = "sigmoid")
    {
        Dl4jConfig? config = Of(l.Config);
        string name = config == null ? otherwise : NameOf(config);
        switch (name)
        {
            case "identity" or "linear": return x;
            case "relu": return Relu(l, x, config);
            case "relu6": return l.Emit("Clip", [x, l.Scalar(0), l.Scalar(6)]);
            case "lrelu" or "leakyrelu": return l.Emit("LeakyRelu", [x], ("alpha", (float)(config?.Real("alpha", 0.01) ?? 0.01)));
            // Outside training the slope is the middle of its range, 1/8 to 1/3 unless told.
            case "rrelu": return l.Emit("LeakyRelu", [x], ("alpha", (float)(((config?.Real("l", 1.0 / 8) ?? 1.0 / 8) + (config?.Real("u", 1.0 / 3) ?? 1.0 / 3)) / 2)));
            case "elu": return l.Emit("Elu", [x], ("alpha", (float)(config?.Real("alpha", 1) ?? 1)));
            case "selu": return l.Emit("Selu", [x]);
            case "sigmoid": return l.Emit("Sigmoid", [x]);
            case "hardsigmoid": return l.Emit("HardSigmoid", [x], ("alpha", 0.2f), ("beta", 0.5f));
            case "tanh": return l.Emit("Tanh", [x]);
            case "hardtanh": return l.Emit("Clip", [x, l.Scalar(-1), l.Scalar(1)]);
            case "rectifiedtanh": return l.Emit("Relu", [l.Emit("Tanh", [x])]);
            case "rationaltanh": return RationalTanh(l, x);
            case "softplus": return l.Emit("Softplus", [x]);
            case "softsign": return l.Emit("Softsign", [x]);
            case "cube": return l.Emit("Mul", [l.Emit("Mul", [x, x]), x]);
            case "swish": return l.Emit("Mul", [x, l.Emit("Sigmoid", [x])]);
            case "mish": return l.Emit("Mish", [x]);
            case "gelu": return config?.Bool("precise", false) == true ? l.Emit("Gelu", [x], ("approximate", "tanh")) : l.Emit("Mul", [x, l.Emit("Sigmoid", [l.Emit("Mul", [x, l.Scalar(1.702)])])]);
            case "thresholdedrelu": return l.Emit("ThresholdedRelu", [x], ("alpha", (float)(config?.Real("theta", 1) ?? 1)));
            case "softmax":
                if (axis < 0) axis = l.RankOf(x) == 2 ? 1 : l.Input.IsRows ? 2 : throw l.InputError($"softmax over a tensor of {l.RankOf(x)} dimensions means different axes in different versions; use RnnOutputLayer, RnnLossLayer or CnnLossLayer");
                return l.Emit("Softmax", [x], ("axis", axis));
            default: throw l.Error($"activation '{config?.ClassName ?? name}' has no conversion");
        }
    }

    /// <summary>The activation's name in ONNX's recurrent operators.</summary>
    public static (string Name, float[] Alpha, float[] Beta) Recurrent(Dl4jLayer l, string key, string otherwise)
    {
        Dl4jConfig? config = key == "activationFn" ? Of(l.Config) : l.Config.Get(key) is { } json ? new(json, $"'{key}'") : null;
        return (config == null ? otherwise : NameOf(config)) switch
        {
            "sigmoid" => ("Sigmoid", [], []),
            "hardsigmoid" => ("HardSigmoid", [0.2f], [0.5f]),
            "tanh" => ("Tanh", [], []),
            "relu" when !IsBent(config) => ("Relu", [], []),
            "identity" or "linear" => ("Affine", [1], [0]),
            "softsign" => ("Softsign", [], []),
            "softplus" => ("Softplus", [], []),
            "elu" => ("Elu", [(float)(config?.Real("alpha", 1) ?? 1)], []),
            "lrelu" or "leakyrelu" => ("LeakyRelu", [(float)(config?.Real("alpha", 0.01) ?? 0.01)], []),
            var other => throw l.Error($"activation '{config?.ClassName ?? other}' inside a recurrent layer has no conversion"),
        };
    }

    private static Dl4jConfig? Of(Dl4jConfig layer) => layer.Get("activationFn", "activationFunction", "activation") is { } json ? new(json, $"the activation of {layer.Kind}") : null;

    private static string NameOf(Dl4jConfig config)
    {
        if (!config.IsOwn) return config.ClassName;
        string kind = config.Kind.StartsWith("Activation", StringComparison.Ordinal) ? config.Kind[10..] : config.Kind;
        return kind.ToLowerInvariant();
    }

    private static bool IsBent(Dl4jConfig? relu) => relu != null && (relu.Real("max", 0) != 0 || relu.Real("threshold", 0) != 0 || relu.Real("negativeSlope", 0) != 0);

    /// <summary>x from the threshold on, below it negativeSlope * (x - threshold); not above max.</summary>
    private static Value Relu(Dl4jLayer l, Value x, Dl4jConfig? config)
    {
        if (!IsBent(config)) return l.Emit("Relu", [x]);
        double max = config!.Real("max", 0), threshold = config.Real("threshold", 0), slope = config.Real("negativeSlope", 0);
        Value y;
        if (threshold == 0) y = slope == 0 ? l.Emit("Relu", [x]) : l.Emit("LeakyRelu", [x], ("alpha", (float)slope));
        else y = l.Emit("Where", [l.Emit("GreaterOrEqual", [x, l.Scalar(threshold)]), x, l.Emit("Mul", [l.Emit("Sub", [x, l.Scalar(threshold)]), l.Scalar(slope)])]);
        return max > 0 ? l.Emit("Min", [y, l.Scalar(max)]) : y;
    }

    /// <summary>1.7159 tanh(2x/3), with tanh(y) taken as sign(y) (1 - 1 / (1 + |y| + y^2 + 1.41645 y^4)) (ActivationRationalTanh's documentation).</summary>
    private static Value RationalTanh(Dl4jLayer l, Value x)
    {
        Value y = l.Emit("Mul", [x, l.Scalar(2.0 / 3)]), square = l.Emit("Mul", [y, y]);
        Value sum = l.Emit("Add", [l.Emit("Add", [l.Emit("Abs", [y]), square]), l.Emit("Mul", [l.Emit("Mul", [square, square]), l.Scalar(1.41645)])]);
        Value tanh = l.Emit("Mul", [l.Emit("Sign", [y]), l.Emit("Div", [sum, l.Emit("Add", [sum, l.Scalar(1)])])]);
        return l.Emit("Mul", [tanh, l.Scalar(1.7159)]);
    }
}
