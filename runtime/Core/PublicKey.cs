namespace EdgeLite.Core;

/// <summary>An Ed25519 public key (RFC 8032).</summary>
public sealed class PublicKey
{
    public const int Size = 32;

    private readonly byte[] _bytes;

    /// <param name="bytes">32 bytes</param>
    public PublicKey(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length != Size) throw new ArgumentException($"A key has {Size} bytes, got {bytes.Length}.", nameof(bytes));
        _bytes = bytes.ToArray();
    }

    public ReadOnlySpan<byte> Bytes => _bytes;

    /// <summary>What precedes the key in a SubjectPublicKeyInfo (RFC 8410): two sequences, object identifier 1.3.101.112, a bit string.</summary>
    private static ReadOnlySpan<byte> Prefix => [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

    /// <summary>Reads the text of a PEM file (RFC 7468), as <c>edgelite keygen</c> and <c>openssl pkey -pubout</c> write it.</summary>
    /// <param name="text">with <c>-----BEGIN PUBLIC KEY-----</c></param>
    /// <param name="name">for messages</param>
    public static PublicKey FromPem(string text, string name = "The text")
    {
        const string Begin = "-----BEGIN PUBLIC KEY-----", End = "-----END PUBLIC KEY-----";
        int start = text.AsSpan().IndexOf(Begin), end = text.AsSpan().IndexOf(End);
        if (start < 0 || end < start)
            throw Wrong(name, text.AsSpan().IndexOf("PRIVATE KEY-----") >= 0 ? "it holds a private key, which no device should have" : $"'{Begin}' is expected");
        Span<byte> bytes = stackalloc byte[64];
        bool isKey = Convert.TryFromBase64Chars(text.AsSpan(start + Begin.Length, end - start - Begin.Length), bytes, out int length)
            && length == Prefix.Length + Size && bytes.StartsWith(Prefix);
        return isKey ? new PublicKey(bytes.Slice(Prefix.Length, Size)) : throw Wrong(name, "it holds a key of another kind, or a damaged one");
    }

    /// <summary>The 64 hexadecimal digits.</summary>
    public override string ToString() => Convert.ToHexStringLower(_bytes);

    private static EdgeLiteException Wrong(string name, string what) =>
        new(Status.InvalidArgument, $"{name} is no Ed25519 public key: {what}. Make one with 'edgelite keygen' or 'openssl pkey -pubout'.");
}
