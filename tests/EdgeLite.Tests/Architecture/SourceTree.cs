namespace EdgeLite.Tests.Architecture;

/// <summary>The sources of the repository as files, for the tests that hold the house in order.</summary>
internal static class SourceTree
{
    private static readonly string[] s_top = ["runtime", "converter", "kernels-native", "targets", "tests", "bench"];
    private static readonly string[] s_built = ["bin", "obj", "build", "artifacts"];

    public static string Root => SharedData.Root;

    /// <summary>Paths, relative to the root and with '/', of the files with these extensions in a folder; built ones left out.</summary>
    public static IEnumerable<string> Files(string folder, params string[] extensions)
    {
        string path = Path.Combine(Root, folder);
        if (!Directory.Exists(path)) return [];
        return Directory.EnumerateFiles(path, "*", SearchOption.AllDirectories)
            .Select(f => Path.GetRelativePath(Root, f).Replace('\\', '/'))
            .Where(f => extensions.Contains(Path.GetExtension(f)) && !f.Split('/').Any(s_built.Contains))
            .Order(StringComparer.Ordinal);
    }

    public static IEnumerable<string> All(params string[] extensions) => s_top.SelectMany(top => Files(top, extensions));

    public static string Read(string file) => File.ReadAllText(Path.Combine(Root, file));
}
