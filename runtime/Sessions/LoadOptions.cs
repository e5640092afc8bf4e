using EdgeLite.Core;
using EdgeLite.Devices.Cpu;
using EdgeLite.Format;

namespace EdgeLite;

/// <summary>What is checked of a file beyond what every load checks: its content as a whole, before anything in it is used. It takes the time
/// to read all of it (SHA-512). A mapped file that others may write to can be altered after the check: load it from memory then.</summary>
public sealed class LoadOptions
{
    /// <summary>The content must have the SHA-512 that the file states: <see cref="Status.Corrupt"/> otherwise,
    /// <see cref="Status.NotFound"/> when it states none.</summary>
    public bool CheckHash { get; init; }

    /// <summary>The file must be signed by the holder of this key, and unaltered since: <see cref="Status.BadSignature"/> otherwise. The signature
    /// covers every byte.</summary>
    public PublicKey? Key { get; init; }

    internal unsafe void Check(string name, byte* data, long length)
    {
        if (Key == null && !CheckHash) return;
        bool found = FileSeal.TryFind(new ReadOnlySpan<byte>(data + Math.Max(0, length - FileSeal.Size), (int)Math.Min(length, FileSeal.Size)), out FileSeal seal);
        if (Key != null)
        {
            if (!found || !seal.IsSigned) throw Bad($"'{name}' is not signed; it must be, by key {Key}. Get the file from its publisher, or sign it with 'edgelite sign'.");
            if (!seal.PublicKey.SequenceEqual(Key.Bytes)) throw Bad($"'{name}' is signed by key {new PublicKey(seal.PublicKey)}; key {Key} is expected.");
            fixed (byte* signature = seal.Signature, key = Key.Bytes, statement = seal.Statement)
                if (CpuKernels.el_ed25519_verify(signature, key, statement, (nuint)seal.Statement.Length) == 0)
                    throw Bad($"'{name}' carries a signature that the holder of key {Key} did not make.");
        }
        if (!found || !seal.HasHash) throw new EdgeLiteException(Status.NotFound, $"'{name}' states no hash of its content: convert it with --hash, or sign it.");
        Span<byte> hash = stackalloc byte[seal.Hash.Length];
        fixed (byte* digest = hash) CpuKernels.el_sha512(data, (nuint)(length - FileSeal.Size), digest);
        if (hash.SequenceEqual(seal.Hash)) return;
        if (Key != null) throw Bad($"'{name}' was altered after it was signed: its content has another hash. Get it again from its publisher.");
        throw new EdgeLiteException(Status.Corrupt, $"'{name}' is corrupt: its content has SHA-512 {Convert.ToHexStringLower(hash)}, {Convert.ToHexStringLower(seal.Hash)} expected. Copy or convert it again.");
    }

    private static EdgeLiteException Bad(string message) => new(Status.BadSignature, message);
}
