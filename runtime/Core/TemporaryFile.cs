namespace EdgeLite.Core;

/// <summary>The name of a file that is deleted with this object, or when the process is told to end before.</summary>
public sealed class TemporaryFile : IDisposable
{
    private static readonly List<string> s_all = [];

    public TemporaryFile(string path)
    {
        Path = path;
        lock (s_all) s_all.Add(path);
    }

    public string Path { get; }

    public void Dispose()
    {
        if (File.Exists(Path)) File.Delete(Path); // its folder may not exist
        lock (s_all) s_all.Remove(Path);
    }

    /// <summary>Deletes all there are, for a process that is told to end.</summary>
    public static void DeleteAll()
    {
        lock (s_all)
            foreach (string path in s_all) File.Delete(path);
    }
}
