using System.Buffers.Binary;

namespace EdgeLite.Format;

/// <summary>
/// What stands for the description in a packed file: bytes of the description (a multiple of 64) and of the near constants once unpacked
/// (int32 each), then a DEFLATE stream of both, one after the other.
/// </summary>
public static class PackedFront
{
    /// <summary>Bytes of the two sizes.</summary>
    public const int HeadSize = 8;

    /// <summary>Most bytes of a front, unpacked: it is memory of the process.</summary>
    public const int MaxBytes = 1 << 20;

    /// <summary>The sizes; false where they are impossible, or the front is no smaller packed than unpacked.</summary>
    public static bool TryRead(ReadOnlySpan<byte> packed, out int description, out int near)
    {
        description = near = 0;
        if (packed.Length < HeadSize) return false;
        description = BinaryPrimitives.ReadInt32LittleEndian(packed);
        near = BinaryPrimitives.ReadInt32LittleEndian(packed[4..]);
        return description > 0 && near >= 0 && description % FileHeader.Alignment == 0 && (long)description + near is var all && all <= MaxBytes && packed.Length <= all;
    }

    /// <summary>False where the stream is damaged or gives another number of bytes than <paramref name="front"/> has.</summary>
    public static bool TryUnpack(ReadOnlySpan<byte> packed, Span<byte> front) => Inflate.TryDecode(packed[HeadSize..], front);
}
