using System.Diagnostics;
using EdgeLite.Converter;
using EdgeLite.Converter.Importers;
using EdgeLite.Converter.Ir;
using Xunit.Abstractions;

namespace EdgeLite.Tests.Importers;

/// <summary>Files that PyTorch 2.14 wrote (traced, scripted, exported before and after decomposition, ONNX) against its own results.</summary>
public class TorchGenuineTests(ITestOutputHelper output)
{
    /// <summary>A folder of more of them: tests/oracles/torch/make_random.py writes as many as one likes.</summary>
    private static readonly string? s_folder = Environment.GetEnvironmentVariable("EDGELITE_TORCH_CASES");

    [Fact]
    public void Random_modules_compute_what_PyTorch_computes()
    {
        if (s_folder is not { Length: > 0 } folder) return;
        string[] models = [.. Directory.GetFiles(folder).Where(f => Path.GetExtension(f) is ".pt" or ".pt2" or ".onnx").Order(StringComparer.Ordinal)];
        string[] failures = Failures(models);
        output.WriteLine($"{models.Length - failures.Length} of {models.Length} agree");
        Assert.True(failures.Length == 0, string.Join('\n', failures));
    }

    private static string[] Failures(string[] models) => [.. models.Select(Failure).OfType<string>()];

    private static string? Failure(string model)
    {
        try
        {
            Check(model);
            return null;
        }
        catch (Exception e)
        {
            return $"{Path.GetFileName(model)}: {e.Message.ReplaceLineEndings(" ")}";
        }
    }

    /// <summary>N.form.pt2 beside N.npz: inputs in0, in1 .., results out0, out1 ...</summary>
    private static void Check(string model)
    {
        Dictionary<string, Tensor> stored = NpzFile.Read(model[..model.IndexOf('.', model.LastIndexOf('/'))] + ".npz").ToDictionary(p => p.Key, p => p.Value);
        Tensor[] inputs = [.. Enumerable.Range(0, stored.Keys.Count(k => k.StartsWith("in", StringComparison.Ordinal))).Select(i => stored[$"in{i}"])];
        var options = new ConversionOptions();
        if (model.EndsWith(".pt", StringComparison.Ordinal)) options = new ConversionOptions { Shapes = inputs.Select((x, i) => ($"x{i}", x.Shape)).ToDictionary(p => p.Item1, p => p.Shape) };
        Graph graph = Pipeline.Import(model, options).Graph;
        Tensor[] results = ImportedRun.Run(graph, inputs);
        Assert.Equal(stored.Count - inputs.Length, results.Length);
        for (int i = 0; i < results.Length; i++)
        {
            Tensor expected = stored[$"out{i}"], got = results[i];
            if (got.DType == DType.BFloat16) got = got.ConvertTo(DType.Float32);
            Assert.True(expected.DType == got.DType, $"output {i}: PyTorch gives {expected.DType}, this {got.DType}");
            TensorAssert.Close(expected, got, 1e-3, 2e-5, $"output {i}");
        }
    }
}
