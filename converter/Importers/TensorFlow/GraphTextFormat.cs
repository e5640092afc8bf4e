using EdgeLite.Converter.Importers.TensorFlow.Proto;
using EdgeLite.Converter.Ir;

namespace EdgeLite.Converter.Importers.TensorFlow;

/// <summary>Frozen graphs as text (.pbtxt).</summary>
public sealed class GraphTextFormat : IImporter
{
    public string Format => "TensorFlow graph (text)";

    public FormatReference Reference { get; } = new()
    {
        Files = "a GraphDef in protobuf's text form (`.pbtxt`), recognised by its first words.",
        Tested = "hand-made files only; the operators are those of the binary form.",
        LayersOf = TfModel.LayersOf,
        Layers = TfModel.Layers,
    };

    /// <summary>Text whose first field is a node, the library or the versions of a GraphDef, with operators in it.</summary>
    public bool Recognizes(string path, ReadOnlySpan<byte> head)
    {
        ReadOnlySpan<byte> rest = head;
        if (rest.StartsWith((ReadOnlySpan<byte>)[0xef, 0xbb, 0xbf])) rest = rest[3..];
        while (true)
        {
            rest = rest.TrimStart(" \t\r\n"u8);
            if (!rest.StartsWith("#"u8)) break;
            int end = rest.IndexOf((byte)'\n');
            if (end < 0) return false;
            rest = rest[end..];
        }
        bool opens = Opens(rest, "node"u8) || Opens(rest, "library"u8) || Opens(rest, "versions"u8);
        // Operators are `op: "Name"`; ONNX's text form writes op_type.
        return opens && (rest.IndexOf(" op:"u8) >= 0 || rest.IndexOf("\top:"u8) >= 0 || rest.IndexOf("\nop:"u8) >= 0 || rest.IndexOf("{op:"u8) >= 0);
    }

    public Graph Import(string path) =>
        TfImporter.Import(new TfModel(ProtoText.Read<GraphDef>(path)), Path.GetFileNameWithoutExtension(path));

    private static bool Opens(ReadOnlySpan<byte> text, ReadOnlySpan<byte> word)
    {
        if (!text.StartsWith(word)) return false;
        text = text[word.Length..].TrimStart(" \t\r\n:"u8);
        return text.Length > 0 && text[0] is (byte)'{' or (byte)'<';
    }
}
