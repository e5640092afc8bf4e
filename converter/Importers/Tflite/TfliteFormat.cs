using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.Tflite;

/// <summary>TensorFlow Lite files carry the FlatBuffers identifier TFL3 in bytes 4 to 7.</summary>
public sealed class TfliteFormat : IImporter
{
    public string Format => "TensorFlow Lite";

    public FormatReference Reference { get; } = new()
    {
        Files = "`.tflite`, recognised by FlatBuffers' identifier TFL3. Integer tensors become QuantizeLinear and DequantizeLinear around the operators; under float activations (hybrid kernels) only weights are integers, activations stay float. Buffers may lie behind the FlatBuffer, beyond 2 GB. What metadata say (name, author, descriptions, normalization) and attached label files become metadata of the .edgl file. Of several signatures the first subgraph is taken, or the one that `--signature` names; their names are recorded.",
        Tested = "36 genuine models (MLPerf Tiny, TFLite-Micro, MediaPipe, LiteRT, MTCNN, MobileFaceNet), float, int8, int16x8, float16 and sparse, and 220 forms of single operators on random shapes (those with a state over several runs, IF, WHILE, variables and hash tables too), and each builtin operator with each element type that it takes, against the TFLite interpreter, and outside the test suite 16 more of MediaPipe (hands, poses, objects); the three operators of the face mesh with attention by plain loops; 26 forms of operators newer than that interpreter (2022) against LiteRT's; what neither runs (StableHLO's reductions, products, convolutions and movement) by hand, from its specification. Metadata, attached files and buffers beyond 2 GB: files that the tests write.",
        LayersOf = "TensorFlow Lite's operators",
        Layers = [.. ForeignLayers.References<TfliteAttribute>(), .. ForeignLayers.References<TfliteCustomAttribute>().Select(l => l with { Name = l.Name + " (custom)" })],
    };
    public bool Recognizes(string path, ReadOnlySpan<byte> head) => head.Length >= 8 && head[4..8].SequenceEqual("TFL3"u8);
    public Graph Import(string path) => TfliteImporter.Import(path);
    public Graph Import(string path, IReadOnlyDictionary<string, Shape> shapes, string? signature) => TfliteImporter.Import(path, signature);
}
