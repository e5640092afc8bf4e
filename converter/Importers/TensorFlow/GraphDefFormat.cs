using EdgeLite.Converter.Importers.TensorFlow.Proto;
using EdgeLite.Converter.Ir;

namespace EdgeLite.Converter.Importers.TensorFlow;

/// <summary>Frozen graphs: a GraphDef as protobuf (.pb), whose variables are constants.</summary>
public sealed class GraphDefFormat : IImporter
{
    public string Format => "TensorFlow graph (GraphDef)";

    public FormatReference Reference { get; } = new()
    {
        Files = "a frozen GraphDef (`.pb`): variables are constants. Recognised by a protobuf message that begins with nodes. Control flow of both versions; functions are inlined.",
        Tested = "20 genuine networks against the predictions that TensorFlow stored with them.",
        LayersOf = TfModel.LayersOf,
        Layers = TfModel.Layers,
    };

    /// <summary>Begins with a node (field 1) that begins with its name (1) and its operator (2), or with the versions (field 4).</summary>
    public bool Recognizes(string path, ReadOnlySpan<byte> head) => IsNode(head);

    /// <summary>Reads a graph whose outputs are the results that no node reads.</summary>
    public Graph Import(string path) => Import(path, null);

    /// <param name="path">the file</param>
    /// <param name="outputs">names of tensors ("node" or "node:1") that the graph shall compute; null for the results that no node reads</param>
    public static Graph Import(string path, IReadOnlyList<string>? outputs)
    {
        var model = new TfModel(ProtoFile.Read(path, GraphDef.Parser));
        return TfImporter.Import(model, Path.GetFileNameWithoutExtension(path), outputs: outputs?.Select(o => new TfPort(o, o)).ToArray());
    }

    private static bool IsNode(ReadOnlySpan<byte> head)
    {
        int at = 0;
        if (!Field(head, ref at, 1, out _) || !Field(head, ref at, 1, out int nameLength)) return false;
        at += nameLength;
        if (nameLength == 0 || at >= head.Length || !Field(head, ref at, 2, out int opLength) || opLength is 0 or > 200 || at + opLength > head.Length) return false;
        foreach (byte b in head.Slice(at, opLength))
            if (!char.IsAsciiLetterOrDigit((char)b) && b is not ((byte)'_' or (byte)'>' or (byte)'.')) return false;
        return true;
    }

    /// <summary>The header of a length-delimited field with that number.</summary>
    private static bool Field(ReadOnlySpan<byte> head, ref int at, int number, out int length)
    {
        length = 0;
        if (at >= head.Length || head[at++] != (number << 3 | 2)) return false;
        for (int shift = 0; shift < 35 && at < head.Length; shift += 7)
        {
            byte b = head[at++];
            length |= (b & 127) << shift;
            if (b < 128) return length >= 0;
        }
        return false;
    }
}
