using System.Diagnostics;
using EdgeLite.Converter;
using EdgeLite.Converter.Importers;
using EdgeLite.Converter.Ir;

namespace EdgeLite.Tests.Importers.Keras;

/// <summary>Files that Keras 3.16 itself wrote, one for each layer and function, against its own results (on PyTorch, float32). make.py beside the
/// archive makes it.</summary>
public class KerasGenuineTests
{
    [Theory]
    [InlineData("keras-3.16.tar.xz", 280)]
    public void Results_are_those_of_Keras(string archive, int least) => TemporaryFolder.Use(folder =>
    {
        using (Process tar = Process.Start("tar", ["xJf", Path.Combine(SourceFolder(), archive), "-C", folder])) tar.WaitForExit();
        string[] models = [.. Directory.GetFiles(folder).Where(f => Path.GetExtension(f) is ".keras" or ".h5").Order(StringComparer.Ordinal)];
        Assert.True(models.Length >= least, $"the archive holds {models.Length} models");
        var failures = new List<string>();
        foreach (string model in models)
            try
            {
                Check(model);
            }
            catch (Exception e)
            {
                failures.Add($"{Path.GetFileName(model)}: {e.Message.ReplaceLineEndings(" ")}");
            }
        Assert.True(failures.Count == 0, $"{failures.Count} of {models.Length} fail:\n{string.Join('\n', failures)}");
        return true;
    });

    private static void Check(string model)
    {
        Dictionary<string, Tensor> stored = NpzFile.Read(Path.ChangeExtension(model, ".npz")).ToDictionary(p => p.Key, p => p.Value);
        Graph graph = Pipeline.Import(model, new ConversionOptions()).Graph;
        Tensor[] results = ImportedRun.Run(graph, [.. graph.Inputs.Select((input, i) => Typed(stored[$"in{i}"], input.DType))]);
        Assert.Equal(stored.Keys.Count(k => k.StartsWith("out", StringComparison.Ordinal)), results.Length);
        for (int i = 0; i < results.Length; i++) TensorAssert.Close(stored[$"out{i}"], results[i], 1e-4, 2e-5, $"output {i}");
    }

    private static Tensor Typed(Tensor tensor, DType type)
    {
        var typed = new Tensor(type, tensor.Shape);
        for (long i = 0; i < tensor.Count; i++) typed.SetDouble(i, tensor.GetDouble(i));
        return typed;
    }

    private static string SourceFolder([System.Runtime.CompilerServices.CallerFilePath] string path = "") => Path.Combine(Path.GetDirectoryName(path)!, "genuine");
}
