using System.Runtime.CompilerServices;

namespace EdgeLite.Tests;

/// <summary>Finds the collection of test material that lies beside the repository (folder <c>shared</c>, or where the environment
/// variable EDGELITE_SHARED says); tests over it are skipped where it is not there.</summary>
internal static class SharedData
{
    public static string Root { get; } = FindRoot();

    public static string? Folder { get; } = Find();

    /// <summary>Why tests over <paramref name="relative"/> are skipped; null when they can run.</summary>
    public static string? WhyNot(string relative) =>
        Folder != null && Directory.Exists(Path.Combine(Folder, relative)) ? null
        : $"'{relative}' is not there: neither beside the repository in 'shared' nor where EDGELITE_SHARED says.";

    /// <summary>Names of the folders in a folder of the collection.</summary>
    public static IEnumerable<string> FoldersIn(string relative) =>
        WhyNot(relative) != null ? [] : Directory.GetDirectories(Path.Combine(Folder!, relative)).Select(d => Path.GetFileName(d)!).Order(StringComparer.Ordinal);

    private static string? Find()
    {
        string? given = Environment.GetEnvironmentVariable("EDGELITE_SHARED");
        if (!string.IsNullOrEmpty(given)) return Directory.Exists(given) ? given : null;
        for (DirectoryInfo? at = new DirectoryInfo(Root).Parent; at != null; at = at.Parent)
        {
            string candidate = Path.Combine(at.FullName, "shared");
            if (Directory.Exists(Path.Combine(candidate, "zoo"))) return candidate;
        }
        return null;
    }

    private static string FindRoot([CallerFilePath] string file = "")
    {
        for (DirectoryInfo? at = new(AppContext.BaseDirectory); at != null; at = at.Parent)
            if (File.Exists(Path.Combine(at.FullName, "EdgeLite.sln"))) return at.FullName;
        return Path.GetDirectoryName(Path.GetDirectoryName(Path.GetDirectoryName(file)))!;
    }
}
