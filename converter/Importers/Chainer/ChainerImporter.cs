using System.Text;
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
    private const long MaxText = 16L << 20;
    private const int MaxLayers = 10_000;

    public string Format => "Chainer";

    public FormatReference Reference { get; } = new()
    {
        Files = "a small `.json` with `\"format\": \"chainer\"` and, beside it, the parameters that `save_npz` wrote, which do not tell the architecture: `{\"format\": \"chainer\", \"parameters\": \"model.npz\", \"input\": {\"name\": \"x\", \"shape\": [null, 3, 16, 16]}, \"layers\": [{\"type\": \"Convolution2D\", \"name\": \"conv1\", \"stride\": 2, \"pad\": 1}, {\"type\": \"relu\"}]}`. Layers form a chain; settings have Chainer's names, a link's name is its path in the `.npz`, `null` is a free size.",
        Tested = "genuine parameters of waifu2x-chainer (VGG7) and of a small CNN written by Chainer 7.8.1, against Chainer's own results; the JSON is ours.",
        LayersOf = "Chainer's links and functions",
        Layers = ForeignLayers.References<ChainerAttribute>(),
    };

    public bool Recognizes(string path, ReadOnlySpan<byte> head)
    {
        string text = Encoding.UTF8.GetString(head).TrimStart('\uFEFF', ' ', '\t', '\r', '\n');
        if (!text.StartsWith('{')) return false;
        string dense = string.Concat(text.Where(c => !char.IsWhiteSpace(c)));
        return dense.Contains("\"format\":\"chainer\"", StringComparison.Ordinal);
    }

    public Graph Import(string path)
    {
        if (new FileInfo(path).Length > MaxText) throw new EdgeLiteException(Status.Unsupported, $"'{path}' is larger than an architecture can be.");
        try
        {
            using JsonDocument document = JsonDocument.Parse(File.ReadAllText(path));
            return Build(path, document.RootElement);
        }
        catch (Exception e) when (e is JsonException or OverflowException or FormatException or ArgumentException or InvalidOperationException or KeyNotFoundException or IndexOutOfRangeException or DivideByZeroException)
        {
            throw new EdgeLiteException(Status.Corrupt, $"'{path}' is no architecture of Chainer, or contradicts itself: {e.Message}", e);
        }
    }

    private static Graph Build(string path, JsonElement root)
    {
        JsonElement[] layers = [.. root.GetProperty("layers").EnumerateArray().Take(MaxLayers + 1)];
        if (layers.Length is 0 or > MaxLayers) throw new EdgeLiteException(Status.Corrupt, $"'{path}' has no layers, or more than {MaxLayers}.");
        string[] unknown = [.. layers.Select(l => l.GetProperty("type").GetString() ?? "").Where(t => !ChainerLayers.All.ContainsKey(t)).Distinct()];
        if (unknown.Length > 0) throw new EdgeLiteException(Status.UnknownOperator, $"'{path}' has layers that have no conversion: {string.Join(", ", unknown)}. Export the model with onnx-chainer instead.");
        string file = root.GetProperty("parameters").GetString() ?? "";
        if (file.Length == 0 || Path.GetFileName(file) != file) throw new EdgeLiteException(Status.InvalidArgument, $"'{path}': \"parameters\" must name a file in the same folder.");
        var parameters = NpzFile.Read(Path.Combine(Path.GetDirectoryName(Path.GetFullPath(path))!, file)).ToDictionary(p => p.Key, p => p.Value, StringComparer.Ordinal);

        var graph = new Graph(Path.GetFileNameWithoutExtension(path));
        JsonElement input = root.GetProperty("input");
        long[] dims = [.. input.GetProperty("shape").EnumerateArray().Select((d, i) => d.ValueKind == JsonValueKind.Null ? graph.SymbolDim(i == 0 ? "N" : $"size{i}") : d.GetInt64())];
        string name = input.TryGetProperty("name", out JsonElement given) ? given.GetString() ?? "x" : "x";
        Value value = graph.AddInput(name, new TensorType(DType.Float32, new Shape(dims)));
        for (int i = 0; i < layers.Length; i++) value = ChainerLayers.All[layers[i].GetProperty("type").GetString()!](new ChainerLayer(graph, layers[i], i, value, parameters));
        if (graph.Inputs.Contains(value)) value = graph.Add("Identity", "y", [value], type: value.Type);
        else if (graph.Find("y") == null) graph.Rename(value, "y");
        graph.AddOutput(value);
        GraphVerifier.Verify(graph);
        return graph;
    }
}
