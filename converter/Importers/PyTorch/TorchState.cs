using System.Buffers.Binary;
using System.Text.Json;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.PyTorch;

/// <summary>
/// The parameters of a network by their names ("features.0.weight"), without the network: a state_dict or a whole module that torch.save
/// wrote (a zip archive, or before PyTorch 1.6 pickles and bytes one after the other), or a .safetensors file. Pickles are read as data.
/// </summary>
internal sealed class TorchState
{
    private const int MaxDepth = 100;
    private const int MaxHeader = 100 << 20;

    /// <summary>Where a checkpoint keeps the state_dict beside other things.</summary>
    private static readonly string[] s_inside = ["state_dict", "model_state_dict", "model", "net", "params"];

    private static ReadOnlySpan<byte> LegacyMagic => [0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];

    private readonly List<KeyValuePair<string, Func<Tensor>>> _tensors = [];

    /// <summary>What the file holds, for messages: "a state_dict".</summary>
    public string What { get; private set; } = "a state_dict";

    /// <summary>The parameters in the order of the file.</summary>
    public IReadOnlyList<KeyValuePair<string, Func<Tensor>>> Tensors => _tensors;

    public static bool IsLegacy(ReadOnlySpan<byte> head) => head.StartsWith(LegacyMagic);

    /// <summary>A .safetensors file: the length of a JSON object, then the object.</summary>
    public static bool IsSafeTensors(ReadOnlySpan<byte> head) =>
        head.Length > 10 && BinaryPrimitives.ReadUInt64LittleEndian(head) is > 1 and < MaxHeader && head[8] == '{' && head[9] is (byte)'"' or (byte)'}';

    public static TorchState Read(string path)
    {
        var state = new TorchState();
        using (FileStream stream = File.OpenRead(path))
        {
            var head = new byte[Math.Min(16, stream.Length)];
            stream.ReadExactly(head);
            if (IsSafeTensors(head)) state.ReadSafeTensors(path, stream);
            else if (IsLegacy(head)) state.Take(new TorchLegacyFile(path).Root);
            else
            {
                // Its storages are read when they are needed, so the archive stays open as long as the state lives.
                var archive = new TorchArchive(path);
                if (!archive.Has("data.pkl")) throw new EdgeLiteException(Status.Corrupt, $"'{path}' has no data.pkl; it was not written by torch.save.");
                state.Take(archive.Unpickle("data.pkl", "data/"));
            }
        }
        return state;
    }

    private void Take(object? root)
    {
        if (root is PickleObject o) What = $"a pickled Python object of class {o.Type.FullName}, whose code is not in the file";
        else if (root is PickleDict dict)
        {
            if (!dict.Items.Any(i => i.Value is TorchTensor))
                foreach (string key in s_inside)
                    if (dict.Find(key) is PickleDict or PickleObject) { root = dict.Find(key); break; }
        }
        else What = "a pickled value";
        Collect(root, "", 0);
        if (_tensors.Count > 0 && _tensors.All(t => t.Key.StartsWith("module.", StringComparison.Ordinal))) // DataParallel wraps the network
            for (int i = 0; i < _tensors.Count; i++) _tensors[i] = new(_tensors[i].Key["module.".Length..], _tensors[i].Value);
    }

    /// <summary>A module keeps tensors in _parameters and _buffers, and modules in _modules.</summary>
    private void Collect(object? value, string path, int depth)
    {
        if (depth > MaxDepth) throw new EdgeLiteException(Status.Corrupt, "The modules of the file nest too deeply.");
        switch (value)
        {
            case TorchTensor t:
                if (t.Name.Length == 0) t.Name = path;
                _tensors.Add(new(path, () => t.Dense));
                break;
            case PickleDict dict:
                foreach ((object? key, object? item) in dict.Items)
                    if (key is string name) Collect(item, path.Length > 0 ? $"{path}.{name}" : name, depth + 1);
                break;
            case PickleObject { State: PickleDict members }:
                foreach (string kind in new[] { "_parameters", "_buffers", "_modules" }) Collect(members.Find(kind), path, depth + 1);
                break;
        }
    }

