using System.IO.Compression;

namespace EdgeLite.Converter.Importers;

/// <summary>What a file is that no importer recognises, as far as its first bytes tell, and what to do with it; null where they tell nothing.</summary>
internal static class NoModel
{
    public static string? Describe(string path, ReadOnlySpan<byte> head) => head switch
    {
        [0x1F, 0x8B, ..] => "packed with gzip; unpack it first",
        [(byte)'B', (byte)'Z', (byte)'h', ..] => "packed with bzip2; unpack it first",
        [0xFD, (byte)'7', (byte)'z', (byte)'X', (byte)'Z', ..] => "packed with xz; unpack it first",
        [(byte)'7', (byte)'z', 0xBC, 0xAF, ..] => "packed with 7-Zip; unpack it first",
        [0xFF, 0xFE, _, 0, ..] or [0xFE, 0xFF, 0, _, ..] => "text in UTF-16; save it as UTF-8",
        _ when head.Length > 262 && head[257..262].SequenceEqual("ustar"u8) => "a tar archive; unpack it first",
        _ when head.StartsWith("version https://git-lfs"u8) => "a pointer of Git LFS, not the model itself; fetch it with 'git lfs pull'",
        _ when IsHtml(head) => "a web page, not a model; download the file itself",
        _ when head.StartsWith("PK\u0003\u0004"u8) => ZipPart(path),
        _ when head.StartsWith("GGUF"u8) => "a GGUF file of llama.cpp, which is not read; convert the model that it was made from, as ONNX",
        _ when head.StartsWith("EDGL"u8) => "an .edgl file already, not a model to convert",
        _ => null,
    };

    private static bool IsHtml(ReadOnlySpan<byte> head)
    {
        ReadOnlySpan<byte> text = head.TrimStart(" \t\r\n"u8);
        return text.StartsWith("<!DOCTYPE html"u8) || text.StartsWith("<!doctype html"u8) || text.StartsWith("<html"u8);
    }

    private static string ZipPart(string path)
    {
        try
        {
            using ZipArchive zip = ZipFile.OpenRead(path);
            if (zip.Entries.Count > 0 && zip.Entries.All(e => e.Name.EndsWith(".npy", StringComparison.Ordinal)))
                return $"{zip.Entries.Count} arrays of parameters (numpy.savez), without the architecture; put that beside them in a .json file, as docs/importers.md shows for Chainer and Lasagne, and convert the .json";
            return $"a zip archive of {zip.Entries.Count} files, but none of a format that can be read; unpack it when it holds a model";
        }
        catch (InvalidDataException)
        {
            return "a zip archive that is cut off or damaged; copy it again";
        }
    }
}
