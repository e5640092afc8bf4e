using System.IO.Compression;
using System.Text;
using System.Text.Json;
using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.Dl4j;

/// <summary>
/// Reads what Deeplearning4j's ModelSerializer writes: a zip of configuration.json (a MultiLayerNetwork or a ComputationGraph, from 0.7
/// to 1.0) and coefficients.bin (all weights in one vector, layer by layer). The input of a MultiLayerNetwork is called "input", its
/// output "output"; a graph's keep their names. Pictures are [N,C,H,W], sequences [N,features,steps], as there. Sizes of inputs are
/// not part of such files; the first layers tell what they can, the rest is free or can be given.
/// </summary>
public sealed class Dl4jImporter : IImporter
{
    private const long MaxText = 64L << 20, MaxWeights = 8L << 30;

    public string Format => "Deeplearning4j";

    public FormatReference Reference { get; } = new()
    {
        Files = "what `ModelSerializer` wrote: a `.zip` of `configuration.json` and `coefficients.bin`, MultiLayerNetwork or ComputationGraph, of versions 0.7 to 1.0 (`@class` and the older wrapper objects). Recognised by these two files in the zip. A normalizer in the zip is not part of the network; metadata say that it was there.",
        Tested = "genuine models of 1.0.0-beta4 and beta6 (a CNN with separable and depthwise convolutions, a graph of bidirectional LSTM and SimpleRnn) against Deeplearning4j's own results; the forms of older versions on those models written over into them; GravesLSTM, RBM, BatchNormalization and the folding of steps on small networks computed by hand. Other layers were written from Deeplearning4j's sources and documentation.",
        LayersOf = "Deeplearning4j's layers, vertices and preprocessors",
        Layers = Dl4jClasses.References,
    };

    public bool Recognizes(string path, ReadOnlySpan<byte> head) => ZipParts.Holds(path, head, "configuration.json", "coefficients.bin");

    public Graph Import(string path) => Import(path, new Dictionary<string, Shape>());

    public Graph Import(string path, IReadOnlyDictionary<string, Shape> shapes)
    {
        using ZipArchive zip = ZipParts.Open(path);
        byte[] text = ZipParts.Read(zip, "configuration.json", MaxText, path);
        JsonDocument document;
        try
        {
            document = JsonDocument.Parse(Encoding.UTF8.GetString(text), new JsonDocumentOptions { MaxDepth = 100, AllowTrailingCommas = true });
        }
        catch (JsonException e)
        {
            throw new EdgeLiteException(Status.Corrupt, $"configuration.json in '{path}' is damaged: {e.Message}", e);
        }
        using (document)
        {
            try
            {
                var graph = new Graph(Path.GetFileNameWithoutExtension(path));
                if (zip.GetEntry("normalizer.bin") != null) graph.Metadata["dl4j.normalizer"] = "the model came with a normalizer of its input, which is not part of the network";
                JsonElement root = document.RootElement;
                Dl4jNetwork network = Dl4jConfig.Find(root, "vertices") != null ? Dl4jNetwork.OfGraph(root) : Dl4jNetwork.OfLayers(root);
                network.RefuseUnknown();
                network.Build(graph, new Dl4jWeights(Nd4jArray.Read(ZipParts.Read(zip, "coefficients.bin", MaxWeights, path), $"{path}:coefficients.bin")), shapes);
                GraphVerifier.Verify(graph);
                return graph;
            }
            catch (Exception e) when (e is JsonException or OverflowException or IndexOutOfRangeException or ArgumentException or InvalidOperationException or InvalidCastException or DivideByZeroException or KeyNotFoundException)
            {
                throw new EdgeLiteException(Status.Corrupt, $"'{path}' contradicts itself: {e.Message}", e);
            }
        }
    }
}
