using System.Buffers.Binary;
using System.IO.Compression;
using EdgeLite.Core;
using EdgeLite.Format;

namespace EdgeLite.Converter.Writer;

/// <summary>Small constants that travel with the description of a packed file: tables of int32, what packs well, and the smallest. Others lie in
/// the data section, where they are used in place.</summary>
internal sealed unsafe class NearConstants
{
    /// <summary>Larger constants are used where they lie in the file.</summary>
    private const long MaxBytes = 12 << 10;

    /// <summary>What packing must save, a share of the constant, for it to be worth unpacking at each start.</summary>
    private const double MinSaving = 1 / 8.0;

    /// <summary>Of smaller constants the space between them counts, too.</summary>
    private const long FewBytes = 1 << 10;

    private readonly ConstantLayout _words = new(), _bytes = new();

    /// <summary>int32 in planes, in bytes.</summary>
    public long Words => Aligned(_words.Length);

    public long Length => Words + _bytes.Length;

    public void Add(Tensor tensor)
    {
        if (tensor.Strings == null && tensor.ByteLength <= MaxBytes && LayoutOf(tensor) is { } layout) layout.Add(tensor);
    }

    /// <summary>Offset from the start of the near constants; null where the tensor is none.</summary>
    public long? Offset(Tensor tensor)
    {
        if (_words.Find(tensor) is { } word) return word;
        return _bytes.Find(tensor) is { } at ? Words + at : null;
    }

    public void WriteTo(Stream stream)
    {
        using var words = new MemoryStream();
        _words.WriteTo(words);
        ModelWriter.Fill(words, Words - words.Length);
        WordPlanes.Split(words.GetBuffer().AsSpan(0, (int)words.Length));
        words.WriteTo(stream);
        _bytes.WriteTo(stream);
    }

    /// <summary>A packed front of a description, padded, and near constants (<see cref="PackedFront"/>).</summary>
    public static byte[] PackFront(ReadOnlySpan<byte> front, int description)
    {
        byte[] head = new byte[PackedFront.HeadSize];
        BinaryPrimitives.WriteInt32LittleEndian(head, description);
        BinaryPrimitives.WriteInt32LittleEndian(head.AsSpan(4), front.Length - description);
        return [.. head, .. Pack(front)];
    }

    private static byte[] Pack(ReadOnlySpan<byte> bytes)
    {
        using var packed = new MemoryStream();
        using (var deflate = new DeflateStream(packed, CompressionLevel.SmallestSize, leaveOpen: true)) deflate.Write(bytes);
        return packed.ToArray();
    }

    private ConstantLayout? LayoutOf(Tensor tensor) => tensor.DType == DType.Int32 ? _words
        : tensor.ByteLength <= FewBytes || Pack(new ReadOnlySpan<byte>(tensor.Data, (int)tensor.ByteLength)).Length <= tensor.ByteLength * (1 - MinSaving) ? _bytes : null;

    private static long Aligned(long bytes) => (bytes + FileHeader.Alignment - 1) / FileHeader.Alignment * FileHeader.Alignment;
}
