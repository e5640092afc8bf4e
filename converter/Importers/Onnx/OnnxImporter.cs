using System.Globalization;
using EdgeLite.Converter.Importers.Onnx.Proto;
using EdgeLite.Converter.Ir;
using EdgeLite.Core;
using Google.Protobuf;

namespace EdgeLite.Converter.Importers.Onnx;

/// <summary>
/// Reads ONNX models, operator sets 1 to 28. Nodes are rewritten to the newest semantics, functions of the model are expanded,
/// subgraphs are closed (outer names become inputs), Constant nodes and initializers become constants. Inputs that have an
/// initializer are constants. Sequences and optional values are lists of tensors; maps are not supported, but a ZipMap at the end
/// of a classifier is dropped so that its scores come out as a tensor.
/// </summary>
public static class OnnxImporter
{
    /// <summary>The newest operator set whose semantics are known here.</summary>
    public const long NewestOpset = 28;

    private const int RecursionLimit = 200;

    public static Graph Import(string path)
    {
        ModelProto model = Parse(path);
        return Import(model, Path.GetDirectoryName(Path.GetFullPath(path)));
    }

    /// <param name="model">The model.</param>
    /// <param name="folder">Where external data lies; null when there is none.</param>
    public static Graph Import(ModelProto model, string? folder)
    {
        if (model.Graph == null) throw new EdgeLiteException(Status.NotAModel, "This is not an ONNX model: it holds no graph.");
        var context = new OnnxModelContext(model, folder);
        var graph = new Graph(model.Graph.HasName && model.Graph.Name.Length > 0 ? model.Graph.Name : "model");
        var scope = new OnnxScope(context, graph, context.Opsets);
        scope.ReadGraph(model.Graph);
        AddMetadata(model, graph);
        GraphVerifier.Verify(graph);
        return graph;
    }

    /// <summary>Reads the file without building a graph of it.</summary>
    public static ModelProto Parse(string path)
    {
        try
        {
            using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16, FileOptions.SequentialScan);
            return Parse(stream, path);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new EdgeLiteException(Status.FileNotFound, $"'{path}' does not exist.", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new EdgeLiteException(Status.IoError, $"'{path}' cannot be read: {e.Message}", e);
        }
    }

    public static ModelProto Parse(Stream stream, string name)
    {
        ModelProto model;
        try
        {
            model = ModelProto.Parser.ParseFrom(ProtoFile.Open(stream, name, RecursionLimit));
        }
        catch (InvalidProtocolBufferException e)
        {
            throw new EdgeLiteException(Status.Corrupt, $"'{name}' is not an ONNX model, or it is damaged: {e.Message}", e);
        }
        if (model.Graph == null || (!model.HasIrVersion && model.Graph.Node.Count == 0 && model.Graph.Output.Count == 0))
            throw new EdgeLiteException(Status.NotAModel, $"'{name}' is not an ONNX model: it holds no graph.");
        return model;
    }

    private static void AddMetadata(ModelProto model, Graph graph)
    {
        foreach (StringStringEntryProto entry in model.MetadataProps) graph.Metadata[entry.Key] = entry.Value;
        Add("producer_name", model.ProducerName);
        Add("producer_version", model.ProducerVersion);
        Add("domain", model.Domain);
        Add("doc_string", model.DocString);
        if (model.HasModelVersion && model.ModelVersion != 0) Add("model_version", model.ModelVersion.ToString(CultureInfo.InvariantCulture));

        void Add(string key, string value)
        {
            if (value.Length > 0) graph.Metadata.TryAdd(key, value);
        }
    }
}

/// <summary>What all graphs of one model share while they are read.</summary>
internal sealed class OnnxModelContext
{
    private const int MaxNodes = 1_000_000;
    private readonly Dictionary<(string Domain, string Name, string Overload), FunctionProto> _functions = [];
    private readonly HashSet<string> _nodeNames = [];
    private int _nodes;

    public OnnxModelContext(ModelProto model, string? folder)
    {
        Folder = folder;
        IrVersion = model.HasIrVersion ? model.IrVersion : 3;
        Opsets = ReadOpsets(model.OpsetImport);
        if (model.OpsetImport.Count == 0) Opsets[""] = 1;
        foreach (FunctionProto function in model.Functions)
            _functions[(Domain(function.Domain), function.Name, function.Overload)] = function;
    }

