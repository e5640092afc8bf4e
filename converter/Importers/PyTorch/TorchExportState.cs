using System.Text.Json;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.PyTorch;

/// <summary>The tensors of an exported program: an entry each, told by a JSON index (from PyTorch 2.9 on), or a dictionary that torch.save
/// wrote, as an archive inside the archive.</summary>
internal sealed class TorchExportState
{
    private readonly string _path;
    private readonly TorchArchive _archive;
    private readonly Dictionary<string, TorchTensor> _tensors = new(StringComparer.Ordinal);

    public TorchExportState(string path, TorchArchive archive, string model)
    {
        (_path, _archive) = (path, archive);
        foreach (string kind in new[] { "weights", "constants" })
        {
            string folder = $"data/{kind}/", index = $"{folder}{model}_{kind}_config.json", saved = $"{folder}{model}.pt";
            if (archive.Has(index)) ReadIndex(index, folder);
            else if (archive.Has(saved)) ReadSaved(saved);
        }
        foreach (string entry in new[] { "serialized_state_dict", "serialized_constants" })
            foreach (string extension in new[] { ".pt", ".json" })
                if (archive.Has(entry + extension)) ReadSaved(entry + extension);
    }

    public TorchTensor Find(string name) => _tensors.TryGetValue(name, out TorchTensor? tensor) ? tensor
        : throw new EdgeLiteException(Status.Corrupt, $"'{_path}' lacks the tensor '{name}' that its program uses.");

    /// <summary>torch/_export/serde/schema.py numbers element types from 1 on, otherwise as c10/core/ScalarType.h.</summary>
    public static DType ElementType(long number, string name) => number is >= 1 and <= 16 ? TorchArchive.ScalarType(CodeOf(number))
        : throw new EdgeLiteException(Status.Unsupported, $"Tensor '{name}' has element type number {number} of torch.export, which is not supported.");

    /// <summary>The number that operators take: those of the schema are one more up to bfloat16, which is 15 there.</summary>
    public static long CodeOf(long number) => number == 13 ? 15 : number - 1;

    private void ReadIndex(string index, string folder)
    {
        using JsonDocument document = JsonDocument.Parse(_archive.Bytes(index));
        foreach (JsonProperty payload in document.RootElement.Field("config").Members())
        {
            JsonElement value = payload.Value;
            string entry = folder + TorchExportCode.Text(value, "path_name");
            if (value.TryField("use_pickle", out JsonElement pickled) && pickled.ValueKind == JsonValueKind.True)
            {
                // A custom object or a tensor subclass; whoever needs it is told that it is not there.
                continue;
            }
            JsonElement meta = value.Field("tensor_meta");
            DType type = ElementType(meta.Field("dtype").Whole(), payload.Name);
            long[] sizes = Numbers(meta, "sizes"), strides = Numbers(meta, "strides");
            long count = 1;
            foreach (long size in sizes) count = checked(count * size);
            _tensors[payload.Name] = new TorchTensor(new TorchStorage(type, count, () => _archive.Bytes(entry)), Number(meta.Field("storage_offset")), sizes, strides) { Name = payload.Name };
        }
    }

    private static long[] Numbers(JsonElement meta, string name) => [.. meta.Field(name).Items().Select(Number)];

    private static long Number(JsonElement symInt) => symInt.Field("as_int").Whole();

    private void ReadSaved(string entry)
    {
        byte[] bytes = _archive.Bytes(entry);
        if (bytes.Length == 0) return;
        // Its storages are read when they are needed, so it stays open as long as the tensors live.
        var inner = new TorchArchive($"{_path}:{entry}", new MemoryStream(bytes));
        if (inner.Unpickle("data.pkl", "data/") is not PickleDict dict) return;
        foreach ((object? key, object? value) in dict.Items)
        {
            if (key is not string name || value is not TorchTensor tensor) continue;
            if (tensor.Name.Length == 0) tensor.Name = name;
            _tensors[name] = tensor;
        }
    }
}
