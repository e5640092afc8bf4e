using System.Buffers.Binary;
using System.Text;
using EdgeLite.Converter.Importers.TensorFlow.Proto;
using EdgeLite.Core;
using Google.Protobuf;

namespace EdgeLite.Converter.Importers.TensorFlow;

/// <summary>
/// A checkpoint: prefix.index is a table (LevelDB's format, doc/table_format.md) from names to BundleEntryProto, prefix.data-* hold
/// the tensors.
/// </summary>
internal sealed class TensorBundle
{
    private const ulong Magic = 0xdb4775248b80fb57;
    private const int FooterBytes = 48, TrailerBytes = 5;
    private const string ObjectGraphKey = "_CHECKPOINTABLE_OBJECT_GRAPH";

    private readonly Dictionary<string, BundleEntryProto> _entries = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _keys = new(StringComparer.Ordinal);
    private readonly string _prefix;
    private readonly int _shards;

    public TensorBundle(string prefix)
    {
        _prefix = prefix;
        string path = prefix + ".index";
        if (!File.Exists(path)) throw new EdgeLiteException(Status.FileNotFound, $"'{path}' does not exist.");
        byte[] file = File.ReadAllBytes(path);
        if (file.Length < FooterBytes || BinaryPrimitives.ReadUInt64LittleEndian(file.AsSpan(^8)) != Magic)
            throw new EdgeLiteException(Status.NotAModel, $"'{path}' is not the index of a checkpoint.");
        try
        {
            int at = file.Length - FooterBytes;
            Varint(file, ref at);
            Varint(file, ref at);
            (long offset, long size) = ((long)Varint(file, ref at), (long)Varint(file, ref at));
            foreach ((_, byte[] handle) in Block(file, offset, size))
            {
                int h = 0;
                (long blockOffset, long blockSize) = ((long)Varint(handle, ref h), (long)Varint(handle, ref h));
                foreach ((string key, byte[] value) in Block(file, blockOffset, blockSize))
                    if (key.Length == 0)
                    {
                        BundleHeaderProto header = BundleHeaderProto.Parser.ParseFrom(value);
                        if (header.Endianness != 0) throw new EdgeLiteException(Status.Unsupported, $"'{path}' is big-endian, which is not supported.");
                        _shards = header.NumShards;
                    }
                    else _entries[key] = BundleEntryProto.Parser.ParseFrom(value);
            }
        }
        catch (Exception e) when (e is InvalidProtocolBufferException or InvalidDataException)
        {
            throw new EdgeLiteException(Status.Corrupt, $"'{path}' is damaged: {e.Message}", e);
        }
        ReadObjectGraph();
    }

    public IReadOnlyCollection<string> Names => _entries.Keys;

    /// <summary>A tensor by its key, or by the name of the variable that the object graph gives a key; null when there is none.</summary>
    public Tensor? Find(string name)
    {
        if (_keys.TryGetValue(name, out string? key) && _entries.TryGetValue(key, out BundleEntryProto? entry)) return Read(name, entry);
        return _entries.TryGetValue(name, out entry) ? Read(name, entry) : null;
    }

    private Tensor Read(string name, BundleEntryProto entry)
    {
        if (entry.Slices.Count > 0) throw new EdgeLiteException(Status.Unsupported, $"Variable '{name}' is stored in slices, which is not supported.");
        DType type = TfTensors.Type(entry.Dtype);
        long[] dims = TfTensors.Dims(entry.Shape) ?? [];
        if (type is DType.Undefined or DType.String) throw new EdgeLiteException(Status.Unsupported, $"Variable '{name}' is of type {entry.Dtype}, which is not supported.");
        double expected = type.Bits() / 8.0;
        foreach (long d in dims) expected *= d;
        if (dims.Any(d => d < 0) || expected != entry.Size) throw new EdgeLiteException(Status.Corrupt, $"Variable '{name}' of shape [{string.Join(",", dims)}] has {entry.Size} bytes.");
        byte[] data = Bytes(entry);
        var tensor = new Tensor(type, new Shape(dims));
        data.CopyTo(tensor.Bytes);
        return tensor;
    }

