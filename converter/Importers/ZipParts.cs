using System.IO.Compression;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers;

/// <summary>Files inside zip archives, unpacked within bounded memory.</summary>
internal static class ZipParts
{
    /// <summary>Deflate packs at most 1032 to 1 (zlib's technical notes).</summary>
    private const long DeflateLimit = 1032;

    public static ZipArchive Open(string path)
    {
        ZipArchive? zip = null;
        try
        {
            zip = ZipFile.OpenRead(path);
            _ = zip.Entries; // the list is read now
            return zip;
        }
        catch (InvalidDataException e)
        {
            zip?.Dispose();
            throw new EdgeLiteException(Status.Corrupt, $"'{path}' is a damaged zip archive: {e.Message}", e);
        }
        catch (FileNotFoundException e)
        {
            throw new EdgeLiteException(Status.FileNotFound, $"'{path}' does not exist.", e);
        }
    }

    /// <summary>Whether the file is a zip archive that holds all these files.</summary>
    public static bool Holds(string path, ReadOnlySpan<byte> head, params ReadOnlySpan<string> names)
    {
        if (!head.StartsWith("PK\u0003\u0004"u8)) return false;
        try
        {
            using ZipArchive zip = ZipFile.OpenRead(path);
            foreach (string name in names) if (zip.GetEntry(name) == null) return false;
            return true;
        }
        catch (InvalidDataException)
        {
            return false;
        }
    }

    public static byte[] Read(ZipArchive zip, string name, long limit, string path) =>
        Read(zip.GetEntry(name) ?? throw new EdgeLiteException(Status.Corrupt, $"'{path}' has no '{name}'."), limit, path);

    /// <summary>The file's content. A size that deflate cannot reach, or one above the limit, is refused; reading stops at the size claimed.</summary>
    public static byte[] Read(ZipArchiveEntry entry, long limit, string path)
    {
        if (entry.Length > limit || entry.Length > entry.CompressedLength * DeflateLimit + 1024 || entry.Length > Array.MaxLength)
            throw new EdgeLiteException(Status.Corrupt, $"'{entry.FullName}' in '{path}' claims {entry.Length} bytes.");
        try
        {
            var content = new byte[entry.Length];
            using Stream stream = entry.Open();
            stream.ReadExactly(content);
            return content;
        }
        catch (Exception e) when (e is InvalidDataException or EndOfStreamException)
        {
            throw new EdgeLiteException(Status.Corrupt, $"'{entry.FullName}' in '{path}' is damaged: {e.Message}", e);
        }
    }
}
