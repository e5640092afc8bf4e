using System.Text.Json;
using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.Chainer;

/// <summary>
/// Reads Chainer's parameters (.npz of save_npz) by an architecture in JSON beside them:
/// {"format": "chainer", "parameters": "model.npz", "input": {"name": "x", "shape": [null, 3, 16, 16]}, "layers": [{"type":
/// "Convolution2D", "name": "conv1", "stride": 2, "pad": 1}, {"type": "relu"}, ...]}. A layer takes the one before it, or those that "inputs"
/// names; types and settings have Chainer's names, and a link's name is its path in the .npz; sizes come from the parameters.
/// </summary>
public sealed class ChainerImporter : IImporter
{
    public string Format => "Chainer";

    public FormatReference Reference { get; } = new()
    {
        Files = "a small `.json` with `\"format\": \"chainer\"` and, beside it, the parameters that `save_npz` wrote, which do not tell the architecture: `{\"format\": \"chainer\", \"parameters\": \"model.npz\", \"input\": {\"name\": \"x\", \"shape\": [null, 3, 16, 16]}, \"layers\": [{\"type\": \"Convolution2D\", \"name\": \"conv1\", \"stride\": 2, \"pad\": 1}, {\"type\": \"relu\"}]}`. A layer takes the one before it, or those that `\"inputs\": [..]` names (`add` and `multiply` stand for + and *); settings have Chainer's names, a link's name is its path in the `.npz`, `null` is a free size. What `chainer.exporters.caffe` writes is read as Caffe's.",
        Tested = "genuine parameters of waifu2x-chainer (VGG7) and of a small CNN written by Chainer 7.8.1, against Chainer's own results, and 45 random networks of these links and functions likewise (outside the test suite 350 more); the JSON is ours. Its export to Caffe: a hand-made file.",
        LayersOf = "Chainer's links and functions",
        Layers = ForeignLayers.References<ChainerAttribute>(),
    };

    public bool Recognizes(string path, ReadOnlySpan<byte> head) => ArchitectureFile.Recognizes(head, "chainer");

    public Graph Import(string path) => ArchitectureFile.Import(path, Format, root => Build(path, root));

    private static Graph Build(string path, JsonElement root)
    {
        JsonElement[] layers = ArchitectureFile.Layers(path, root);
        ArchitectureFile.RefuseUnknown(path, layers, ChainerLinks.All.ContainsKey, "Export the model with onnx-chainer instead.");
        string file = ArchitectureFile.Parameters(path, root);
        var parameters = NpzFile.Read(file).ToDictionary(p => p.Key, p => p.Value, StringComparer.Ordinal);

        var graph = new Graph(Path.GetFileNameWithoutExtension(path));
        JsonElement input = root.Field("input");
        long[] dims = [.. input.Field("shape").Items().Select((d, i) => d.ValueKind == JsonValueKind.Null ? graph.SymbolDim(i == 0 ? "N" : $"size{i}") : d.Whole())];
        string name = input.TryField("name", out JsonElement given) ? given.Text() ?? "x" : "x";
        Value value = graph.AddInput(name, new TensorType(DType.Float32, new Shape(dims)));
        var known = new Dictionary<string, Value>(StringComparer.Ordinal) { [name] = value };
        var refusals = new Refusals();
        for (int i = 0; i < layers.Length; i++)
        {
            (JsonElement layer, int number, string type) = (layers[i], i, ArchitectureFile.TypeOf(layers[i]));
            Value[] inputs = layer.TryField("inputs", out JsonElement from) ? [.. from.Items().Select(Named)] : [value];
            if (!refusals.TryConvert(type, graph, inputs, (into, of) => value = ChainerLinks.All[type](new ChainerLayer(into, layer, number, [.. inputs.Select(of)], parameters)))) value = refusals.Placeholder(graph, type);
            // A link that is called again keeps its name; its last result counts.
            known[ArchitectureFile.NameOf(layer, number)] = value;

            Value Named(JsonElement json) => known.TryGetValue(json.Text() ?? "", out Value? v) ? v
                : throw new EdgeLiteException(Status.Corrupt, $"'{path}': layer '{ArchitectureFile.NameOf(layer, number)}' reads '{json.Text()}', which is neither the input nor a layer before it.");
        }
        refusals.ThrowIfAny();
        if (graph.Inputs.Contains(value)) value = graph.Add("Identity", "y", [value], type: value.Type);
        else if (graph.Find("y") == null) graph.Rename(value, "y");
        graph.AddOutput(value);
        GraphVerifier.Verify(graph);
        return graph;
    }
}
