using System.Security.Cryptography;
using EdgeLite.Format;

namespace EdgeLite.Converter.Writer;

/// <summary>Puts a self-test, a content hash and a signature behind the content of an .edgl file (<see cref="FileSeal"/>).</summary>
public static class SealWriter
{
    /// <summary>Seals a file in place with a hash of its content; it may be sealed already, and keeps its self-test.</summary>
    public static void Seal(string path) => Seal(path, null, null);

    /// <summary>As <see cref="Seal(string)"/>, with a self-test in place of the one that it may have.</summary>
    public static void Seal(string path, IReadOnlyList<SelfTestSample> selfTest) => Seal(path, selfTest, null);

    /// <summary>As <see cref="Seal(string)"/>, with a signature.</summary>
    public static void Seal(string path, SigningKey key) => Seal(path, null, key);

    private static void Seal(string path, IReadOnlyList<SelfTestSample>? selfTest, SigningKey? key)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.ReadWrite);
        Span<byte> start = stackalloc byte[FileHeader.Size], bytes = stackalloc byte[FileSeal.Size];
        FileHeader header = FileHeader.Read(start[..file.ReadAtLeast(start, start.Length, throwOnEndOfStream: false)], file.Length, path);
        long end = file.Length, offset = 0, length = 0;
        file.Position = Math.Max(0, end - FileSeal.Size);
        if (FileSeal.TryFind(bytes[..file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false)], out FileSeal old))
        {
            (offset, length) = (old.SelfTestOffset, old.SelfTestLength);
            end -= FileSeal.Size;
            if (selfTest != null && length != 0) end = offset;
        }
        file.SetLength(end);
        file.Position = end;
        if (selfTest != null)
        {
            offset = FileSeal.AlignSelfTest(end);
            ModelWriter.Fill(file, offset - end);
            ModelWriter.WriteSelfTest(file, selfTest);
            end = file.Position;
            length = end - offset;
        }
        (header with { FileLength = end + FileSeal.Size }).Write(start);
        file.Position = 0;
        file.Write(start);
        file.Position = 0;
        FileSeal.Write(bytes, offset, length, SHA512.HashData(file), key == null ? default : key.Public.Bytes);
        if (key != null && FileSeal.TryFind(bytes, out FileSeal seal)) key.Sign(seal.Statement).CopyTo(bytes[seal.Statement.Length..]);
        file.Write(bytes);
    }
}