    public string? Folder { get; }
    public long IrVersion { get; }
    public Dictionary<string, long> Opsets { get; }

    /// <summary>Functions being expanded now; a function may not call itself.</summary>
    public HashSet<FunctionProto> Expanding { get; } = [];

    public static string Domain(string domain) => domain == "ai.onnx" ? "" : domain;

    public FunctionProto? FindFunction(NodeProto node) =>
        _functions.Count == 0 ? null : _functions.GetValueOrDefault((Domain(node.Domain), node.OpType, node.Overload));

    public static Dictionary<string, long> ReadOpsets(IEnumerable<OperatorSetIdProto> imports)
    {
        var opsets = new Dictionary<string, long>();
        foreach (OperatorSetIdProto import in imports)
        {
            string domain = Domain(import.Domain);
            if (domain.Length == 0 && import.Version > OnnxImporter.NewestOpset)
                throw new EdgeLiteException(Status.NewerVersion,
                    $"The model uses operator set {import.Version} of ONNX; {OnnxImporter.NewestOpset} is the newest one known here.");
            if (import.Version < 1) throw new EdgeLiteException(Status.Corrupt, $"The model uses operator set {import.Version} of domain '{OnnxTensor.Clean(domain)}'.");
            opsets[domain] = import.Version;
        }
        return opsets;
    }

    /// <summary>A name for a node that no other node of the model has.</summary>
    public string NodeName(string given, string fallback)
    {
        if (++_nodes > MaxNodes) throw new EdgeLiteException(Status.Unsupported, $"The model has more than {MaxNodes} nodes once its functions are expanded.");
        string name = given.Length > 0 ? given : fallback;
        if (_nodeNames.Add(name)) return name;
        int i = 1;
        while (!_nodeNames.Add($"{name}_{i}")) i++;
        return $"{name}_{i}";
    }

    /// <summary>The type that a file declares, its dimensions named in <paramref name="graph"/> (unknown where null).</summary>
    public static TensorType Type(TypeProto? type, Graph? graph, string name)
    {
        if (type == null) return default;
        TensorShapeProto? shape;
        int element;
        switch (type.ValueCase)
        {
            case TypeProto.ValueOneofCase.TensorType:
                (element, shape) = (type.TensorType.ElemType, type.TensorType.Shape);
                break;
            case TypeProto.ValueOneofCase.SparseTensorType:
                (element, shape) = (type.SparseTensorType.ElemType, type.SparseTensorType.Shape);
                break;
            case TypeProto.ValueOneofCase.None: return default;
            case TypeProto.ValueOneofCase.SequenceType: return List(type.SequenceType.ElemType, ValueKind.Sequence, "sequence");
            case TypeProto.ValueOneofCase.MapType: throw NotSupported("map");
            case TypeProto.ValueOneofCase.OptionalType: return List(type.OptionalType.ElemType, ValueKind.Optional, "optional");
            default: throw NotSupported("opaque");
        }
        DType dtype = element == 0 ? DType.Undefined : OnnxTensor.ElementType(element, name);
        if (shape == null) return new TensorType(dtype, Shape.Unranked);
        if (shape.Dim.Count > Shape.MaxRank)
            throw OnnxTensor.Bad(name, Status.Unsupported, $"it has {shape.Dim.Count} dimensions; at most {Shape.MaxRank} are supported");
        long[] dims = [.. shape.Dim.Select(d => d.ValueCase switch
        {
            TensorShapeProto.Types.Dimension.ValueOneofCase.DimValue => d.DimValue >= 0 ? d.DimValue : Shape.Unknown,
            // Some exporters write what stands for any size, the same in all places.
            TensorShapeProto.Types.Dimension.ValueOneofCase.DimParam when graph != null && d.DimParam is not ("" or "?" or "-1" or "None") => graph.SymbolDim(d.DimParam),
            _ => Shape.Unknown,
        })];
        return new TensorType(dtype, new Shape(dims));

        TensorType List(TypeProto? content, ValueKind kind, string what)
        {
            TensorType inner = Type(content, graph, name);
            if (inner.Kind >= kind) throw NotSupported($"{what} of {inner}");
            return inner with { Kind = inner.Kind | kind };
        }

        EdgeLiteException NotSupported(string kind) =>
            new(Status.Unsupported, $"Value '{OnnxTensor.Clean(name)}': {kind} values are not supported yet.");
    }
}
