using System.Text.Json;
using EdgeLite.Converter.Ir;
using EdgeLite.Core;
using PureHDF;

namespace EdgeLite.Converter.Importers.Keras;

/// <summary>
/// Keras models in HDF5 (Keras 1 to 3, <c>model.save("x.h5")</c>). A file of weights alone needs its architecture beside it:
/// <c>model.to_json()</c> in a .json file of the same name, or the only .json file of the folder that holds one.
/// </summary>
public sealed class KerasH5Format : IImporter
{
    public string Format => "Keras HDF5";

    public FormatReference Reference { get; } = new()
    {
        Files = "`.h5` of Keras 1 to 3: Sequential, functional and nested models; weights alone with the architecture in a `.json` file beside them. Recognised by HDF5's signature and Keras's attributes. channels_first and channels_last; saved under TensorFlow, Theano (flipped kernels) or CNTK. What tf.keras 2 records of calls of TensorFlow's functions is read as these functions (tf.math.add and so on in the list).",
        Tested = "genuine models of Keras 1, 2 and 3 and 220 single layers against their stored predictions, Keras 2.3.1 on Theano and TensorFlow.js; 60 random models of Keras 2.3.1 on Theano, nested, shared, bidirectional and stateful layers included, and stacked cells of 2.1.6 (outside the test suite 100 more). None saved under CNTK. A stateful LSTM: a genuine file whose configuration was changed in place. Calls of TensorFlow's functions in models of tf.keras 2 (TFOpLambda, SlicingOpLambda, TensorFlowOpLayer): hand-made files, in the form that published ones have.",
        LayersOf = KerasImporter.LayersOf,
        Layers = ForeignLayers.References<KerasAttribute>(),
    };

    public bool Recognizes(string path, ReadOnlySpan<byte> head) => HdfFile.HasSignature(head);

    public Graph Import(string path) => Import(path, new Dictionary<string, Shape>());

    public Graph Import(string path, IReadOnlyDictionary<string, Shape> shapes)
    {
        using HdfFile file = HdfFile.Open(path);
        string? json = file.Text(file.Root, "model_config");
        if (json == null && (file.Exists(file.Root, "layers") || file.Exists(file.Root, "_layer_checkpoint_dependencies")))
            return KerasZipFormat.Build(path, FindArchitecture(path), KerasZipFormat.Folders(file), null);
        IH5Group root = file.Exists(file.Root, "model_weights") ? file.Read(() => file.Root.Group("model_weights")) : file.Root;
        if (json == null && file.Texts(root, "layer_names").Length == 0)
            throw new EdgeLiteException(Status.NotAModel, $"'{path}' is an HDF5 file, but holds no Keras model (no attribute model_config or layer_names).");
        json ??= FindArchitecture(path);
        string? version = file.Text(file.Root, "keras_version") ?? file.Text(root, "keras_version"), backend = file.Text(file.Root, "backend") ?? file.Text(root, "backend");
        using JsonDocument document = KerasJson.Parse(json, path);
        JsonElement model = KerasJson.Model(document.RootElement);
        version ??= new KerasConfig(document.RootElement).Text("keras_version") is { Length: > 0 } stated ? stated : null;
        backend ??= new KerasConfig(document.RootElement).Text("backend") is { Length: > 0 } named ? named : null;
        return KerasImporter.Import(Path.GetFileNameWithoutExtension(path), new KerasModel(model), Weights(file, root), KerasOrigin.Of(version, backend), shapes);
    }

    /// <summary>A group for each layer, whose attribute weight_names gives the order.</summary>
    private static NamedWeights Weights(HdfFile file, IH5Group root)
    {
        var groups = new Dictionary<string, IReadOnlyList<KerasWeight>>(StringComparer.Ordinal);
        var all = new List<KerasWeight>();
        foreach (string layer in file.Texts(root, "layer_names"))
        {
            IH5Group group = file.Read(() => root.Group(layer));
            KerasWeight[] weights = [.. file.Texts(group, "weight_names").Select(name => new KerasWeight(name,
                () => file.ReadTensor(file.Read(() => group.Dataset(name)), $"{layer}/{name}")))];
            groups[layer] = weights;
            all.AddRange(weights);
        }
        return new NamedWeights(all, groups);
    }

    private static string FindArchitecture(string path)
    {
        string same = Path.ChangeExtension(path, ".json"), folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        string[] candidates = File.Exists(same) ? [same] : [.. Directory.EnumerateFiles(folder, "*.json").Take(64).Where(KerasJson.LooksLikeModel)];
        if (candidates.Length == 1) return KerasJson.ReadText(candidates[0]);
        throw new EdgeLiteException(Status.NotAModel,
            $"'{path}' holds weights without an architecture{(candidates.Length > 1 ? $", and {candidates.Length} .json files beside it may be it" : "")}. Put the text of model.to_json() beside it as '{Path.GetFileName(same)}'.");
    }
}
