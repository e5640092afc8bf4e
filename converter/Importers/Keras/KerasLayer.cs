using System.Text.Json;
using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.Keras;

/// <summary>A value with its mask (bool [batch, time]; false: this step is not there), which Keras hands from layer to layer.</summary>
internal readonly record struct KerasTensor(Value Value, Value? Mask = null);

/// <summary>A layer of the model: what it is and its weights. A shared layer is one object that is called several times.</summary>
internal sealed class KerasLayer(string className, string name, KerasConfig config, KerasWeights weights)
{
    /// <summary>TensorFlow 1's form of a function, whose arguments have the same names.</summary>
    private const string OlderFunctions = "compat.v1.";

    private readonly Dictionary<string, Value> _constants = new(StringComparer.Ordinal);
    private readonly Dictionary<string, KerasLayer> _children = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Tensor[]> _weights = new(StringComparer.Ordinal);

    public string ClassName { get; } = className;
    public string Name { get; } = name;
    public KerasConfig Config { get; } = config;
    public KerasWeights Weights { get; } = weights;

    /// <summary>The name of its class. A call of a function counts as a class of that name: TensorFlow's tf.math.add, keras.backend.mean, or
    /// keras.ops.get_item of Keras 3, whose functions are classes themselves (GetItem in the module keras.src.ops.numpy).</summary>
    public static string ClassOf(JsonElement layer)
    {
        var json = new KerasConfig(layer);
        string className = json.Text("class_name");
        if (className is "TFOpLambda" or "SlicingOpLambda" && json.Get("config") is { } config && new KerasConfig(config).Text("function") is { Length: > 0 } function)
            return function.StartsWith("keras.", StringComparison.Ordinal) ? function : "tf." + (function.StartsWith(OlderFunctions, StringComparison.Ordinal) ? function[OlderFunctions.Length..] : function);
        return IsOperation(json, className) ? "keras.ops." + KerasFolders.SnakeCase(className) : className;
    }

    /// <summary>Keras 3's HDF5 files leave the module out; unlike layers, functions have no setting "trainable".</summary>
    private static bool IsOperation(KerasConfig json, string className) => json.Get("module") is { ValueKind: JsonValueKind.String } module
        ? module.GetString()!.StartsWith("keras.src.ops.", StringComparison.Ordinal)
        : className != "InputLayer" && json.Get("inbound_nodes") is { ValueKind: JsonValueKind.Array } calls && calls.GetArrayLength() > 0 && calls[0].ValueKind == JsonValueKind.Object
            && json.Get("config") is { ValueKind: JsonValueKind.Object } config && !config.TryGetProperty("trainable", out _);

    /// <summary>Whether a layer is a call of a function, whose arguments mean what they mean in Python.</summary>
    public static bool IsFunction(string className) => className == "TensorFlowOpLayer" || className.StartsWith("tf.", StringComparison.Ordinal) || className.StartsWith("keras.", StringComparison.Ordinal);

    /// <summary>The name stands in the configuration; Functional models repeat it beside it.</summary>
    public static string NameOf(JsonElement layer)
    {
        var outer = new KerasConfig(layer);
        string name = outer.Text("name");
        if (name.Length == 0 && outer.Get("config") is { ValueKind: JsonValueKind.Object } config) name = new KerasConfig(config).Text("name");
        return name;
    }

    public static KerasConfig ConfigOf(JsonElement layer) => new(new KerasConfig(layer).Get("config") ?? throw KerasConfig.Damaged("a layer has no config"));

    public Tensor[] Take(params ReadOnlySpan<string> names)
    {
        string key = string.Join(',', names.ToArray());
        if (!_weights.TryGetValue(key, out Tensor[]? tensors)) _weights[key] = tensors = Weights.Take(Name, names);
        return tensors;
    }

    public Value Constant(Graph graph, string role, Func<Tensor> make)
    {
        if (!_constants.TryGetValue(role, out Value? value)) _constants[role] = value = graph.AddConstant($"{Name}/{role}", make());
        return value;
    }

    public KerasLayer Child(string key, Func<KerasLayer> make)
    {
        if (!_children.TryGetValue(key, out KerasLayer? child)) _children[key] = child = make();
        return child;
    }
}

/// <summary>Marks a method <c>static void (KerasNode)</c> that converts the layers of these class names, or these functions.</summary>
[AttributeUsage(AttributeTargets.Method, AllowMultiple = true)]
internal sealed class KerasAttribute(params string[] classNames) : ForeignLayerAttribute(classNames)
{
    /// <summary>Of a function: the TensorFlow operator that it is.</summary>
    public string Operator { get; init; } = "";
}
