using EdgeLite.Converter;
using EdgeLite.Converter.Importers;
using EdgeLite.Converter.Ir;

namespace EdgeLite.Tests.Importers;

/// <summary>Files that PyTorch 2.14 itself wrote (traced, scripted, exported before and after decomposition) against its own results.</summary>
public class TorchGenuineTests
{
    /// <summary>The archive is made by tests/oracles/torch/make_genuine.py.</summary>
    [Fact]
    public void Results_are_those_of_PyTorch() => TemporaryFolder.Use(folder =>
    {
        GenuineModels.Unpack("torch-2.14.tar.xz", folder);
        CheckAll(folder, least: 51);
    });

    /// <summary>Architectures of transformers 5.12, torchvision 0.27 and torchaudio 2.11 in small, exported, traced and as ONNX files, with fixed and with free
    /// sizes, some of them quantized by onnxruntime; made by make_library.py and make_quantized.py of tests/oracles/torch.</summary>
    [Fact]
    public void Architectures_of_libraries_compute_what_PyTorch_computes() => TemporaryFolder.Use(folder =>
    {
        GenuineModels.Unpack("torch-libraries.tar.xz", folder);
        CheckAll(folder, least: 29);
    });

    /// <summary>A folder of random modules or architectures, of which tests/oracles/torch/make_random.py and make_library.py write as many as one likes.</summary>
    [Fact]
    public void Random_modules_compute_what_PyTorch_computes()
    {
        if (Environment.GetEnvironmentVariable("EDGELITE_TORCH_CASES") is { Length: > 0 } folder) CheckAll(folder, least: 1);
    }

    private static void CheckAll(string folder, int least) =>
        GenuineModels.CheckEach(Directory.GetFiles(folder).Where(f => Path.GetExtension(f) is ".pt" or ".pt2" or ".onnx"), least, Check);

    /// <summary>N.form.pt2 beside N.npz, which holds inputs in0, in1 .. (of forward's arguments x0, x1 .. where the file does not tell their sizes) and results out0, out1 ...</summary>
    private static void Check(string model)
    {
        string name = Path.GetFileName(model);
        Dictionary<string, Tensor> stored = NpzFile.Read(Path.Combine(Path.GetDirectoryName(model)!, name[..name.IndexOf('.', StringComparison.Ordinal)] + ".npz")).ToDictionary(p => p.Key, p => p.Value);
        Tensor[] inputs = [.. Enumerable.Range(0, stored.Keys.Count(k => k.StartsWith("in", StringComparison.Ordinal))).Select(i => stored[$"in{i}"])];
        var options = new ConversionOptions();
        if (Path.GetExtension(model) == ".pt") options = new ConversionOptions { Shapes = inputs.Select((x, i) => ($"x{i}", x.Shape)).ToDictionary(p => p.Item1, p => p.Shape) };
        Graph graph = Pipeline.Import(model, options).Graph;
        // An ONNX file lacks the inputs that nothing reads.
        if (graph.Inputs.Count != inputs.Length) inputs = [.. graph.Inputs.Select(i => stored["in" + i.Name[1..]])];
        // TorchScript does not tell the types of inputs.
        Tensor[] results = ImportedRun.Run(graph, [.. inputs.Zip(graph.Inputs, (x, i) => x.DType == i.DType ? x : x.ConvertTo(i.DType))]);
        Assert.Equal(stored.Keys.Count(k => k.StartsWith("out", StringComparison.Ordinal)), results.Length);
        for (int i = 0; i < results.Length; i++)
        {
            // NumPy has no bfloat16: its results are stored as float32.
            Tensor expected = stored[$"out{i}"], got = results[i].DType == DType.BFloat16 ? results[i].ConvertTo(DType.Float32) : results[i];
            Assert.True(expected.DType == got.DType, $"output {i}: PyTorch gives {expected.DType.Name()}, this {got.DType.Name()}");
            bool isHalf = results[i].DType is DType.Float16 or DType.BFloat16;
            TensorAssert.Close(expected, got, isHalf ? 2e-3 : 1e-3, isHalf ? 1e-3 : 2e-5, $"output {i}");
        }
    }
}
