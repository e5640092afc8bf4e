using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers;

/// <summary>Reads one foreign format. Implementations are found by the converter by existing; each lives in a folder of its own.</summary>
public interface IImporter
{
    /// <summary>The format's name as people say it.</summary>
    string Format { get; }

    /// <summary>What is read, what of it is tested, and the map of layers; docs/importers.md is made of it.</summary>
    FormatReference Reference { get; }

    /// <summary>Whether the file is of this format, told from its content. <paramref name="head"/> is its beginning (up to
    /// 64 KB).</summary>
    bool Recognizes(string path, ReadOnlySpan<byte> head);

    /// <summary>Whether a model is two files, each of which is recognised: the network and its weights.</summary>
    bool HasTwoFiles => false;

    /// <summary>Whether the folder is a model of this format, for formats that are folders.</summary>
    bool RecognizesFolder(string path) => false;

    /// <summary>Reads the file. Throws an <c>EdgeLiteException</c> that says what is wrong.</summary>
    Graph Import(string path);

    /// <summary>Reads the file with sizes of inputs by name, for formats that do not store them (the empty name: every input that is
    /// not named). They are checked against the graph afterwards.</summary>
    Graph Import(string path, IReadOnlyDictionary<string, Shape> shapes) => Import(path);

    /// <summary>Reads a model of which several files were named: the network and its weights.</summary>
    Graph Import(IReadOnlyList<string> paths, IReadOnlyDictionary<string, Shape> shapes, string? signature) => paths.Count == 1 ? Import(paths[0], shapes, signature)
        : throw new EdgeLiteException(Status.InvalidArgument, $"{paths.Count} files were named; of a model of {Format} name one, what belongs to it is found beside it.");

    /// <summary>Reads one of a file's several entry points (signatures), by its name; null: the usual one.</summary>
    Graph Import(string path, IReadOnlyDictionary<string, Shape> shapes, string? signature) => signature == null ? Import(path, shapes)
        : throw new EdgeLiteException(Status.InvalidArgument, $"Signature '{signature}' was asked for; files of {Format} have no signatures.");
}
