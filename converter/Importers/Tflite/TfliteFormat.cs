using EdgeLite.Converter.Ir;

namespace EdgeLite.Converter.Importers.Tflite;

/// <summary>TensorFlow Lite files carry the FlatBuffers identifier TFL3 in bytes 4 to 7.</summary>
public sealed class TfliteFormat : IImporter
{
    public string Format => "TensorFlow Lite";
    public bool Recognizes(string path, ReadOnlySpan<byte> head) => head.Length >= 8 && head[4..8].SequenceEqual("TFL3"u8);
    public Graph Import(string path) => TfliteImporter.Import(path);
}
