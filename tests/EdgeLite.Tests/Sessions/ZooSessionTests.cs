using System.Text.Json;
using EdgeLite.Converter;
using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Writer;

namespace EdgeLite.Tests.Sessions;

/// <summary>The whole line on published models: read, optimize, lower, write, load, run on the native kernels, compare with what an
/// independent engine computed.</summary>
public class ZooSessionTests
{
    /// <summary>Bytes of the largest model that the slow reference loops run as well.</summary>
    private const long ReferenceLimit = 500_000;

    public static TheoryData<string, string> Models()
    {
        var data = new TheoryData<string, string>();
        foreach (string folder in new[] { "zoo/onnx", "zoo/tflite" })
            foreach (string model in SharedData.FoldersIn(folder))
            {
                data.Add($"{folder}/{model}", "cpu");
                if (Directory.GetFiles(Path.Combine(SharedData.Folder!, folder, model), "model.*").Sum(f => new FileInfo(f).Length) < ReferenceLimit)
                    data.Add($"{folder}/{model}", "reference");
            }
        return data;
    }

    [SharedTheory("zoo")]
    [MemberData(nameof(Models))]
    public void Converted_models_compute_the_reference_outputs(string model, string device)
    {
        string folder = Path.Combine(SharedData.Folder!, model);
        using JsonDocument meta = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, "meta.json")));
        string file = Directory.GetFiles(folder, "model.*").Single(f => f.EndsWith(".onnx", StringComparison.Ordinal) || f.EndsWith(".tflite", StringComparison.Ordinal));
        JsonElement[] inputs = [.. meta.RootElement.GetProperty("inputs").EnumerateArray()];
        JsonElement[] outputs = [.. meta.RootElement.GetProperty("outputs").EnumerateArray()];
        var options = new ConversionOptions();
        (Graph graph, _) = Pipeline.Import(file, options);
        Pipeline.Optimize(graph, options);
        Pipeline.Lower(graph, options);
        using Model loaded = Model.Load(ModelWriter.ToBytes(graph), model);
        using Session session = loaded.CreateSession(new SessionOptions { Threads = 2, Device = device });
        foreach (JsonElement input in inputs)
        {
            int i = session.FindInput(input.GetProperty("name").GetString()!);
            if (!session.InputType(i).IsKnown) session.Resize(i, ShapeOf(input.GetProperty("shape")));
        }
        foreach (JsonElement input in inputs)
        {
            int i = session.FindInput(input.GetProperty("name").GetString()!);
            Tensor stored = NpyFile.Read(Path.Combine(folder, input.GetProperty("file").GetString()!));
            Tensor target = session.Input(i);
            Assert.Equal(stored.Count, target.Count);
            for (long k = 0; k < stored.Count; k++) target.SetDouble(k, stored.GetDouble(k));
        }
        session.Run();

        double atol = meta.RootElement.GetProperty("tolerance").GetProperty("atol").GetDouble();
        double rtol = meta.RootElement.GetProperty("tolerance").GetProperty("rtol").GetDouble();
        for (int k = 0; k < outputs.Length; k++)
        {
            string name = outputs[k].GetProperty("name").GetString()!;
            Tensor got = session.Output(session.FindOutput(name));
            string raw = Path.Combine(folder, $"output_{k}_raw.npy"), real = Path.Combine(folder, $"output_{k}.npy");
            if (File.Exists(raw) && got.DType.IsInteger()) TensorAssert.Close(NpyFile.Read(raw), got, 0, 0, name);
            else TensorAssert.Close(NpyFile.Read(real), got, rtol, atol, name);
        }
    }

    private static Shape ShapeOf(JsonElement dims) => new([.. dims.EnumerateArray().Select(d => d.GetInt64())]);
}
