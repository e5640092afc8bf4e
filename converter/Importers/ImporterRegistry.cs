using EdgeLite.Core;

namespace EdgeLite.Converter.Importers;

/// <summary>Finds the importer for a file by asking each of them about its content.</summary>
public static class ImporterRegistry
{
    public static IReadOnlyList<IImporter> All { get; } =
    [
        .. typeof(IImporter).Assembly.GetTypes()
            .Where(t => t is { IsClass: true, IsAbstract: false } && t.IsAssignableTo(typeof(IImporter)))
            .Select(t => (IImporter)Activator.CreateInstance(t)!)
            .OrderBy(i => i.Format, StringComparer.Ordinal),
    ];

    /// <summary>The file or folder to read for what was named, and who reads it: of a folder that is no format by itself, the model in it.</summary>
    public static (string Path, IImporter Importer) Locate(string path)
    {
        if (!Directory.Exists(path)) return (path, Find(path));
        if (All.FirstOrDefault(i => i.RecognizesFolder(path)) is { } ofFolder) return (path, ofFolder);
        if (Directory.GetDirectories(path) is [var only] && Directory.GetFiles(path).Length == 0) return Locate(only); // as archives unpack
        (string Path, IImporter Importer)[] found = [.. ModelsIn(path)];
        // The two files of a network and its weights are one model.
        if (found.Length == 1 || found.Length == 2 && found[0].Importer == found[1].Importer && found[0].Importer.HasTwoFiles) return found[0];
        if (found.Length > 0)
            throw new EdgeLiteException(Status.InvalidArgument, $"The folder '{path}' holds {found.Length} models or parts of models; name one: {Listed(found.Select(f => $"'{Path.GetFileName(f.Path)}' ({f.Importer.Format})"))}.");
        string[] below = [.. Directory.GetDirectories(path).Where(d => All.Any(i => i.RecognizesFolder(d)) || ModelsIn(d).Any()).Order(StringComparer.Ordinal)];
        throw new EdgeLiteException(Status.NotAModel, $"The folder '{path}' is of no format that can be read, and no file in it is{(below.Length == 0 ? "" : $"; these folders in it are, name one: {Listed(below.Select(d => $"'{d}'"))}")}.");
    }

    private static IEnumerable<(string Path, IImporter Importer)> ModelsIn(string folder)
    {
        foreach (string file in ModelFile.In(folder))
            if (ModelFile.Head(file) is { Length: > 0 } head && All.FirstOrDefault(i => i.Recognizes(file, head)) is { } importer) yield return (file, importer);
    }

    /// <summary>The first six of them.</summary>
    private static string Listed(IEnumerable<string> names) => string.Join(", ", names.Take(6)) + (names.Skip(6).Any() ? ", ..." : "");

    /// <summary>Who reads a file.</summary>
    public static IImporter Find(string path)
    {
        if (!File.Exists(path)) throw new EdgeLiteException(Status.FileNotFound, $"There is no file '{path}'.");
        byte[] head = ModelFile.Head(path);
        if (head.Length == 0) throw new EdgeLiteException(Status.Truncated, $"'{path}' is empty.");
        return All.FirstOrDefault(i => i.Recognizes(path, head))
            ?? throw new EdgeLiteException(Status.NotAModel, $"'{path}' is {NoModel.Describe(path, head) ?? $"of no format that can be read; readable are: {string.Join(", ", All.Select(i => i.Format))}"}.");
    }
}
