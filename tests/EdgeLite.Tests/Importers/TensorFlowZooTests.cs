using System.Diagnostics;
using System.Text.Json;
using EdgeLite.Converter.Importers.TensorFlow;
using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Writer;
using EdgeLite.Converter;

namespace EdgeLite.Tests.Importers;

/// <summary>Frozen TensorFlow graphs against what TensorFlow itself computed for them.</summary>
public class TensorFlowZooTests
{
    private const string Archive = "zoo/tensorflow_frozen_ops.tar.xz";

    /// <summary>Operators that ONNX cannot express, by the test graphs that need them; each must be refused by name.</summary>
    internal static readonly string[] Refused = ["Betainc", "Cholesky", "Digamma", "DrawBoundingBoxesV2", "Igammac", "Lu", "MatrixInverse", "MatrixSolve", "MatrixTriangularSolve", "Svd"];

    public static TheoryData<string> Graphs() => [.. SharedData.FoldersIn("zoo/tensorflow_frozen")];

    [SharedTheory("zoo/tensorflow_frozen")]
    [MemberData(nameof(Graphs))]
    public void Computes_what_TensorFlow_computes(string name)
    {
        string folder = Path.Combine(SharedData.Folder!, "zoo/tensorflow_frozen", name);
        Graph graph = Check(folder, f => GraphDefFormat.Import(Path.Combine(f, "frozen_graph.pb"), OutputsOf(f)));
        Lowered(folder, graph);
    }

    /// <summary>Their results are not defined: memory as it was, and the order of TopK without sorting.</summary>
    private static readonly string[] s_undefined = ["empty__shape_5_uint8", "topk__rank1_k5", "topk__rank2_k5", "topk__rank3_k3"];

    public static TheoryData<string> Tfjs() => [.. SharedData.FoldersIn("zoo/tfjs_graph")];

    [SharedTheory("zoo/tfjs_graph")]
    [MemberData(nameof(Tfjs))]
    public void Computes_what_TensorFlow_js_computes(string name)
    {
        string folder = Path.Combine(SharedData.Folder!, "zoo/tfjs_graph", name);
        Lowered(folder, Check(folder, f => Pipeline.Import(Path.Combine(f, "model.json"), new ConversionOptions()).Graph));
    }

    public static TheoryData<string> Saved() => [.. SharedData.FoldersIn("zoo/tensorflow_savedmodel")];

    [SharedTheory("zoo/tensorflow_savedmodel")]
    [MemberData(nameof(Saved))]
    public void Computes_what_the_saved_model_computes(string name)
    {
        string folder = Path.Combine(SharedData.Folder!, "zoo/tensorflow_savedmodel", name);
        Lowered(folder, Check(folder, f => Pipeline.Import(Path.Combine(f, "saved_model"), new ConversionOptions()).Graph));
        Assert.Equal("TensorFlow SavedModel", Pipeline.Import(Path.Combine(folder, "saved_model", "saved_model.pb"), new ConversionOptions()).Format);
    }

    /// <summary>609 graphs of a few operators each. Most have constants for inputs, so that the import itself computes them.</summary>
    [SharedTheory("zoo/tensorflow_frozen")]
    [InlineData(500)]
    public void Operators_compute_what_TensorFlow_computes(int atLeast)
    {
        string root = Directory.CreateTempSubdirectory("edgelite-tf-").FullName;
        try
        {
            using (Process tar = Process.Start("tar", ["-xf", Path.Combine(SharedData.Folder!, Archive), "-C", root])) tar.WaitForExit();
            var failures = new List<string>();
            int passed = 0;
            foreach (string folder in Directory.GetDirectories(Path.Combine(root, "tensorflow_frozen_ops")).Order(StringComparer.Ordinal))
            {
                if (s_undefined.Contains(Path.GetFileName(folder))) continue;
                try
                {
                    Check(folder, f => GraphDefFormat.Import(Path.Combine(f, "frozen_graph.pb"), OutputsOf(f)));
                    passed++;
                }
                catch (EdgeLiteException e) when (e.Status == Status.UnknownOperator && Refused.Any(r => e.Message.Contains(r + ": ", StringComparison.Ordinal)))
                {
                }
                catch (Exception e) when (e is EdgeLiteException or Xunit.Sdk.XunitException)
                {
                    failures.Add($"{Path.GetFileName(folder)}: {e.Message}");
                }
            }
            Assert.True(failures.Count == 0, $"{passed} passed, {failures.Count} failed:\n{string.Join('\n', failures)}");
            Assert.True(passed >= atLeast, $"only {passed} graphs were there");
        }
        finally
        {
            Directory.Delete(root, true);
        }
    }

