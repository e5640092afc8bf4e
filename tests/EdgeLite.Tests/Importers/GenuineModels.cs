using System.Diagnostics;
using System.Runtime.CompilerServices;
using EdgeLite.Converter;
using EdgeLite.Converter.Importers;
using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Writer;

namespace EdgeLite.Tests.Importers;

/// <summary>
/// Models that a framework itself wrote, each beside NAME.npz, which holds its inputs (in_NAME, or in0, in1 ..) and the framework's own results (out_NAME, or
/// out0 ..), perhaps of a step after those whose inputs are before0, before1 .. Archives of them lie in folders genuine/ beside their tests, with the script that made them there or in tests/oracles.
/// </summary>
internal static class GenuineModels
{
    private static readonly string[] s_sources = [".keras", ".h5", ".json", ".prototxt", ".cfg", ".t7", ".pkl", ".pb", ".pbtxt"];

    /// <summary>Unpacks an archive of the folder genuine/ beside the calling test.</summary>
    public static void Unpack(string archive, string folder, [CallerFilePath] string caller = "")
    {
        using Process tar = Process.Start("tar", ["xJf", Path.Combine(Path.GetDirectoryName(caller)!, "genuine", archive), "-C", folder]);
        tar.WaitForExit();
    }

    /// <summary>Checks every model of an archive beside the calling test, which must hold so many.</summary>
    public static void CheckArchive(string archive, int least, [CallerFilePath] string caller = "") => TemporaryFolder.Use(folder =>
    {
        Unpack(archive, folder, caller);
        CheckFolder(folder, least);
    });

    public static void CheckFolder(string folder, int least) => CheckEach(Directory.GetFiles(folder, "*.npz"), least, Check);

    /// <summary>Checks each of the files, of which there must be so many, and tells all that fail.</summary>
    public static void CheckEach(IEnumerable<string> files, int least, Action<string> check)
    {
        string[] models = [.. files.Order(StringComparer.Ordinal)];
        Assert.True(models.Length >= least, $"there are {models.Length} models, not {least}");
        var failures = new List<string>();
        foreach (string model in models)
            try
            {
                check(model);
            }
            catch (Exception e)
            {
                failures.Add($"{Path.GetFileName(model)}: {e.Message.ReplaceLineEndings(" ")}");
            }
        Assert.True(failures.Count == 0, $"{failures.Count} of {models.Length} fail:\n{string.Join('\n', failures)}");
    }

    private static void Check(string npz)
    {
        Dictionary<string, Tensor> stored = NpzFile.Read(npz).ToDictionary(p => p.Key, p => p.Value, StringComparer.Ordinal);
        string model = s_sources.Select(end => Path.ChangeExtension(npz, end)).First(File.Exists);
        // Files of Torch7 and Caffe2 do not tell the sizes of their inputs.
        var shapes = stored.Where(s => s.Key.StartsWith("in_", StringComparison.Ordinal) && Path.GetExtension(model) is ".t7" or ".pb" or ".pbtxt").ToDictionary(s => s.Key[3..], s => s.Value.Shape, StringComparer.Ordinal);
        Graph graph = Pipeline.Import(model, new ConversionOptions { Shapes = shapes }).Graph;
        if (stored.ContainsKey("before0"))
        {
            CheckSteps(graph, stored);
            return;
        }
        Tensor[] inputs = [.. graph.Inputs.Select((input, i) => Stored("in", input.Name, i).ConvertTo(input.DType))];
        string[] names = [.. graph.Outputs.Select(o => o.Name)];
        Tensor[] results = ImportedRun.Run(graph, inputs);
        Assert.Equal(stored.Keys.Count(k => k.StartsWith("out", StringComparison.Ordinal)), results.Length);
        for (int i = 0; i < results.Length; i++)
        {
            Tensor expected = Stored("out", names[i], i);
            Compare(expected, results[i], names[i]);
        }

        Tensor Stored(string side, string name, int i) => stored.TryGetValue($"{side}_{name}", out Tensor? named) || stored.TryGetValue($"{side}{i}", out named)
            ? named : throw new KeyNotFoundException($"'{npz}' has neither {side}_{name} nor {side}{i}");
    }

    /// <summary>A model with one input that remembers: the result of the last of several runs.</summary>
    private static void CheckSteps(Graph graph, Dictionary<string, Tensor> stored)
    {
        Pipeline.Optimize(graph, new ConversionOptions());
        Pipeline.Lower(graph, new ConversionOptions());
        using Model model = Model.Load(ModelWriter.ToBytes(graph), graph.Name);
        using Session session = model.CreateSession();
        Assert.True(session.States.Count > 0, "it has no states");
        foreach (string step in stored.Keys.Where(k => k.StartsWith("before", StringComparison.Ordinal)).Order(StringComparer.Ordinal).Append("in0"))
        {
            for (long i = 0; i < stored[step].Count; i++) session.Input(0).SetDouble(i, stored[step].GetDouble(i));
            session.Run();
        }
        string name = graph.Outputs[0].Name;
        Compare(stored.GetValueOrDefault($"out_{name}") ?? stored["out0"], session.Output(0), name);
    }

    /// <summary>Results that an engine holds without a shape are compared in their order.</summary>
    private static void Compare(Tensor expected, Tensor result, string name)
    {
        if (expected.Shape.Rank == 1 && expected.Count == result.Count) expected = expected.Reshaped(result.Shape);
        TensorAssert.Close(expected, result, 1e-4, 2e-5 * Math.Max(1, ImportedRun.Largest(expected)), $"output '{name}'");
    }
}
