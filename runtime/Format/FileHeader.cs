using System.Buffers.Binary;
using EdgeLite.Core;

namespace EdgeLite.Format;

/// <summary>
/// The first 64 bytes of an .edgl file, little-endian: magic "EDGL1\r\n\x1a" (8), major (2), minor (2), CRC-32 of the description
/// (4), then offset and length of description and data and the length of the file (8 each), offset of the tuning (8).
/// </summary>
public readonly record struct FileHeader(ushort Major, ushort Minor, uint DescriptionCrc, long DescriptionOffset, long DescriptionLength,
    long DataOffset, long DataLength, long FileLength, long TuningOffset = 0)
{
    public const int Size = 64;
    public const ushort CurrentMajor = 1;
    public const ushort CurrentMinor = 2;

    /// <summary>Constants are aligned to this in the file, so that they are where they lie when the file is mapped.</summary>
    public const int Alignment = 64;

    /// <summary>The tuning, if there is one, is the last section.</summary>
    public long TuningLength => TuningOffset == 0 ? 0 : FileLength - TuningOffset;

    /// <summary>As PNG's signature: the line ends and the end-of-file character show a transfer in text mode.</summary>
    private static ReadOnlySpan<byte> Magic => "EDGL1\r\n\x1a"u8;

    public void Write(Span<byte> target)
    {
        target[..Size].Clear();
        Magic.CopyTo(target);
        BinaryPrimitives.WriteUInt16LittleEndian(target[8..], Major);
        BinaryPrimitives.WriteUInt16LittleEndian(target[10..], Minor);
        BinaryPrimitives.WriteUInt32LittleEndian(target[12..], DescriptionCrc);
        BinaryPrimitives.WriteInt64LittleEndian(target[16..], DescriptionOffset);
        BinaryPrimitives.WriteInt64LittleEndian(target[24..], DescriptionLength);
        BinaryPrimitives.WriteInt64LittleEndian(target[32..], DataOffset);
        BinaryPrimitives.WriteInt64LittleEndian(target[40..], DataLength);
        BinaryPrimitives.WriteInt64LittleEndian(target[48..], FileLength);
        BinaryPrimitives.WriteInt64LittleEndian(target[56..], TuningOffset);
    }

    /// <summary>Reads and checks the header of a file of <paramref name="length"/> bytes called <paramref name="name"/>.</summary>
    public static FileHeader Read(ReadOnlySpan<byte> start, long length, string name)
    {
        if (length == 0) throw new EdgeLiteException(Status.Truncated, $"'{name}' is empty.");
        int known = Math.Min(start.Length, Magic.Length);
        if (!start[..known].SequenceEqual(Magic[..known]))
            throw new EdgeLiteException(Status.NotAModel, $"'{name}' is not an EdgeLite model: it does not begin with EDGL1. Convert the source model with 'edgelite convert'.");
        if (start.Length < Size) throw new EdgeLiteException(Status.Truncated, $"'{name}' ends inside its header: {length} bytes of {Size}.");
        var header = new FileHeader(
            BinaryPrimitives.ReadUInt16LittleEndian(start[8..]),
            BinaryPrimitives.ReadUInt16LittleEndian(start[10..]),
            BinaryPrimitives.ReadUInt32LittleEndian(start[12..]),
            BinaryPrimitives.ReadInt64LittleEndian(start[16..]),
            BinaryPrimitives.ReadInt64LittleEndian(start[24..]),
            BinaryPrimitives.ReadInt64LittleEndian(start[32..]),
            BinaryPrimitives.ReadInt64LittleEndian(start[40..]),
            BinaryPrimitives.ReadInt64LittleEndian(start[48..]),
            BinaryPrimitives.ReadInt64LittleEndian(start[56..]));
        if (header.Major > CurrentMajor)
            throw new EdgeLiteException(Status.NewerVersion, $"'{name}' has format version {header.Major}.{header.Minor}; this runtime reads up to {CurrentMajor}.x. Update the runtime, or convert the model with the matching release.");
        if (header.Major == 0) throw new EdgeLiteException(Status.Corrupt, $"'{name}' states format version 0, which never existed.");
        if (header.FileLength > length)
            throw new EdgeLiteException(Status.Truncated, $"'{name}' is truncated: {length} bytes of {header.FileLength}.");
        if (header.FileLength < length || !Within(header.DescriptionOffset, header.DescriptionLength, length) ||
            !Within(header.DataOffset, header.DataLength, length) || header.DescriptionLength > int.MaxValue || header.DataOffset % Alignment != 0 ||
            (header.TuningOffset != 0 && !Within(header.TuningOffset, header.TuningLength, length)))
            throw new EdgeLiteException(Status.Corrupt, $"'{name}' is corrupt: its sections do not fit its length of {length} bytes.");
        return header;
    }

    private static bool Within(long offset, long size, long length) => offset >= Size && size >= 0 && offset <= length && size <= length - offset;
}

/// <summary>CRC-32 (IEEE 802.3, reflected polynomial 0xEDB88320): finds accidental damage. It is no protection against intent:
/// the verifier is.</summary>
public static class Crc32
{
    private static readonly uint[] s_table = MakeTable();

    public static uint Compute(ReadOnlySpan<byte> data)
    {
        uint crc = uint.MaxValue;
        foreach (byte b in data) crc = s_table[(crc ^ b) & 255] ^ crc >> 8;
        return ~crc;
    }

    private static uint[] MakeTable()
    {
        var table = new uint[256];
        for (uint i = 0; i < 256; i++)
        {
            uint c = i;
            for (int k = 0; k < 8; k++) c = (c & 1) != 0 ? 0xEDB88320 ^ c >> 1 : c >> 1;
            table[i] = c;
        }
        return table;
    }
}
