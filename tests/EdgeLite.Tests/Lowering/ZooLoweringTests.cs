using System.Text.Json;
using EdgeLite.Converter.Importers.Onnx;
using EdgeLite.Converter.Importers.Tflite;
using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Lowering;
using EdgeLite.Converter.Passes;
using EdgeLite.Tests.Passes;
using Xunit.Abstractions;

namespace EdgeLite.Tests.Lowering;

/// <summary>Published models give the same outputs before and after passes and lowering. EDGELITE_DUMP names a folder for the lowered
/// graphs.</summary>
public class ZooLoweringTests(ITestOutputHelper output)
{
    /// <summary>Bytes of a model that the reference loops run in seconds.</summary>
    private const long LargestModel = 2 << 20;

    public static TheoryData<string> Models() =>
    [
        .. SharedData.FoldersIn("zoo/onnx").Select(n => $"onnx/{n}/model.onnx").Concat(SharedData.FoldersIn("zoo/tflite").Select(n => $"tflite/{n}/model.tflite"))
            .Where(path => new FileInfo(Path.Combine(SharedData.Folder!, "zoo", path)) is { Exists: true, Length: <= LargestModel }),
    ];

    [SharedTheory("zoo/tflite")]
    [MemberData(nameof(Models))]
    public void Outputs_stay_what_they_were(string model)
    {
        string path = Path.Combine(SharedData.Folder!, "zoo", model);
        Graph graph = Import(path), original = Import(path);
        Dictionary<string, Tensor> inputs = StoredInputs(Path.GetDirectoryName(path)!, original);
        bool quantized = original.Nodes.Any(n => n.Is("QuantizeLinear"));
        try
        {
            Equivalence.Check(graph, original, g =>
            {
                PassList.Optimize(g);
                CpuLowering.Run(g);
            }, tolerance: quantized ? 0.02 : 1e-4, input: (value, index) => inputs.GetValueOrDefault(value.Name) ?? Equivalence.Random(value, index));
            // Where the collection holds the interpreter's integers, they are these.
            Tensor[] results = new GraphInterpreter(graph).Run([.. graph.Inputs.Select((v, i) => inputs.GetValueOrDefault(v.Name) ?? Equivalence.Random(v, i))]);
            for (int i = 0; i < results.Length; i++)
                if (Path.Combine(Path.GetDirectoryName(path)!, $"output_{i}_raw.npy") is var raw && File.Exists(raw))
                    Equivalence.Same(NpyFile.Read(raw), results[i], 0, 0, graph.Outputs[i].Name);
        }
        finally
        {
            output.WriteLine(string.Join(" ", graph.Nodes.GroupBy(n => n.OperatorName).OrderBy(g => g.Key).Select(g => $"{g.Key}={g.Count()}")));
            if (Environment.GetEnvironmentVariable("EDGELITE_DUMP") is { Length: > 0 } folder)
                File.WriteAllText(Path.Combine(folder, Path.GetFileName(Path.GetDirectoryName(path)) + ".txt"), GraphText.Dump(graph));
        }
    }

    private static Dictionary<string, Tensor> StoredInputs(string folder, Graph graph)
    {
        using JsonDocument meta = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, "meta.json")));
        var inputs = new Dictionary<string, Tensor>();
        foreach (JsonElement input in meta.RootElement.GetProperty("inputs").EnumerateArray())
        {
            string name = input.GetProperty("name").GetString()!;
            Tensor stored = NpyFile.Read(Path.Combine(folder, input.GetProperty("file").GetString()!));
            if (graph.Find(name) is not { } value) continue;
            // Arrays are stored as float32 where the model wants another type or a scalar.
            var tensor = new Tensor(value.DType, new Shape([.. input.GetProperty("shape").EnumerateArray().Select(d => d.GetInt64())]));
            for (long i = 0; i < tensor.Count; i++) tensor.SetDouble(i, stored.GetDouble(i));
            inputs[name] = tensor;
        }
        return inputs;
    }

    private static Graph Import(string path)
    {
        Graph graph = path.EndsWith(".onnx", StringComparison.Ordinal) ? OnnxImporter.Import(path) : TfliteImporter.Import(path);
        ShapeInference.Run(graph);
        return graph;
    }
}
