using EdgeLite.Converter.Ir;
using EdgeLite.Core;

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
    private static readonly Dictionary<string, Action<KerasNode>> s_layers = ForeignLayers.Conversions<KerasAttribute, Action<KerasNode>>();

    private KerasImporter(string name, KerasOrigin origin)
    {
        Graph = new Graph(name);
        Origin = origin;
    }

    /// <summary>The name of the list of layers in the documentation.</summary>
    public const string LayersOf = "Keras's layers";

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
        if (!s_layers.TryGetValue(layer.ClassName, out Action<KerasNode>? convert))
            throw new EdgeLiteException(Status.UnknownOperator, $"Layer '{layer.Name}' is a {layer.ClassName}, which is not supported.");
        var node = new KerasNode(this, layer, inputs, named ?? new Dictionary<string, KerasTensor[]>());
        convert(node);
        return node.Outputs;
    }

    public bool Knows(string className) => s_layers.ContainsKey(className);
}
