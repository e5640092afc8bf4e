using System.Text.Json;
using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.Keras;

/// <summary>A value with its mask (bool [batch, time]; false: this step is not there), which Keras hands from layer to layer.</summary>
internal readonly record struct KerasTensor(Value Value, Value? Mask = null);

/// <summary>A layer of the model: what it is and its weights. A shared layer is one object that is called several times.</summary>
internal sealed class KerasLayer(string className, string name, KerasConfig config, KerasWeights weights)
{
    private readonly Dictionary<string, Value> _constants = new(StringComparer.Ordinal);
    private readonly Dictionary<string, KerasLayer> _children = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Tensor[]> _weights = new(StringComparer.Ordinal);

    public string ClassName { get; } = className;
    public string Name { get; } = name;
    public KerasConfig Config { get; } = config;
    public KerasWeights Weights { get; } = weights;

    public static string ClassOf(JsonElement layer) => new KerasConfig(layer).Text("class_name");

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

/// <summary>Marks a method <c>static void (KerasNode)</c> that converts the layer of that class name.</summary>
[AttributeUsage(AttributeTargets.Method, AllowMultiple = true)]
internal sealed class KerasAttribute(string className) : ForeignLayerAttribute(className);
