using EdgeLite.Converter.Importers.TensorFlow.Proto;
using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.TensorFlow;

/// <summary>SavedModel folders (saved_model.pb or .pbtxt, variables/) and checkpoints with a meta graph (.meta beside .index).</summary>
public sealed class SavedModelFormat : IImporter
{
    private const string BinaryFile = "saved_model.pb", TextFile = "saved_model.pbtxt", ServingTag = "serve", DefaultSignature = "serving_default", InitializationSignature = "__saved_model_init_op";

    public string Format => "TensorFlow SavedModel";

    public FormatReference Reference { get; } = new()
    {
        Files = "the folder of a SavedModel or its `saved_model.pb` (`.pbtxt`), TF1 and TF2, with `variables/`; the `.meta` file of a checkpoint beside its `.index`. Loops over the steps of a sequence whose cells are those of LSTM, GRU or a plain RNN (dynamic_rnn, Keras) become these operators; other loops stay loops. Variables that the model assigns are states from run to run. What jax2tf writes with `native_serialization=False` is read (XLA's operators), StableHLO inside a file is not.",
        Tested = "genuine SavedModels of both versions, against a PyTorch rebuild in float64, TensorFlow.js or closed form. Conditions, loops, cases and lists of functions, several signatures, variables that are assigned, XLA's operators, and a meta graph over the variables of a genuine checkpoint: written by hand.",
        LayersOf = TfModel.LayersOf,
        Layers = TfModel.Layers,
    };

    public bool RecognizesFolder(string path) => File.Exists(Path.Combine(path, BinaryFile)) || File.Exists(Path.Combine(path, TextFile));

    /// <summary>saved_model.pb begins with its schema version, 1, and a MetaGraphDef; a .meta file is a MetaGraphDef, which begins with its
    /// MetaInfoDef (any of whose five first fields may come first).</summary>
    public bool Recognizes(string path, ReadOnlySpan<byte> head) =>
        head.Length > 8 && (IsSavedModel(head)
            || head[0] == 0x0a && Inner(head, 1) is 0x0a or 0x12 or 0x1a or 0x22 or 0x2a && File.Exists(Path.ChangeExtension(path, ".index")));

    public Graph Import(string path) => Import(path, (string?)null);

    public Graph Import(string path, IReadOnlyDictionary<string, Shape> shapes, string? signature) => Import(path, signature);

    /// <param name="path">the folder, its saved_model.pb, or the .meta file of a checkpoint</param>
    /// <param name="signature">the signature to import; null: serving_default, or the only one</param>
    public static Graph Import(string path, string? signature)
    {
        bool isFolder = Directory.Exists(path);
        string folder = isFolder ? path : Path.GetDirectoryName(Path.GetFullPath(path))!, binary = isFolder ? Path.Combine(folder, BinaryFile) : path, text = isFolder ? Path.Combine(folder, TextFile) : path;
        if (!isFolder && Path.GetFileName(path) != TextFile && !IsSavedModel(ModelFile.Head(path))) return ImportCheckpoint(path, signature);
        SavedModel saved = Path.GetFileName(text) == TextFile && File.Exists(text) ? ProtoText.Read<SavedModel>(text) : ProtoFile.Read(binary, SavedModel.Parser);
        MetaGraphDef meta = saved.MetaGraphs.FirstOrDefault(m => m.MetaInfoDef?.Tags.Contains(ServingTag) == true) ?? saved.MetaGraphs.FirstOrDefault()
            ?? throw new EdgeLiteException(Status.NotAModel, $"'{path}' holds no graph.");
        string prefix = Path.Combine(folder, "variables", "variables");
        return Import(meta, Path.GetFileName(Path.GetFullPath(folder)), File.Exists(prefix + ".index") ? new TensorBundle(prefix) : null, signature, Path.Combine(folder, "assets"));
    }

    private static bool IsSavedModel(ReadOnlySpan<byte> head) => head is [8, 1, 0x12, ..];

    private static Graph ImportCheckpoint(string path, string? signature) =>
        Import(ProtoFile.Read(path, MetaGraphDef.Parser), Path.GetFileNameWithoutExtension(path), new TensorBundle(Path.ChangeExtension(path, null)), signature);

    private static Graph Import(MetaGraphDef meta, string name, TensorBundle? variables, string? wanted, string? assets = null)
    {
        if (meta.GraphDef == null) throw new EdgeLiteException(Status.NotAModel, $"'{name}' holds no graph.");
        var model = new TfModel(meta.GraphDef, variables == null ? null : variables.Find) { Assets = assets };
        string[] usable = [.. meta.SignatureDef.Where(s => s.Key != InitializationSignature && s.Value.Outputs.Count > 0).Select(s => s.Key).Order(StringComparer.Ordinal)];
        string? key = wanted ?? (usable.Contains(DefaultSignature) ? DefaultSignature : usable.FirstOrDefault());
        if (key != null && !meta.SignatureDef.ContainsKey(key))
            throw new EdgeLiteException(Status.NotFound, $"'{name}' has no signature '{key}'; it has: {string.Join(", ", usable.DefaultIfEmpty("none"))}.");
        Graph graph = key == null ? TfImporter.Import(model, name) : TfImporter.Import(model, name, Ports(meta.SignatureDef[key].Inputs), Ports(meta.SignatureDef[key].Outputs));
        if (key != null) graph.Metadata["tensorflow.signature"] = key;
        if (usable.Length > 1) graph.Metadata["tensorflow.signatures"] = string.Join(",", usable);
        return graph;
    }

    private static TfPort[] Ports(IDictionary<string, TensorInfo> tensors) =>
        [.. tensors.OrderBy(t => t.Key, StringComparer.Ordinal).Select(t => new TfPort(t.Key, t.Value.Name, TfTensors.Type(t.Value.Dtype), TfTensors.Dims(t.Value.TensorShape)))];

    /// <summary>The first byte of a length-delimited field's content; <paramref name="at"/> is where its length begins.</summary>
    private static int Inner(ReadOnlySpan<byte> head, int at)
    {
        while (at < head.Length && head[at] >= 128) at++;
        return at + 1 < head.Length ? head[at + 1] : -1;
    }
}
