using System.Collections.Concurrent;
using System.Text.Json;
using EdgeLite.Converter;
using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Writer;

namespace EdgeLite.Tests.Sessions;

/// <summary>Models of the collection as .edgl files in memory, each converted once for all tests.</summary>
internal static class ConvertedModels
{
    private static readonly ConcurrentDictionary<string, Lazy<byte[]>> s_files = new();

    /// <summary>Every model of the collection that the converter reads: "onnx/blazeface_front".</summary>
    public static IEnumerable<string> All =>
        new[] { "onnx", "tflite" }.SelectMany(f => SharedData.FoldersIn($"zoo/{f}").Select(m => $"{f}/{m}"));

    public static string FolderOf(string model) => Path.Combine(SharedData.Folder!, "zoo", model);

    public static string SourceOf(string model) => Path.Combine(FolderOf(model), model.StartsWith("onnx/", StringComparison.Ordinal) ? "model.onnx" : "model.tflite");

    public static byte[] Bytes(string model) => s_files.GetOrAdd(model, m => new Lazy<byte[]>(() => Convert(SourceOf(m)))).Value;

    public static Model Load(string model) => Model.Load(Bytes(model), model);

    /// <summary>The whole line from a foreign file to the bytes of an .edgl file.</summary>
    public static byte[] Convert(string source, bool pack = true)
    {
        var options = new ConversionOptions();
        (Graph graph, _) = Pipeline.Import(source, options);
        Pipeline.Optimize(graph, options);
        Pipeline.Lower(graph, options);
        return ModelWriter.ToBytes(graph, pack: pack);
    }

    /// <summary>Gives every input the shape and the values that lie beside the model.</summary>
    public static void Fill(Session session, string model)
    {
        using JsonDocument meta = JsonDocument.Parse(File.ReadAllText(Path.Combine(FolderOf(model), "meta.json")));
        JsonElement[] inputs = [.. meta.RootElement.GetProperty("inputs").EnumerateArray()];
        foreach (JsonElement input in inputs)
        {
            int i = session.FindInput(input.GetProperty("name").GetString()!);
            if (!session.InputType(i).IsKnown) session.Resize(i, new Shape([.. input.GetProperty("shape").EnumerateArray().Select(d => d.GetInt64())]));
        }
        foreach (JsonElement input in inputs)
        {
            // Arrays are stored as float32 where the model wants another type or a scalar.
            Tensor stored = NpyFile.Read(Path.Combine(FolderOf(model), input.GetProperty("file").GetString()!));
            Tensor target = session.Input(session.FindInput(input.GetProperty("name").GetString()!));
            Assert.Equal(stored.Count, target.Count);
            for (long k = 0; k < stored.Count; k++) target.SetDouble(k, stored.GetDouble(k));
        }
    }

    /// <summary>Copies of all outputs of the last run.</summary>
    public static byte[][] Outputs(Session session) => [.. Enumerable.Range(0, session.OutputCount).Select(i => session.Output(i).Bytes.ToArray())];
}
