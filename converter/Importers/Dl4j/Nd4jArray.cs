using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.Dl4j;

/// <summary>
/// Reads an array that Nd4j.write wrote: two buffers, the shape and the elements, big-endian. A buffer is the name of its allocation
/// mode, its length (32 bits for the first three modes, else 64), the name of its type, its elements (nd4j's BaseDataBuffer.write).
/// Texts have their length in two bytes before them, as Java's DataOutputStream.writeUTF writes them.
/// </summary>
internal sealed class Nd4jArray(byte[] data, string name)
{
    private const int MaxNesting = 4;
    private int _at;

    /// <summary>The elements in the order in which they lie.</summary>
    public static float[] Read(byte[] data, string name)
    {
        var reader = new Nd4jArray(data, name);
        reader.Buffer(0);
        return reader.Buffer(0);
    }

    private float[] Buffer(int nesting)
    {
        string mode = Text();
        long length = mode is "DIRECT" or "HEAP" or "JAVACPP" ? BinaryPrimitives.ReadInt32BigEndian(Take(4))
            : mode is "LONG_SHAPE" or "MIXED_DATA_TYPES" ? BinaryPrimitives.ReadInt64BigEndian(Take(8)) : throw Damaged($"allocation mode '{mode}' is not known");
        string type = Text();
        if (type == "COMPRESSED") return Compressed(nesting);
        int size = type switch
        {
            "DOUBLE" or "LONG" or "UINT64" => 8,
            "FLOAT" or "INT" or "UINT32" => 4,
            "HALF" or "BFLOAT16" or "SHORT" or "UINT16" => 2,
            "BYTE" or "UBYTE" or "BOOL" => 1,
            _ => throw Damaged($"element type '{type}' is not known"),
        };
        if (length < 0 || length > (data.Length - _at) / size) throw new EdgeLiteException(Status.Truncated, $"'{name}' claims {length} numbers of {size} bytes; {data.Length - _at} bytes are left.");
        ReadOnlySpan<byte> bytes = Take((int)length * size);
        var values = new float[length];
        for (int i = 0; i < values.Length; i++)
        {
            ReadOnlySpan<byte> b = bytes.Slice(i * size, size);
            values[i] = type switch
            {
                "FLOAT" => BinaryPrimitives.ReadSingleBigEndian(b),
                "DOUBLE" => (float)BinaryPrimitives.ReadDoubleBigEndian(b),
                "HALF" => (float)BinaryPrimitives.ReadHalfBigEndian(b),
                "BFLOAT16" => BitConverter.Int32BitsToSingle(BinaryPrimitives.ReadInt16BigEndian(b) << 16),
                "LONG" or "UINT64" => BinaryPrimitives.ReadInt64BigEndian(b),
                "INT" or "UINT32" => BinaryPrimitives.ReadInt32BigEndian(b),
                "SHORT" or "UINT16" => BinaryPrimitives.ReadInt16BigEndian(b),
                "UBYTE" or "BOOL" => b[0],
                _ => (sbyte)b[0],
            };
        }
        return values;
    }

    /// <summary>Name of the method, packed length in bytes, length before in bytes, number of elements; GZIP and NOOP hold a buffer again.</summary>
    private float[] Compressed(int nesting)
    {
        if (nesting >= MaxNesting) throw Damaged("compressed buffers nest too deeply");
        string method = Text();
        long packed = BinaryPrimitives.ReadInt64BigEndian(Take(8));
        Take(8);
        long elements = BinaryPrimitives.ReadInt64BigEndian(Take(8));
        if (packed < 0 || packed > data.Length - _at) throw Damaged($"{packed} packed bytes are claimed; {data.Length - _at} are left");
        byte[] content = Take((int)packed).ToArray();
        switch (method.ToUpperInvariant())
        {
            case "NOOP": return new Nd4jArray(content, name).Buffer(nesting + 1);
            case "GZIP":
            {
                long limit = Math.Min(checked(packed * 1032 + 1024), Array.MaxLength);
                using var unpacked = new MemoryStream();
                try
                {
                    using var gzip = new GZipStream(new MemoryStream(content), CompressionMode.Decompress);
                    var block = new byte[1 << 16];
                    // Eight bytes an element and the head are all that such a buffer can hold.
                    for (int n; (n = gzip.Read(block)) > 0;)
                    {
                        unpacked.Write(block, 0, n);
                        if (unpacked.Length > limit || unpacked.Length / 8 > elements + 1024) throw Damaged("it unpacks to more than it claims");
                    }
                }
                catch (InvalidDataException e)
                {
                    throw new EdgeLiteException(Status.Corrupt, $"'{name}' is damaged: {e.Message}", e);
                }
                return new Nd4jArray(unpacked.ToArray(), name).Buffer(nesting + 1);
            }
            default: throw new EdgeLiteException(Status.Unsupported, $"'{name}' is packed by '{method}'; GZIP is read. Decompress the parameters (Nd4j.getCompressor().decompress) before saving the model.");
        }
    }

    private string Text() => Encoding.UTF8.GetString(Take(BinaryPrimitives.ReadUInt16BigEndian(Take(2))));

    private ReadOnlySpan<byte> Take(int count)
    {
        if (count > data.Length - _at) throw new EdgeLiteException(Status.Truncated, $"'{name}' ends at byte {data.Length}; {count} bytes are wanted at {_at}.");
        ReadOnlySpan<byte> part = data.AsSpan(_at, count);
        _at += count;
        return part;
    }

    private EdgeLiteException Damaged(string what) => new(Status.Corrupt, $"'{name}' is damaged: {what}.");
}
