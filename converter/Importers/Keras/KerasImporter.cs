using System.Reflection;
using EdgeLite.Converter.Ir;
using EdgeLite.Core;
using EdgeLite.Ops;

namespace EdgeLite.Converter.Importers.Keras;

/// <summary>Where a model comes from, as far as its numbers depend on it.</summary>
internal sealed record KerasOrigin(int Major, string Backend)
{
    /// <summary>Theano convolves, everyone else correlates: its kernels are stored the other way round.</summary>
    public bool IsTheano => Backend == "theano";

    public static KerasOrigin Of(string? version, string? backend)
    {
        string digits = new([.. (version ?? "1").TakeWhile(char.IsAsciiDigit)]);
        return new(int.TryParse(digits, out int major) ? major : 2, (backend ?? "tensorflow").ToLowerInvariant());
    }
}

/// <summary>
/// Builds a graph from a Keras model, whichever container it came in. Values keep Keras's own layout; layers that ONNX defines on
/// channels-first tensors stand between transposes, which the passes remove.
/// </summary>
internal sealed class KerasImporter
{
    private static readonly SortedDictionary<string, (Action<KerasNode> Convert, string Notes)> s_layers = new(StringComparer.Ordinal);

    static KerasImporter()
    {
        foreach (Type type in typeof(KerasImporter).Assembly.GetTypes())
        {
            if (type.Namespace != typeof(KerasImporter).Namespace + ".Layers") continue;
            foreach (MethodInfo method in type.GetMethods(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic))
                foreach (KerasAttribute a in method.GetCustomAttributes<KerasAttribute>())
                    s_layers.Add(a.ClassName, (method.CreateDelegate<Action<KerasNode>>(), a.Notes));
        }
    }

    private KerasImporter(string name, KerasOrigin origin)
    {
        Graph = new Graph(name);
        Origin = origin;
    }

    /// <summary>Every layer that can be converted, with what a user should know about it.</summary>
    public static IEnumerable<(string Layer, string Notes)> SupportedLayers => s_layers.Select(l => (l.Key, l.Value.Notes));

    public Graph Graph { get; }
    public KerasOrigin Origin { get; }

    public static Graph Import(string name, KerasModel model, KerasWeights weights, KerasOrigin origin)
    {
        try
        {
            model.RefuseUnknown(s_layers.ContainsKey);
            var importer = new KerasImporter(name, origin);
            model.BuildInto(importer, weights);
            importer.Graph.Metadata["keras.version"] = origin.Major.ToString(System.Globalization.CultureInfo.InvariantCulture);
            importer.Graph.Metadata["keras.backend"] = origin.Backend;
            GraphVerifier.Verify(importer.Graph);
            return importer.Graph;
        }
        catch (Exception e) when (e is IndexOutOfRangeException or ArgumentException or OverflowException or InvalidOperationException
            or KeyNotFoundException or DivideByZeroException or InvalidCastException)
        {
            throw new EdgeLiteException(Status.Corrupt, $"The Keras model '{name}' contradicts itself: {e.Message}", e);
        }
    }

    /// <summary>Converts one call of a layer.</summary>
    public KerasTensor[] Call(KerasLayer layer, KerasTensor[] inputs, IReadOnlyDictionary<string, KerasTensor[]>? named = null)
    {
        if (!s_layers.TryGetValue(layer.ClassName, out (Action<KerasNode> Convert, string Notes) entry))
            throw new EdgeLiteException(Status.UnknownOperator, $"Layer '{layer.Name}' is a {layer.ClassName}, which is not supported.");
        var node = new KerasNode(this, layer, inputs, named ?? new Dictionary<string, KerasTensor[]>());
        entry.Convert(node);
        return node.Outputs;
    }

    public bool Knows(string className) => s_layers.ContainsKey(className);

    public Value Emit(string name, string opType, ReadOnlySpan<Value?> inputs, ReadOnlySpan<(string Name, AttributeValue Value)> attributes) =>
        EmitMany(name, opType, 1, inputs, attributes)[0];

    public Value[] EmitMany(string name, string opType, int outputs, ReadOnlySpan<Value?> inputs, ReadOnlySpan<(string Name, AttributeValue Value)> attributes)
    {
        var set = new AttributeSet();
        foreach ((string key, AttributeValue value) in attributes) set[key] = value;
        var values = new Value[outputs];
        for (int i = 0; i < outputs; i++) values[i] = Graph.NewValue(Graph.FreshName(i == 0 ? name : $"{name}_{i}"), default);
        ShapeInference.Infer(Graph.AddNode("", opType, values[0].Name, inputs, values, set));
        return values;
    }
}
