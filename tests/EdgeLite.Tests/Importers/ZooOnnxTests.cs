using System.Text.Json;
using EdgeLite.Converter.Importers.Onnx;
using EdgeLite.Converter.Ir;

namespace EdgeLite.Tests.Importers;

/// <summary>Published ONNX models against what ONNX Runtime computed for them.</summary>
public class ZooOnnxTests
{
    public static TheoryData<string> Models() => [.. SharedData.FoldersIn("zoo/onnx")];

    [SharedTheory("zoo/onnx")]
    [MemberData(nameof(Models))]
    public void Computes_what_onnx_runtime_computes(string name)
    {
        string folder = Path.Combine(SharedData.Folder!, "zoo/onnx", name);
        using JsonDocument meta = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, "meta.json")));
        double atol = meta.RootElement.GetProperty("tolerance").GetProperty("atol").GetDouble();
        double rtol = meta.RootElement.GetProperty("tolerance").GetProperty("rtol").GetDouble();

        Graph graph = OnnxImporter.Import(Path.Combine(folder, "model.onnx"));
        Assert.Empty(ShapeInference.FindUnknownOperators(graph).Select(u => u.Operator));
        ShapeInference.Run(graph);
        var inputs = new Tensor[graph.Inputs.Count];
        foreach (JsonElement input in meta.RootElement.GetProperty("inputs").EnumerateArray())
        {
            string inputName = input.GetProperty("name").GetString()!;
            int index = graph.Inputs.ToList().FindIndex(i => i.Name == inputName);
            Assert.True(index >= 0, $"the graph has no input '{inputName}'");
            Tensor stored = NpyFile.Read(Path.Combine(folder, input.GetProperty("file").GetString()!));
            long[] dims = [.. input.GetProperty("shape").EnumerateArray().Select(d => d.GetInt64())];
            inputs[index] = As(stored, graph.Inputs[index].DType, new Shape(dims));
        }
        Tensor[] outputs = new GraphInterpreter(graph).Run(inputs);
        foreach (JsonElement output in meta.RootElement.GetProperty("outputs").EnumerateArray())
        {
            string outputName = output.GetProperty("name").GetString()!;
            int index = graph.Outputs.ToList().FindIndex(o => o.Name == outputName);
            Assert.True(index >= 0, $"the graph has no output '{outputName}'");
            TensorAssert.Close(NpyFile.Read(Path.Combine(folder, output.GetProperty("file").GetString()!)), outputs[index], rtol, atol, outputName);
        }
    }

    /// <summary>Arrays are stored as float32 where the model wants another type or a scalar.</summary>
    private static Tensor As(Tensor stored, DType type, Shape shape) => stored.Reshaped(shape).ConvertTo(type);
}
