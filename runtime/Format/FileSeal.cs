using System.Buffers.Binary;

namespace EdgeLite.Format;

/// <summary>
/// The last 192 bytes of an .edgl file that carries a self-test, a content hash or a signature, little-endian: "EDGLSEAL" (8), kind of
/// signature (4; 0: none, 1: Ed25519), 4 zero bytes, offset and length of the self-test (8 each; 0: none), SHA-512 of everything before
/// the seal (64), public key (32), Ed25519 signature of the 128 bytes before it (64). A plain load does not touch it.
/// </summary>
public readonly ref struct FileSeal
{
    public const int Size = 192;

    /// <summary>Bytes before the description of a self-test.</summary>
    public const int SelfTestHead = 16;

    private const int HashAt = 32, KeyAt = 96, SignatureAt = 128;
    private readonly ReadOnlySpan<byte> _bytes;

    private static ReadOnlySpan<byte> Magic => "EDGLSEAL"u8;

    private FileSeal(ReadOnlySpan<byte> bytes) => _bytes = bytes;

    /// <summary>The seal of a file that ends with <paramref name="end"/>; false when it has none.</summary>
    public static bool TryFind(ReadOnlySpan<byte> end, out FileSeal seal)
    {
        bool found = end.Length >= Size && end[^Size..].StartsWith(Magic);
        seal = found ? new FileSeal(end[^Size..]) : default;
        return found;
    }

    public bool IsSigned => BinaryPrimitives.ReadInt32LittleEndian(_bytes[8..]) == 1;
    public long SelfTestOffset => BinaryPrimitives.ReadInt64LittleEndian(_bytes[16..]);
    public long SelfTestLength => BinaryPrimitives.ReadInt64LittleEndian(_bytes[24..]);

    /// <summary>True when a hash is stated: it is 0 where the content was changed since.</summary>
    public bool HasHash => Hash.ContainsAnyExcept((byte)0);

    public ReadOnlySpan<byte> Hash => _bytes[HashAt..KeyAt];

    /// <summary>Who claims to have signed it.</summary>
    public ReadOnlySpan<byte> PublicKey => _bytes[KeyAt..SignatureAt];

    /// <summary>What is signed: all of the seal before the signature.</summary>
    public ReadOnlySpan<byte> Statement => _bytes[..SignatureAt];

    public ReadOnlySpan<byte> Signature => _bytes[SignatureAt..];

    /// <summary>Where a self-test begins behind content that ends at <paramref name="end"/>: what a plain load reads has pages of its own.</summary>
    public static long AlignSelfTest(long end) => (end + 4095) / 4096 * 4096;

    /// <summary>Writes a seal without a signature, which the caller appends to <see cref="Statement"/>.</summary>
    public static void Write(Span<byte> target, long selfTestOffset, long selfTestLength, ReadOnlySpan<byte> hash, ReadOnlySpan<byte> publicKey)
    {
        target[..Size].Clear();
        Magic.CopyTo(target);
        BinaryPrimitives.WriteInt32LittleEndian(target[8..], publicKey.IsEmpty ? 0 : 1);
        BinaryPrimitives.WriteInt64LittleEndian(target[16..], selfTestOffset);
        BinaryPrimitives.WriteInt64LittleEndian(target[24..], selfTestLength);
        hash.CopyTo(target[HashAt..]);
        publicKey.CopyTo(target[KeyAt..]);
    }
}
