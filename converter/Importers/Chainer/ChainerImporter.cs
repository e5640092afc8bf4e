using System.Text.Json;
using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.Chainer;

/// <summary>
/// Reads Chainer's parameters (.npz of save_npz) by an architecture in JSON beside them:
/// {"format": "chainer", "parameters": "model.npz", "input": {"name": "x", "shape": [null, 3, 16, 16]}, "layers": [{"type":
/// "Convolution2D", "name": "conv1", "stride": 2, "pad": 1}, {"type": "relu"}, ...]}. Layers form a chain; types and settings have
/// Chainer's names, and a link's name is its path in the .npz; sizes come from the parameters.
/// </summary>
public sealed class ChainerImporter : IImporter
{
    public string Format => "Chainer";

    public FormatReference Reference { get; } = new()
    {
        Files = "a small `.json` with `\"format\": \"chainer\"` and, beside it, the parameters that `save_npz` wrote, which do not tell the architecture: `{\"format\": \"chainer\", \"parameters\": \"model.npz\", \"input\": {\"name\": \"x\", \"shape\": [null, 3, 16, 16]}, \"layers\": [{\"type\": \"Convolution2D\", \"name\": \"conv1\", \"stride\": 2, \"pad\": 1}, {\"type\": \"relu\"}]}`. Layers form a chain; settings have Chainer's names, a link's name is its path in the `.npz`, `null` is a free size. What `chainer.exporters.caffe` writes is read as Caffe's.",
        Tested = "genuine parameters of waifu2x-chainer (VGG7) and of a small CNN written by Chainer 7.8.1, against Chainer's own results; the JSON is ours. Its export to Caffe: a hand-made file.",
        LayersOf = "Chainer's links and functions",
        Layers = ForeignLayers.References<ChainerAttribute>(),
    };

    public bool Recognizes(string path, ReadOnlySpan<byte> head) => ArchitectureFile.Recognizes(head, "chainer");

    public Graph Import(string path) => ArchitectureFile.Import(path, Format, root => Build(path, root));

    private static Graph Build(string path, JsonElement root)
    {
        JsonElement[] layers = ArchitectureFile.Layers(path, root);
        ArchitectureFile.RefuseUnknown(path, layers, ChainerLayers.All.ContainsKey, "Export the model with onnx-chainer instead.");
        string file = ArchitectureFile.Parameters(path, root);
        var parameters = NpzFile.Read(file).ToDictionary(p => p.Key, p => p.Value, StringComparer.Ordinal);

        var graph = new Graph(Path.GetFileNameWithoutExtension(path));
        JsonElement input = root.GetProperty("input");
        long[] dims = [.. input.GetProperty("shape").EnumerateArray().Select((d, i) => d.ValueKind == JsonValueKind.Null ? graph.SymbolDim(i == 0 ? "N" : $"size{i}") : d.GetInt64())];
        string name = input.TryGetProperty("name", out JsonElement given) ? given.GetString() ?? "x" : "x";
        Value value = graph.AddInput(name, new TensorType(DType.Float32, new Shape(dims)));
        var refusals = new Refusals();
        for (int i = 0; i < layers.Length; i++)
        {
            (JsonElement layer, int number, Value x, string type) = (layers[i], i, value, ArchitectureFile.TypeOf(layers[i]));
            if (!refusals.TryConvert(type, graph, [x], (into, of) => value = ChainerLayers.All[type](new ChainerLayer(into, layer, number, of(x), parameters)))) value = refusals.Placeholder(graph, type);
        }
        refusals.ThrowIfAny();
        if (graph.Inputs.Contains(value)) value = graph.Add("Identity", "y", [value], type: value.Type);
        else if (graph.Find("y") == null) graph.Rename(value, "y");
        graph.AddOutput(value);
        GraphVerifier.Verify(graph);
        return graph;
    }
}
