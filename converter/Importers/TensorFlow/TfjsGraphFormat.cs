using System.Text.Json;
using EdgeLite.Converter.Importers.TensorFlow.Proto;
using EdgeLite.Converter.Ir;
using EdgeLite.Core;
using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace EdgeLite.Converter.Importers.TensorFlow;

/// <summary>TensorFlow.js graph-models: model.json, whose topology is a GraphDef in protobuf's JSON form, and weight files beside it.</summary>
public sealed class TfjsGraphFormat : IImporter
{
    private const int RecursionLimit = 100;

    public string Format => "TensorFlow.js graph-model";

    public FormatReference Reference { get; } = new()
    {
        Files = "`model.json` of format graph-model and its shards; quantized weights (uint8, uint16, float16). Lists of weights alone (face-api) are refused with what to do.",
        Tested = "50 genuine models (face, pose and hand detection, object detection with its suppression of boxes, video matting, classification) against TensorFlow.js.",
        LayersOf = TfModel.LayersOf,
        Layers = TfModel.Layers,
    };

    /// <summary>A JSON object that says so, or has a topology of nodes (older converters leave the format out).</summary>
    public bool Recognizes(string path, ReadOnlySpan<byte> head)
    {
        if (IsManifest(head)) return true;
        if (head.IndexOf("\"modelTopology\""u8) < 0 && head.IndexOf("\"graph-model\""u8) < 0 || head.TrimStart(" \t\r\n"u8).IndexOf((byte)'{') != 0) return false;
        if (head.IndexOf("\"graph-model\""u8) >= 0) return true;
        if (head.IndexOf("\"layers-model\""u8) >= 0 || head.IndexOf("\"model_config\""u8) >= 0) return false;
        return head.IndexOf("\"node\""u8) >= 0 && head.IndexOf("\"op\""u8) >= 0;
    }

    /// <summary>A list of weights alone, as programs load that hold the architecture themselves.</summary>
    private static bool IsManifest(ReadOnlySpan<byte> head) =>
        head.TrimStart(" \t\r\n"u8).StartsWith("["u8) && head.IndexOf("\"weights\""u8) >= 0 && head.IndexOf("\"dtype\""u8) >= 0;

    public Graph Import(string path)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(File.ReadAllText(path), new JsonDocumentOptions { MaxDepth = RecursionLimit });
            if (document.RootElement.ValueKind == JsonValueKind.Array) throw NoArchitecture(document.RootElement, path);
            return Import(document.RootElement, path);
        }
        catch (Exception e) when (e is JsonException or InvalidJsonException or InvalidProtocolBufferException or InvalidOperationException or FormatException)
        {
            throw new EdgeLiteException(Status.Corrupt, $"'{path}' is not a readable TensorFlow.js model: {e.Message}", e);
        }
        catch (FileNotFoundException e)
        {
            throw new EdgeLiteException(Status.FileNotFound, $"'{path}' does not exist.", e);
        }
        catch (IOException e)
        {
            throw new EdgeLiteException(Status.IoError, $"'{path}' cannot be read: {e.Message}", e);
        }
    }

    private static EdgeLiteException NoArchitecture(JsonElement root, string path)
    {
        string[] names = [.. root.Items().SelectMany(g => g.Field("weights").Items()).Select(w => w.Field("name").Text()!)];
        return new EdgeLiteException(Status.Unsupported, $"'{path}' is a list of {names.Length} weights of TensorFlow.js ({string.Join(", ", names.Take(6))}{(names.Length > 6 ? ", ..." : "")}); the architecture is missing, it is in the program that loads them. Save the whole model there (model.save for layers-models) and convert that.");
    }

    private static Graph Import(JsonElement root, string path)
    {
        var parser = new JsonParser(JsonParser.Settings.Default.WithIgnoreUnknownFields(true).WithTypeRegistry(TypeRegistry.Empty));
        GraphDef graph = parser.Parse<GraphDef>(root.Field("modelTopology").GetRawText());
        foreach (NodeDef node in graph.Node) Narrow(node);
        foreach (FunctionDef function in graph.Library?.Function ?? [])
            foreach (NodeDef node in function.NodeDef) Narrow(node);
        Dictionary<string, Tensor> weights = TfjsWeights.Read(root, path);
        SignatureDef? signature = null;
        if (root.TryField("signature", out JsonElement s) && s.ValueKind == JsonValueKind.Object
            || root.TryField("userDefinedMetadata", out JsonElement user) && user.ValueKind == JsonValueKind.Object && user.TryField("signature", out s) && s.ValueKind == JsonValueKind.Object)
            signature = parser.Parse<SignatureDef>(s.GetRawText());

        var model = new TfModel(graph, constants: weights);
        TfPort[]? outputs = signature == null ? null : Ports(signature.Outputs.Values.Where(o => model.Main.Find(TfSource.Parse(o.Name).Node) != null));
        TfPort[]? inputs = signature == null || signature.Inputs.Count == 0 ? null
            : Ports(signature.Inputs.Values.Where(i => model.Main.Find(TfSource.Parse(i.Name).Node) is { } node && node.Op.StartsWith("Placeholder", StringComparison.Ordinal)));
        return TfImporter.Import(model, Path.GetFileNameWithoutExtension(path), inputs is { Length: > 0 } ? inputs : null, outputs is { Length: > 0 } ? outputs : null);
    }

    /// <summary>TensorFlow.js has neither float64 nor int64: it computes with float32 and int32 whatever the graph says.</summary>
    private static void Narrow(NodeDef node)
    {
        foreach (AttrValue attr in node.Attr.Values)
            if (attr.ValueCase == AttrValue.ValueOneofCase.Type)
                attr.Type = attr.Type switch { DataType.DtDouble or DataType.DtHalf => DataType.DtFloat, DataType.DtInt64 => DataType.DtInt32, var same => same };
    }

    /// <summary>Named as TensorFlow.js names them: by the node, with a number for any but its first output.</summary>
    private static TfPort[] Ports(IEnumerable<TensorInfo> tensors) => [.. tensors.Select(t =>
    {
        (string node, int output) = TfSource.Parse(t.Name);
        return new TfPort(output == 0 ? node : $"{node}:{output}", t.Name, TfTensors.Type(t.Dtype), TfTensors.Dims(t.TensorShape));
    })];
}
