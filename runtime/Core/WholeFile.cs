namespace EdgeLite.Core;

/// <summary>A file that appears whole or not at all: it is written as <see cref="PartialPath"/> beside its place, and <see cref="Commit"/> gives it its
/// name. What is not committed is deleted; a link stays one, and what it leads to is replaced. Throws <see cref="EdgeLiteException"/> at once where
/// nothing can be written.</summary>
public sealed class WholeFile : IDisposable
{
    private static readonly string s_suffix = $".{Environment.ProcessId}.partial";
    private readonly TemporaryFile _partial;

    public WholeFile(string path)
    {
        path = Target(path);
        // To give a file the name of a device would replace it.
        if (Path.GetDirectoryName(Path.GetFullPath(path)) == "/dev")
            throw new EdgeLiteException(Status.InvalidArgument, $"'{path}' is a device; a file is to be written.");
        if (Directory.Exists(path)) throw new EdgeLiteException(Status.InvalidArgument, $"'{path}' is a folder; the name of the file is missing.");
        TargetPath = path;
        _partial = new TemporaryFile(path + s_suffix);
        try
        {
            new FileStream(PartialPath, FileMode.Create, FileAccess.Write).Dispose();
        }
        catch (Exception e) when (FileFailure.Is(e))
        {
            _partial.Dispose();
            throw FileFailure.Writing(path, e);
        }
    }

    /// <summary>The end of a chain of links.</summary>
    private static string Target(string path)
    {
        try
        {
            return File.Exists(path) ? File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? path : path;
        }
        catch (Exception e) when (FileFailure.Is(e))
        {
            throw FileFailure.Writing(path, e);
        }
    }

    public string TargetPath { get; }

    /// <summary>An empty file at first.</summary>
    public string PartialPath => _partial.Path;

    /// <summary>The name under which its user knows a file: of one that is not whole yet, the one it will have.</summary>
    internal static string NameOf(string path) => path.EndsWith(s_suffix, StringComparison.Ordinal) ? path[..^s_suffix.Length] : path;

    /// <summary>Writes the file in one go.</summary>
    public static void Write(string path, Action<FileStream> write)
    {
        using var file = new WholeFile(path);
        try
        {
            using (var stream = new FileStream(file.PartialPath, FileMode.Create, FileAccess.ReadWrite)) write(stream);
        }
        catch (Exception e) when (FileFailure.Is(e) || e is ArgumentOutOfRangeException { ParamName: "value" }) // .NET's for EFBIG, as of 4 GB on FAT32
        {
            throw FileFailure.Writing(path, e);
        }
        file.Commit();
    }

    public void Commit()
    {
        try
        {
            File.Move(PartialPath, TargetPath, overwrite: true);
        }
        catch (Exception e) when (FileFailure.Is(e))
        {
            throw FileFailure.Writing(TargetPath, e);
        }
    }

    public void Dispose() => _partial.Dispose();
}