    /// <summary>Runs a model on the stored inputs with the reference loops and compares with the stored outputs.</summary>
    internal static Graph Check(string folder, Func<string, Graph> import)
    {
        Graph graph = import(folder);
        Compare(folder, graph.Outputs.Select(o => o.Name), new GraphInterpreter(graph).Run([.. graph.Inputs.Select(i => Input(folder, i.Name, i.Type))]));
        return graph;
    }

    /// <summary>Simplifies, lowers, writes, loads and runs it on the native kernels.</summary>
    internal static void Lowered(string folder, Graph graph)
    {
        var options = new ConversionOptions();
        Pipeline.Optimize(graph, options);
        Pipeline.Lower(graph, options);
        using Model model = Model.Load(ModelWriter.ToBytes(graph), folder);
        using Session session = model.CreateSession(new SessionOptions { Threads = 2, Device = "cpu" });
        string[] names = [.. Enumerable.Range(0, session.InputCount).Select(i => session.InputName(i))];
        Tensor[] inputs = [.. names.Select((name, i) => Input(folder, name, session.InputType(i)))];
        for (int i = 0; i < inputs.Length; i++)
            if (!session.InputType(i).IsKnown) session.Resize(i, inputs[i].Shape);
        for (int i = 0; i < inputs.Length; i++) inputs[i].Bytes.CopyTo(session.Input(i).Bytes);
        session.Run();
        Compare(folder, Enumerable.Range(0, session.OutputCount).Select(i => session.OutputName(i)), [.. Enumerable.Range(0, session.OutputCount).Select(i => session.Output(i))]);
    }

    internal static string[] OutputsOf(string folder)
    {
        using JsonDocument meta = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, "meta.json")));
        return [.. meta.RootElement.GetProperty("outputs").EnumerateArray().Select(o => o.GetProperty("name").GetString()!)];
    }

    private static string Plain(string name) => name.EndsWith(":0", StringComparison.Ordinal) ? name[..^2] : name;

    /// <summary>Arrays are stored as float32, scalars with one dimension.</summary>
    private static Tensor Input(string folder, string name, TensorType type)
    {
        using JsonDocument meta = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, "meta.json")));
        JsonElement[] inputs = [.. meta.RootElement.GetProperty("inputs").EnumerateArray()];
        JsonElement input = inputs.Length == 1 ? inputs[0] : inputs.First(i => Plain(i.GetProperty("name").GetString()!) == Plain(name));
        Tensor stored = NpyFile.Read(Path.Combine(folder, input.GetProperty("file").GetString()!));
        var shape = new Shape([.. input.GetProperty("shape").EnumerateArray().Select(d => d.GetInt64())]);
        var tensor = new Tensor(type.DType, shape.Count == 1 && (type.Shape is { IsRanked: true, Rank: 0 } || folder.EndsWith("_scalar", StringComparison.Ordinal)) ? Shape.Scalar : shape);
        for (long k = 0; k < tensor.Count; k++) tensor.SetDouble(k, stored.GetDouble(k));
        return tensor;
    }

    private static void Compare(string folder, IEnumerable<string> names, Tensor[] results)
    {
        using JsonDocument meta = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, "meta.json")));
        double atol = meta.RootElement.GetProperty("tolerance").GetProperty("atol").GetDouble();
        double rtol = meta.RootElement.GetProperty("tolerance").GetProperty("rtol").GetDouble();
        string[] plain = [.. names.Select(Plain)];
        JsonElement[] outputs = [.. meta.RootElement.GetProperty("outputs").EnumerateArray()];
        foreach (JsonElement expected in outputs)
        {
            string name = expected.GetProperty("name").GetString()!;
            int at = outputs.Length == 1 && results.Length == 1 ? 0 : Array.IndexOf(plain, Plain(name));
            Assert.True(at >= 0, $"there is no output '{name}'; there are {string.Join(", ", plain)}");
            Tensor wanted = NpyFile.Read(Path.Combine(folder, expected.GetProperty("file").GetString()!));
            // Where numbers of thousands cancel, TensorFlow's own sums are off by units in the last place of those.
            double largest = 0;
            for (long i = 0; i < wanted.Count; i++) largest = Math.Max(largest, double.IsFinite(wanted.GetDouble(i)) ? Math.Abs(wanted.GetDouble(i)) : 0);
            TensorAssert.Close(wanted, results[at], rtol, atol + 2 * largest / (1 << 23), name);
        }
    }
}
