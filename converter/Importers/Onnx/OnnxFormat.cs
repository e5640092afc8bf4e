using EdgeLite.Converter.Ir;

namespace EdgeLite.Converter.Importers.Onnx;

/// <summary>An ONNX file is a bare protobuf message without magic: the beginning must be fields of ModelProto with their right
/// wire types, ir_version among them, until the graph or the end of what is given.</summary>
public sealed class OnnxFormat : IImporter
{
    private const int GraphField = 7, LongestName = 4096;

    /// <summary>Wire types of ModelProto's fields by number (onnx.proto): 0 varint, 2 length-delimited, -1 unused.</summary>
    private static ReadOnlySpan<sbyte> WireTypes => [-1, 0, 2, 2, 2, 0, 2, 2, 2, -1, -1, -1, -1, -1, 2, -1, -1, -1, -1, -1, 2, -1, -1, -1, -1, 2, 2];

    public string Format => "ONNX";

    public FormatReference Reference { get; } = new()
    {
        Files = "`.onnx`, operator sets 1 to 28, with external data. Recognised by the fields of its protobuf message.",
        Tested = "every test of the ONNX backend suite; genuine models against ONNX Runtime; operators of ai.onnx.ml and com.microsoft on random tensors against ONNX Runtime, those that it has on GPUs only against their definition; GPT-2, T5 and Whisper of random weights in the operators of onnxruntime's optimizer step by step, and inside GreedySearch and BeamSearch.",
        LayersOf = "every operator of [operators.md](operators.md), and functions that the model brings along.",
        Layers = [],
    };

    public Graph Import(string path) => OnnxImporter.Import(path);

    public bool Recognizes(string path, ReadOnlySpan<byte> head)
    {
        bool sawVersion = false;
        int at = 0;
        while (at < head.Length)
        {
            if (!TryVarint(head, ref at, out ulong tag)) return false;
            int field = (int)(tag >> 3), wire = (int)(tag & 7);
            if (tag >> 3 >= (ulong)WireTypes.Length || WireTypes[field] != wire) return false;
            if (field == GraphField) return sawVersion || path.EndsWith(".onnx", StringComparison.OrdinalIgnoreCase);
            if (!TryVarint(head, ref at, out ulong value)) return false;
            if (field == 1) sawVersion = value is > 0 and < 1000;
            if (wire == 2)
            {
                if (value > int.MaxValue) return false;
                // The producer is a name; TensorFlow's SavedModel has a message in its place.
                if (field == 2 && (value > LongestName || value > 0 && at < head.Length && head[at] < ' ')) return false;
                at = (int)Math.Min(head.Length, at + (long)value);
            }
        }
        return sawVersion;
    }

    private static bool TryVarint(ReadOnlySpan<byte> head, ref int at, out ulong value)
    {
        value = 0;
        for (int shift = 0; shift < 64 && at < head.Length; shift += 7)
        {
            byte b = head[at++];
            value |= (ulong)(b & 127) << shift;
            if (b < 128) return true;
        }
        return false;
    }
}