    /// <summary>{"name": {"dtype": "F32", "shape": [..], "data_offsets": [from, to]}}, offsets from the end of the object.</summary>
    private void ReadSafeTensors(string path, FileStream stream)
    {
        try
        {
            stream.Position = 0;
            var length = new byte[8];
            stream.ReadExactly(length);
            long size = BinaryPrimitives.ReadInt64LittleEndian(length);
            if (size > stream.Length - 8) throw new EdgeLiteException(Status.Truncated, $"'{path}' ends within its table of tensors.");
            var header = new byte[size];
            stream.ReadExactly(header);
            using JsonDocument document = JsonDocument.Parse(header);
            foreach (JsonProperty entry in document.RootElement.Members())
            {
                if (entry.Name == "__metadata__") continue;
                string dtype = entry.Value.Field("dtype").Text() ?? "";
                DType type = dtype switch
                {
                    "F32" => DType.Float32, "F16" => DType.Float16, "BF16" => DType.BFloat16, "F64" => DType.Float64, "I64" => DType.Int64, "I32" => DType.Int32,
                    "I16" => DType.Int16, "I8" => DType.Int8, "U8" => DType.UInt8, "BOOL" => DType.Bool,
                    _ => throw new EdgeLiteException(Status.Unsupported, $"Tensor '{entry.Name}' of '{path}' has elements of type {dtype}, which is not supported."),
                };
                var shape = new Shape([.. entry.Value.Field("shape").Items().Select(d => d.Whole())]);
                long[] offsets = [.. entry.Value.Field("data_offsets").Items().Select(d => d.Whole())];
                if (offsets.Length != 2 || offsets[0] < 0 || offsets[1] > stream.Length - 8 - size || shape.AsSpan().IndexOfAnyExceptInRange(0, int.MaxValue) >= 0
                    || offsets[1] - offsets[0] != type.ByteLength(shape.Count))
                    throw new EdgeLiteException(Status.Corrupt, $"Tensor '{entry.Name}' of '{path}' does not lie in the file as its shape {shape} wants.");
                _tensors.Add(new(entry.Name, () => Load(path, 8 + size + offsets[0], type, shape)));
            }
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException or ArgumentException or OverflowException)
        {
            throw new EdgeLiteException(Status.Corrupt, $"'{path}' has a damaged table of tensors: {e.Message}", e);
        }
    }

    private static Tensor Load(string path, long offset, DType type, Shape shape)
    {
        var tensor = new Tensor(type, shape);
        using FileStream stream = File.OpenRead(path);
        stream.Position = offset;
        stream.ReadExactly(tensor.Bytes);
        return tensor;
    }
}

/// <summary>What torch.save wrote before PyTorch 1.6: pickles of a magic number, the protocol, facts about the system, the object and the
/// list of its storages, then for each of those a count (int64) and its elements (torch/serialization.py, _legacy_save).</summary>
internal sealed class TorchLegacyFile
{
    public object? Root { get; }

    public TorchLegacyFile(string path)
    {
        long length = new FileInfo(path).Length;
        if (length > Array.MaxLength) throw new EdgeLiteException(Status.Unsupported, $"'{path}' is larger than 2 GB; save it again with PyTorch 1.6 or newer.");
        byte[] file = File.ReadAllBytes(path);
        var storages = new Dictionary<string, TorchStorage>(StringComparer.Ordinal);
        var places = new Dictionary<string, (int At, long Bytes)>(StringComparer.Ordinal);
        int at = 0;
        for (int i = 0; i < 3; i++) Next();
        Root = Next();
        if (Next() is not List<object?> keys) throw new EdgeLiteException(Status.Corrupt, $"'{path}' has no list of storages.");
        foreach (object? key in keys)
        {
            if (key is not string name || !storages.TryGetValue(name, out TorchStorage? storage) || at + 8 > file.Length)
                throw new EdgeLiteException(Status.Truncated, $"'{path}' ends within its storages.");
            long bytes = checked(BinaryPrimitives.ReadInt64LittleEndian(file.AsSpan(at)) * storage.DType.Size() * (storage.IsComplex ? 2 : 1));
            at += 8;
            if (bytes < 0 || bytes > file.Length - at) throw new EdgeLiteException(Status.Truncated, $"'{path}' ends within its storages.");
            places[name] = (at, bytes);
            at += (int)bytes;
        }

        object? Next()
        {
            object? value = new Pickle(file[at..], Persistent, TorchArchive.Reduce).Load(out int used);
            at += used;
            return value;
        }

        // ('storage', <class FloatStorage>, key, location, number of elements, view)
        object? Persistent(object? id)
        {
            if (id is not PickleTuple { Items: [string, PickleGlobal type, string key, _, long count, ..] items }) throw new EdgeLiteException(Status.Corrupt, $"'{path}' refers to something that is no storage.");
            if (items.Length > 5 && items[5] is not null) throw new EdgeLiteException(Status.Unsupported, $"'{path}' holds a storage that is a view of another one; save it again with PyTorch 1.6 or newer.");
            if (!storages.TryGetValue(key, out TorchStorage? storage))
                storages[key] = storage = TorchStorage.Of(type.Name, count, () => places.TryGetValue(key, out var place) ? file[place.At..(int)(place.At + place.Bytes)]
                    : throw new EdgeLiteException(Status.Corrupt, $"'{path}' lacks the storage '{key}'."));
            return storage;
        }
    }
}
