using System.Diagnostics;

namespace EdgeLite.Conformance;

/// <summary>One test: a folder with model.onnx and test_data_set_N.</summary>
internal sealed record TestCase(string Suite, string Name, string Folder)
{
    public string FullName => Suite.Length == 0 ? Name : $"{Suite}/{Name}";
}

/// <summary>Finds tests in folders and archives; archives are unpacked to a temporary folder that disappears with this object.</summary>
internal sealed class TestSuites : IDisposable
{
    private readonly List<string> _temporary = [];

    public IReadOnlyList<TestCase> Find(string path)
    {
        string root = Directory.Exists(path) ? path : Unpack(path);
        var tests = new List<TestCase>();
        foreach (string model in Directory.EnumerateFiles(root, "model.onnx", SearchOption.AllDirectories))
        {
            string folder = Path.GetDirectoryName(model)!;
            string suite = Path.GetRelativePath(root, Path.GetDirectoryName(folder) ?? root).Replace('\\', '/');
            if (suite is "." or "..") suite = Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(root)));
            tests.Add(new TestCase(suite, Path.GetFileName(folder), folder));
        }
        tests.Sort((a, b) => string.CompareOrdinal(a.FullName, b.FullName));
        return tests;
    }

    public static bool Matches(TestCase test, string filter)
    {
        string[] parts = filter.Split(',', StringSplitOptions.RemoveEmptyEntries);
        return (parts.All(f => f[0] == '!') || parts.Any(f => f[0] != '!' && Names(f))) && !parts.Any(f => f[0] == '!' && Names(f[1..]));

        bool Names(string f) => f[0] == '=' ? test.Name == f[1..] || test.FullName == f[1..] : test.FullName.Contains(f, StringComparison.OrdinalIgnoreCase);
    }

    public void Dispose()
    {
        foreach (string folder in _temporary) Directory.Delete(folder, recursive: true);
    }

    private string Unpack(string archive)
    {
        if (!File.Exists(archive)) throw new FileNotFoundException($"'{archive}' is neither a folder nor a file.");
        string folder = Directory.CreateTempSubdirectory("conformance-").FullName;
        _temporary.Add(folder);
        using Process tar = Process.Start(new ProcessStartInfo("tar", ["-xf", Path.GetFullPath(archive), "-C", folder]) { RedirectStandardError = true })!;
        string errors = tar.StandardError.ReadToEnd();
        tar.WaitForExit();
        return tar.ExitCode == 0 ? folder : throw new IOException($"'{archive}' cannot be unpacked: {errors.Trim()}");
    }
}
