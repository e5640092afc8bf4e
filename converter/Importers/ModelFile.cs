using EdgeLite.Core;

namespace EdgeLite.Converter.Importers;

/// <summary>A file of a model, and those that belong to it. Links are followed: a link's own length says nothing.</summary>
internal static class ModelFile
{
    private const int HeadBytes = 1 << 16, MostFiles = 1024;

    /// <summary>The beginning of a file, up to 64 KB, by which its format is told; without the mark that some editors put before UTF-8.</summary>
    public static byte[] Head(string path)
    {
        try
        {
            using FileStream stream = File.OpenRead(path);
            if (!stream.CanSeek) throw new EdgeLiteException(Status.IoError, $"'{path}' is a pipe; a model is read from a file.");
            var head = new byte[Math.Min(HeadBytes, stream.Length)];
            stream.ReadExactly(head);
            return head is [0xEF, 0xBB, 0xBF, .. var text] ? text : head;
        }
        catch (Exception e) when (FileFailure.Is(e))
        {
            throw FileFailure.Reading(path, e);
        }
    }

    public static long Length(string path)
    {
        using FileStream stream = File.OpenRead(path);
        return stream.Length;
    }

    /// <summary>The files of a folder that hold anything, as pipes and sockets do not, in the order of their names.</summary>
    public static IEnumerable<string> In(string folder) => Directory.EnumerateFiles(folder).Take(MostFiles).Where(HasContent).Order(StringComparer.Ordinal);

    private static bool HasContent(string path)
    {
        var file = new FileInfo(path);
        return (file.LinkTarget == null ? file : file.ResolveLinkTarget(returnFinalTarget: true)) is FileInfo { Exists: true, Length: > 0 };
    }

    /// <summary>The network and the weights of a model of which one file, or both in any order, were named.</summary>
    public static (string Network, string Weights) Pair(IReadOnlyList<string> paths, string format, Func<string, bool> isNetwork, string networkExtension, string weightsExtension,
        Func<string, bool> isWeights, Func<string, bool>? isLikely = null)
    {
        bool isFirst = isNetwork(paths[0]);
        if (paths.Count == 1) return isFirst ? (paths[0], Beside(paths[0], weightsExtension, "the weights", isWeights)) : (Beside(paths[0], networkExtension, "the network", isNetwork, isLikely), paths[0]);
        if (paths.Count == 2 && isFirst != isNetwork(paths[1])) return isFirst ? (paths[0], paths[1]) : (paths[1], paths[0]);
        throw new EdgeLiteException(Status.InvalidArgument, $"A model of {format} is a network (.{networkExtension}) and its weights (.{weightsExtension}); {paths.Count} files were named, {paths.Count(isNetwork)} of them networks.");
    }

    /// <summary>
    /// The other of the two files that make a model: of the same name; else the one of the folder with that extension; else, of
    /// any name, the one whose content is right. Of several the one whose name begins alike.
    /// </summary>
    /// <param name="path">the file that is known</param>
    /// <param name="extension">what the other's name usually ends in</param>
    /// <param name="what">what it holds: "the weights"</param>
    /// <param name="isOne">whether a file is such a one, by its content</param>
    /// <param name="isLikely">which of several it is</param>
    public static string Beside(string path, string extension, string what, Func<string, bool> isOne, Func<string, bool>? isLikely = null)
    {
        string same = Path.ChangeExtension(path, extension);
        if (File.Exists(same)) return same;
        string[] all = [.. In(Path.GetDirectoryName(Path.GetFullPath(path))!).Where(f => Path.GetFullPath(f) != Path.GetFullPath(path))];
        string[] usual = [.. all.Where(f => f.EndsWith("." + extension, StringComparison.OrdinalIgnoreCase))];
        string[] found = usual.Length == 1 ? usual : [.. usual.Where(isOne)];
        if (found.Length == 0) found = [.. all.Where(isOne)];
        if (found.Length > 1 && isLikely != null && found.Where(isLikely).ToArray() is { Length: > 0 } likely) found = likely;
        if (found.Length > 1 && found.Where(f => IsAlike(f, path)).ToArray() is [var alike]) found = [alike];
        return found.Length switch
        {
            1 => found[0],
            0 => throw new EdgeLiteException(Status.FileNotFound, $"'{path}' needs {what}: no file beside it holds them (usually '{Path.GetFileName(same)}')."),
            _ => throw new EdgeLiteException(Status.InvalidArgument, $"Beside '{path}' {found.Length} files may hold {what}: {string.Join(", ", found.Take(4).Select(f => $"'{Path.GetFileName(f)}'"))}{(found.Length > 4 ? ", ..." : "")}. Name both files, or call the right one '{Path.GetFileName(same)}'."),
        };
    }

    private static bool IsAlike(string a, string b)
    {
        string first = Path.GetFileNameWithoutExtension(a), second = Path.GetFileNameWithoutExtension(b);
        return first.StartsWith(second, StringComparison.Ordinal) || second.StartsWith(first, StringComparison.Ordinal);
    }
}
