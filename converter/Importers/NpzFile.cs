using System.IO.Compression;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers;

/// <summary>Reads NumPy's .npz archives: a zip file with one .npy file for each array.</summary>
public static class NpzFile
{
    private const long MaxArray = 8L << 30;

    /// <summary>The arrays by name (without ".npy"), in the order of the archive.</summary>
    public static IReadOnlyList<KeyValuePair<string, Tensor>> Read(string path)
    {
        using ZipArchive archive = ZipParts.Open(path);
        var arrays = new List<KeyValuePair<string, Tensor>>();
        foreach (ZipArchiveEntry entry in archive.Entries)
        {
            if (!entry.FullName.EndsWith(".npy", StringComparison.Ordinal)) continue;
            // Unpacked into memory so that the reader can check the size that the header claims before it allocates.
            using var memory = new MemoryStream(ZipParts.Read(entry, MaxArray, path));
            arrays.Add(new(entry.FullName[..^4], NpyFile.Read(memory, $"{path}:{entry.FullName}")));
        }
        return arrays;
    }
}
