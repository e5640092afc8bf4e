using EdgeLite.Core;

namespace EdgeLite.Converter.Importers;

/// <summary>Finds the importer for a file by asking each of them about its content.</summary>
public static class ImporterRegistry
{
    private const int HeadBytes = 1 << 16;

    public static IReadOnlyList<IImporter> All { get; } =
    [
        .. typeof(IImporter).Assembly.GetTypes()
            .Where(t => t is { IsClass: true, IsAbstract: false } && t.IsAssignableTo(typeof(IImporter)))
            .Select(t => (IImporter)Activator.CreateInstance(t)!)
            .OrderBy(i => i.Format, StringComparer.Ordinal),
    ];

    public static IImporter Find(string path)
    {
        if (Directory.Exists(path))
            return All.FirstOrDefault(i => i.RecognizesFolder(path)) ?? throw new EdgeLiteException(Status.NotAModel, $"The folder '{path}' is of no format that can be read.");
        if (!File.Exists(path)) throw new EdgeLiteException(Status.FileNotFound, $"There is no file '{path}'.");
        using var stream = File.OpenRead(path);
        var head = new byte[Math.Min(HeadBytes, stream.Length)];
        stream.ReadExactly(head);
        if (head.Length == 0) throw new EdgeLiteException(Status.Truncated, $"'{path}' is empty.");
        return All.FirstOrDefault(i => i.Recognizes(path, head))
            ?? throw new EdgeLiteException(Status.NotAModel, $"'{path}' is of no format that can be read; readable are: {string.Join(", ", All.Select(i => i.Format))}.");
    }
}
