using System.Text.Json;
using EdgeLite.Converter.Importers.Tflite;
using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Lowering;
using EdgeLite.Converter.Passes;
using Xunit.Abstractions;

namespace EdgeLite.Tests.Importers;

/// <summary>Every TFLite model of the collection against the results of the TFLite C++ interpreter that are stored beside it.</summary>
public class TfliteZooTests(ITestOutputHelper output)
{
    private static readonly string? s_zoo = FindZoo();

    public static TheoryData<string> Models
    {
        get
        {
            var data = new TheoryData<string>();
            if (s_zoo == null) data.Add("");
            else foreach (string folder in Directory.GetDirectories(s_zoo).Order(StringComparer.Ordinal)) data.Add(Path.GetFileName(folder));
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void Results_are_those_of_the_TFLite_interpreter(string model) => Check(model, lower: false);

    /// <summary>Simplified and lowered for the CPU, quantized networks run on integers alone and must give the same ones.</summary>
    [Theory]
    [MemberData(nameof(Models))]
    public void Results_stay_the_same_when_lowered(string model) => Check(model, lower: true);

    private void Check(string model, bool lower)
    {
        if (model.Length == 0)
        {
            output.WriteLine("SKIPPED: the folder shared/zoo/tflite is not beside this checkout.");
            return;
        }
        string folder = Path.Combine(s_zoo!, model);
        using JsonDocument meta = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, "meta.json")));
        double atol = meta.RootElement.GetProperty("tolerance").GetProperty("atol").GetDouble(), rtol = meta.RootElement.GetProperty("tolerance").GetProperty("rtol").GetDouble();
        Graph graph = TfliteImporter.Import(Path.Combine(folder, "model.tflite"));

        if (lower)
        {
            PassList.Optimize(graph);
            CpuLowering.Run(graph);
        }

        Tensor[] inputs = [.. meta.RootElement.GetProperty("inputs").EnumerateArray().Select(i => NpyFile.Read(Path.Combine(folder, i.GetProperty("file").GetString()!)))];
        Assert.Equal(meta.RootElement.GetProperty("inputs").EnumerateArray().Select(i => i.GetProperty("name").GetString()), graph.Inputs.Select(i => i.Name));
        Tensor[] results = new GraphInterpreter(graph).Run(inputs);

        int k = 0;
        foreach (JsonElement expected in meta.RootElement.GetProperty("outputs").EnumerateArray())
        {
            Assert.Equal(expected.GetProperty("name").GetString(), graph.Outputs[k].Name);
            string raw = Path.Combine(folder, $"output_{k}_raw.npy");
            if (File.Exists(raw)) CompareIntegers(NpyFile.Read(raw), results[k]);
            else CompareReals(NpyFile.Read(Path.Combine(folder, expected.GetProperty("file").GetString()!)), results[k], atol, rtol);
            k++;
        }
    }

    private void CompareReals(Tensor expected, Tensor actual, double atol, double rtol)
    {
        Assert.Equal(expected.Shape, actual.Shape);
        double worst = 0;
        for (long i = 0; i < expected.Count; i++)
            worst = Math.Max(worst, Math.Abs(expected.GetDouble(i) - actual.GetDouble(i)) - rtol * Math.Abs(expected.GetDouble(i)));
        output.WriteLine($"largest difference beyond rtol {worst:g3}, allowed {atol:g3}");
        Assert.True(worst <= atol, $"differs by {worst:g4} beyond rtol, allowed {atol:g4}");
    }

    /// <summary>Quantized results must be the very same integers.</summary>
    private void CompareIntegers(Tensor expected, Tensor actual)
    {
        Assert.Equal(expected.DType, actual.DType);
        Assert.Equal(expected.Shape, actual.Shape);
        long differing = 0, worst = 0;
        for (long i = 0; i < expected.Count; i++)
        {
            long d = Math.Abs(expected.GetInt64(i) - actual.GetInt64(i));
            if (d != 0) differing++;
            worst = Math.Max(worst, d);
        }
        output.WriteLine($"{differing} of {expected.Count} integers differ, by at most {worst}");
        Assert.True(worst == 0, $"{differing} of {expected.Count} integers differ, by at most {worst}");
    }

    private static string? FindZoo()
    {
        for (DirectoryInfo? d = new(AppContext.BaseDirectory); d != null; d = d.Parent)
            foreach (string candidate in new[] { Path.Combine(d.FullName, "shared"), Path.Combine(d.FullName, "..", "shared") })
                if (Directory.Exists(Path.Combine(candidate, "zoo", "tflite"))) return Path.GetFullPath(Path.Combine(candidate, "zoo", "tflite"));
        return null;
    }
}