    private byte[] Bytes(BundleEntryProto entry)
    {
        string path = $"{_prefix}.data-{entry.ShardId:d5}-of-{_shards:d5}";
        if (!File.Exists(path)) throw new EdgeLiteException(Status.FileNotFound, $"'{path}' does not exist.");
        using FileStream stream = File.OpenRead(path);
        if (entry.Offset < 0 || entry.Size < 0 || entry.Offset > stream.Length - entry.Size || entry.Size > Array.MaxLength)
            throw new EdgeLiteException(Status.Truncated, $"'{path}' has {stream.Length} bytes; {entry.Size} at {entry.Offset} are needed.");
        var data = new byte[entry.Size];
        stream.Position = entry.Offset;
        stream.ReadExactly(data);
        return data;
    }

    /// <summary>Object-based checkpoints name tensors by paths of objects; the object graph tells the variables' own names.</summary>
    private void ReadObjectGraph()
    {
        if (!_entries.TryGetValue(ObjectGraphKey, out BundleEntryProto? entry)) return;
        byte[] data = Bytes(entry);
        // A string tensor of one element: its length, a checksum of four bytes, the characters.
        int at = 0;
        try
        {
            int length = Length(data, ref at);
            if (length > data.Length - at) throw new InvalidDataException($"it states {length} bytes of {data.Length}");
            TrackableObjectGraph graph = TrackableObjectGraph.Parser.ParseFrom(data, data.Length - length, length);
            foreach (TrackableObjectGraph.Types.TrackableObject node in graph.Nodes)
                foreach (TrackableObjectGraph.Types.TrackableObject.Types.SerializedTensor attribute in node.Attributes)
                    if (attribute.FullName.Length > 0) _keys.TryAdd(attribute.FullName, attribute.CheckpointKey);
        }
        catch (Exception e) when (e is InvalidProtocolBufferException or InvalidDataException)
        {
            throw new EdgeLiteException(Status.Corrupt, $"The object graph of checkpoint '{_prefix}' is damaged: {e.Message}", e);
        }
    }

    /// <summary>The entries of a block: keys share their beginning with the one before; restart points and their number follow.</summary>
    private static List<(string Key, byte[] Value)> Block(byte[] file, long offset, long size)
    {
        if (offset < 0 || size < 4 || offset > file.LongLength - size - TrailerBytes) throw new InvalidDataException($"a block of {size} bytes at {offset} lies outside the file");
        ReadOnlySpan<byte> stored = file.AsSpan((int)offset, (int)size);
        byte[] block = file[offset + size] switch
        {
            0 => stored.ToArray(),
            1 => Snappy.Unpack(stored),
            var kind => throw new InvalidDataException($"compression {kind} is not known"),
        };
        if (block.Length < 4) throw new InvalidDataException("a block is too short");
        long restarts = BinaryPrimitives.ReadUInt32LittleEndian(block.AsSpan(^4));
        long end = block.Length - 4 - 4 * restarts;
        if (end < 0) throw new InvalidDataException("a block has more restart points than bytes");
        var entries = new List<(string, byte[])>();
        byte[] key = [];
        int at = 0;
        while (at < end)
        {
            int shared = Length(block, ref at), rest = Length(block, ref at), length = Length(block, ref at);
            if (shared > key.Length || rest > end - at || length > end - at - rest) throw new InvalidDataException("an entry lies outside its block");
            key = [.. key.AsSpan(0, shared), .. block.AsSpan(at, rest)];
            entries.Add((Encoding.UTF8.GetString(key), block.AsSpan(at + rest, length).ToArray()));
            at += rest + length;
        }
        return entries;
    }

    private static int Length(byte[] data, ref int at) => Varint(data, ref at) is <= int.MaxValue and var length ? (int)length : throw new InvalidDataException("a length is too large");

    private static ulong Varint(byte[] data, ref int at)
    {
        ulong value = 0;
        for (int shift = 0; shift < 64 && at < data.Length; shift += 7)
        {
            byte b = data[at++];
            value |= (ulong)(b & 127) << shift;
            if (b < 128) return value;
        }
        throw new InvalidDataException("a number is cut off or too long");
    }
}
