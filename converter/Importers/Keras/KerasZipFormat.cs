using System.IO.Compression;
using System.Text.Json;
using EdgeLite.Converter.Ir;
using EdgeLite.Core;
using PureHDF;

namespace EdgeLite.Converter.Importers.Keras;

/// <summary>Keras 3's .keras files (TensorFlow's Keras from 2.12 writes them too): a zip of config.json, metadata.json and model.weights.h5.</summary>
public sealed class KerasZipFormat : IImporter
{
    private const long MaxText = 256L << 20, MaxWeights = 16L << 30;

    public string Format => "Keras 3";

    public FormatReference Reference { get; } = new()
    {
        Files = "`.keras` of Keras 3 (and 2.13): a zip file with config.json and model.weights.h5. Calls of functions (keras.ops, operators, parts of tensors) are layers of the model; the list has them as keras.ops and the name of Keras's class in small letters.",
        Tested = "a genuine model of Keras 3.11 against PyTorch, and 288 small ones of Keras 3.16, one for each layer, function (keras.ops) and setting, against its own results; bicubic resizing by its definition.",
        LayersOf = KerasImporter.LayersOf,
        Layers = ForeignLayers.References<KerasAttribute>(),
    };

    public bool Recognizes(string path, ReadOnlySpan<byte> head)
    {
        if (!head.StartsWith("PK\u0003\u0004"u8)) return false;
        try
        {
            using ZipArchive zip = ZipFile.OpenRead(path);
            return zip.GetEntry("config.json") != null && (zip.GetEntry("model.weights.h5") != null || zip.GetEntry("metadata.json") != null);
        }
        catch (InvalidDataException)
        {
            return false;
        }
    }

    public Graph Import(string path)
    {
        try
        {
            using ZipArchive zip = ZipParts.Open(path);
            string config = System.Text.Encoding.UTF8.GetString(ZipParts.Read(zip, "config.json", MaxText, path));
            string? metadata = zip.GetEntry("metadata.json") == null ? null : System.Text.Encoding.UTF8.GetString(ZipParts.Read(zip, "metadata.json", MaxText, path));
            using HdfFile file = HdfFile.Open(ZipParts.Read(zip, "model.weights.h5", MaxWeights, path), path + ":model.weights.h5");
            return Build(path, config, Folders(file), metadata);
        }
        catch (InvalidDataException e)
        {
            throw new EdgeLiteException(Status.Corrupt, $"'{path}' is a damaged .keras file: {e.Message}", e);
        }
    }

    internal static Graph Build(string path, string config, KerasWeights weights, string? metadata)
    {
        using JsonDocument document = KerasJson.Parse(config, path);
        string? version = null;
        if (metadata != null)
        {
            using JsonDocument stated = KerasJson.Parse(metadata, path);
            version = new KerasConfig(stated.RootElement).Text("keras_version");
        }
        version ??= new KerasConfig(document.RootElement).Text("keras_version") is { Length: > 0 } text ? text : "3";
        return KerasImporter.Import(Path.GetFileNameWithoutExtension(path), new KerasModel(KerasJson.Model(document.RootElement)), weights, KerasOrigin.Of(version, null));
    }

    internal static KerasFolders Folders(HdfFile file)
    {
        var names = new Dictionary<string, string>(StringComparer.Ordinal);
        List<(string Path, IH5Dataset Dataset)> datasets = file.Datasets(file.Root, (at, group) =>
        {
            if (at.EndsWith("/vars/", StringComparison.Ordinal) && group.AttributeExists("name")) names[at[..^6]] = group.Attribute("name").Read<string>();
        });
        return new KerasFolders("", [.. datasets.Select(d => new KerasWeight(d.Path, () => file.ReadTensor(d.Dataset, d.Path)))], names);
    }
}
