using System.Text.Json;
using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.Keras;

/// <summary>TensorFlow.js layers-models: model.json with the Keras architecture and a list of weights in shards beside it, float32,
/// float16, or uint8 and uint16 with scale and offset (tfjs-converter, write_weights.py).</summary>
public sealed class TfjsLayersFormat : IImporter
{
    public string Format => "TensorFlow.js layers-model";

    public FormatReference Reference { get; } = new()
    {
        Files = "`model.json` of format layers-model and its shards; quantized weights (uint8, uint16, float16).",
        Tested = "nine genuine models (image classification with MobileNetV2 and InceptionV3, super-resolution) against TensorFlow.js; 46 random models that TensorFlow.js wrote, against its own results (outside the test suite 300 more).",
        LayersOf = KerasImporter.LayersOf,
        Layers = ForeignLayers.References<KerasAttribute>(),
    };

    public bool Recognizes(string path, ReadOnlySpan<byte> head)
    {
        ReadOnlySpan<byte> text = head.TrimStart("\uFEFF"u8).TrimStart(" \t\r\n"u8);
        if (!text.StartsWith("{"u8) || text.IndexOf("\"modelTopology\""u8) < 0 && text.IndexOf("\"format\""u8) < 0 && text.IndexOf("\"weightsManifest\""u8) < 0) return false;
        try
        {
            using JsonDocument document = KerasJson.Parse(KerasJson.ReadText(path), path);
            var root = new KerasConfig(document.RootElement);
            if (root.Get("format") is { ValueKind: JsonValueKind.String } format) return format.GetString() == "layers-model";
            return root.Has("weightsManifest") && root.Get("modelTopology") is { ValueKind: JsonValueKind.Object } topology
                && (new KerasConfig(topology).Has("model_config") || new KerasConfig(topology).Has("class_name"));
        }
        catch (EdgeLiteException)
        {
            return false;
        }
    }

    public Graph Import(string path) => Import(path, new Dictionary<string, Shape>());

    public Graph Import(string path, IReadOnlyDictionary<string, Shape> shapes)
    {
        using JsonDocument document = KerasJson.Parse(KerasJson.ReadText(path), path);
        var root = new KerasConfig(document.RootElement);
        var topology = root.Section("modelTopology");
        if (root.Get("weightsManifest") is not { ValueKind: JsonValueKind.Array }) throw Damaged(path, "it has no weightsManifest");
        KerasWeight[] weights = [.. TfjsWeights.Read(document.RootElement, path).Select(w => new KerasWeight(w.Key, () => Arrays.Float32(w.Value)))];
        string version = topology.Text("keras_version"), backend = topology.Text("backend", "tensorflow");
        // "tfjs-layers 4.22.0" speaks the configuration of Keras 2.
        if (!char.IsAsciiDigit(version.FirstOrDefault())) version = "2";
        if (topology.Text("class_name").Length == 0 && !topology.Has("model_config")) throw Damaged(path, "its modelTopology holds no model");
        return KerasImporter.Import(Path.GetFileName(Path.GetDirectoryName(Path.GetFullPath(path))) is { Length: > 0 } folder ? folder : "model",
            new KerasModel(KerasJson.Model(document.RootElement)), new NamedWeights(weights), KerasOrigin.Of(version, backend).InTfjs(), shapes);
    }

    private static EdgeLiteException Damaged(string path, string message) => new(Status.Corrupt, $"'{path}' is a damaged TensorFlow.js model: {message}.");
}
