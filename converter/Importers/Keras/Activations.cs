using System.Text.Json;
using EdgeLite.Converter.Ir;

namespace EdgeLite.Converter.Importers.Keras;

/// <summary>Activations by name (keras.activations), and as they enter recurrent layers.</summary>
internal static class Activations
{
    /// <summary>Applies an activation given as a name, as a serialized function or as a layer; absent is linear.</summary>
    public static Value Apply(KerasNode n, Value x, JsonElement? activation)
    {
        if (activation is not { } json) return x;
        if (json.ValueKind == JsonValueKind.Object && KerasLayer.ClassOf(json) is { Length: > 0 } className && className != "function" && n.Importer.Knows(className))
        {
            KerasLayer layer = n.Layer.Child("activation", () => new KerasLayer(className, n.Name + "/" + KerasFolders.SnakeCase(className), KerasLayer.ConfigOf(json), n.Layer.Weights));
            return n.Importer.Call(layer, [new(x)])[0].Value;
        }
        string name = NameOf(json);
        bool modern = n.Importer.Origin.Major >= 3;
        return name switch
        {
            "linear" => x,
            "relu" => n.Emit("Relu", [x]),
            "sigmoid" => n.Emit("Sigmoid", [x]),
            "tanh" => n.Emit("Tanh", [x]),
            "softmax" => n.Emit("Softmax", [x], ("axis", -1)),
            "log_softmax" or "logSoftmax" => n.Emit("LogSoftmax", [x], ("axis", -1)),
            "hard_sigmoid" or "hardSigmoid" => n.Emit("HardSigmoid", [x], ("alpha", HardSigmoidSlope(modern)), ("beta", 0.5f)),
            "relu6" => n.Emit("Clip", [x, n.Scalar(0), n.Scalar(6)]),
            "elu" => n.Emit("Elu", [x]),
            "selu" => n.Emit("Selu", [x]),
            "softplus" => n.Emit("Softplus", [x]),
            "softsign" => n.Emit("Softsign", [x]),
            "exponential" => n.Emit("Exp", [x]),
            "swish" or "silu" => n.Emit("Mul", [x, n.Emit("Sigmoid", [x])]),
            "hard_silu" or "hard_swish" => n.Emit("HardSwish", [x]),
            "mish" => n.Emit("Mish", [x]),
            "gelu" => n.Emit("Gelu", [x]),
            "gelu_new" => n.Emit("Gelu", [x], ("approximate", "tanh")),
            "leaky_relu" => n.Emit("LeakyRelu", [x], ("alpha", 0.2f)),
            "log_sigmoid" => n.Emit("Neg", [n.Emit("Softplus", [n.Emit("Neg", [x])])]),
            "celu" => n.Emit("Celu", [x]),
            "hard_tanh" => n.Emit("Clip", [x, n.Scalar(-1), n.Scalar(1)]),
            "tanh_shrink" => n.Emit("Sub", [x, n.Emit("Tanh", [x])]),
            "hard_shrink" => n.Emit("Shrink", [x], ("lambd", 0.5f), ("bias", 0f)),
            "soft_shrink" => n.Emit("Shrink", [x], ("lambd", 0.5f), ("bias", 0.5f)),
            _ => throw n.Error($"activation '{name}' is not supported; express it by layers"),
        };
    }

    /// <summary>Whether an activation acts on each element alone, so that it may come before a transpose.</summary>
    public static bool IsElementwise(JsonElement? activation) =>
        activation is not { } json || json.ValueKind == JsonValueKind.String && NameOf(json) is not ("softmax" or "log_softmax" or "logSoftmax");

    /// <summary>The activation's name in ONNX's recurrent operators with its two numbers.</summary>
    public static (string Name, float Alpha, float Beta) Recurrent(KerasNode n, KerasConfig config, string otherwise, params ReadOnlySpan<string> keys)
    {
        string name = config.Get(keys) is { } json ? NameOf(json) : otherwise;
        return name switch
        {
            "linear" => ("Affine", 1, 0),
            "relu" => ("Relu", 0, 0),
            "sigmoid" => ("Sigmoid", 0, 0),
            "tanh" => ("Tanh", 0, 0),
            "softsign" => ("Softsign", 0, 0),
            "softplus" => ("Softplus", 0, 0),
            "elu" => ("Elu", 1, 0),
            "leaky_relu" => ("LeakyRelu", 0.2f, 0),
            "hard_sigmoid" or "hardSigmoid" => ("HardSigmoid", HardSigmoidSlope(n.Importer.Origin.Major >= 3), 0.5f),
            _ => throw n.Error($"activation '{name}' inside a recurrent layer is not supported"),
        };
    }

    /// <summary>Keras 1 and 2: clip(0.2 x + 0.5, 0, 1); Keras 3: relu6(x + 3) / 6.</summary>
    private static float HardSigmoidSlope(bool modern) => modern ? 1f / 6 : 0.2f;

    private static string NameOf(JsonElement json)
    {
        if (json.ValueKind == JsonValueKind.String) return json.GetString()!;
        var config = new KerasConfig(json);
        if (config.Get("config") is { ValueKind: JsonValueKind.String } function) return function.GetString()!;
        return config.Text("registered_name") is { Length: > 0 } registered ? registered : config.Text("class_name");
    }
}
