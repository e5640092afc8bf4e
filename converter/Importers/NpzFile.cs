using System.IO.Compression;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers;

/// <summary>Reads NumPy's .npz archives: a zip file with one .npy file for each array.</summary>
public static class NpzFile
{
    /// <summary>The arrays by name (without ".npy"), in the order of the archive.</summary>
    public static IReadOnlyList<KeyValuePair<string, Tensor>> Read(string path)
    {
        if (!File.Exists(path)) throw new EdgeLiteException(Status.FileNotFound, $"'{path}' does not exist.");
        var arrays = new List<KeyValuePair<string, Tensor>>();
        try
        {
            using ZipArchive archive = ZipFile.OpenRead(path);
            foreach (ZipArchiveEntry entry in archive.Entries)
            {
                if (!entry.FullName.EndsWith(".npy", StringComparison.Ordinal)) continue;
                // Unpacked into memory so that the reader can check the size that the header claims before it allocates.
                using var memory = new MemoryStream();
                using (Stream packed = entry.Open()) packed.CopyTo(memory);
                memory.Position = 0;
                arrays.Add(new(entry.FullName[..^4], NpyFile.Read(memory, $"{path}:{entry.FullName}")));
            }
        }
        catch (InvalidDataException e)
        {
            throw new EdgeLiteException(Status.NotAModel, $"'{path}' is not a readable .npz archive: {e.Message}", e);
        }
        return arrays;
    }
}
