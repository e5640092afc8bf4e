using System.Text.Json;
using EdgeLite.Converter;
using EdgeLite.Converter.Importers;
using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Writer;

namespace EdgeLite.Tests.Importers;

/// <summary>A model of the collection beside the repository: its file, its inputs, and what an independent engine computed.</summary>
internal sealed class ZooModel
{
    private readonly string _folder;
    private readonly JsonElement _meta;

    public ZooModel(string name)
    {
        _folder = Path.Combine(SharedData.Folder!, "zoo", name);
        using JsonDocument document = JsonDocument.Parse(File.ReadAllText(Path.Combine(_folder, "meta.json")));
        _meta = document.RootElement.Clone();
    }

    /// <summary>The models of a framework, as theory data: "pytorch/w_squeezenet_traced". One row without a name where the collection is not there.</summary>
    public static TheoryData<string> Of(string framework, Func<string, bool>? wanted = null)
    {
        var data = new TheoryData<string>();
        string[] models = [.. SharedData.FoldersIn($"zoo/{framework}").Where(m => wanted == null || wanted(m))];
        foreach (string model in models) data.Add($"{framework}/{model}");
        if (models.Length == 0) data.Add("");
        return data;
    }

    public string PathOf(string file) => Path.Combine(_folder, file);

    /// <summary>Imports the file with the sizes of the stored inputs (where <paramref name="shaped"/>), runs the reference loops, then the
    /// whole line to the native kernels; both must give the stored outputs.</summary>
    public void Check(string file, bool shaped = false)
    {
        string path = PathOf(file);
        Tensor[] stored = [.. _meta.GetProperty("inputs").EnumerateArray().Select(i => NpyFile.Read(PathOf(i.GetProperty("file").GetString()!)))];
        var options = new ConversionOptions();
        if (shaped)
        {
            // The names of the inputs are the importer's to give; the collection's serve where there are several.
            var byName = new Dictionary<string, Shape> { [""] = stored[0].Shape };
            JsonElement[] named = [.. _meta.GetProperty("inputs").EnumerateArray()];
            for (int i = 0; i < named.Length; i++) byName[named[i].GetProperty("name").GetString()!] = stored[i].Shape;
            Graph unshaped = ImporterRegistry.Find(path).Import(path, byName);
            options = options with { Shapes = unshaped.Inputs.Select((input, i) => (input, i)).Where(p => p.input.Shape is not { IsRanked: true, Rank: 0 }).ToDictionary(p => p.input.Name, p => stored[p.i].Shape) };
        }
        (Graph graph, _) = Pipeline.Import(path, options);
        Assert.Equal(stored.Length, graph.Inputs.Count);
        Tensor[] inputs = [.. graph.Inputs.Select((input, i) => Convert(stored[i], input.Type))];
        Compare(new GraphInterpreter(graph).Run(inputs), "reference loops");

        Pipeline.Optimize(graph, options);
        Pipeline.Lower(graph, options);
        using Model model = Model.Load(ModelWriter.ToBytes(graph), path);
        using Session session = model.CreateSession(new SessionOptions { Threads = 2 });
        for (int i = 0; i < inputs.Length; i++)
            if (!session.InputType(i).IsKnown) session.Resize(i, inputs[i].Shape);
        for (int i = 0; i < inputs.Length; i++)
            for (long k = 0; k < inputs[i].Count; k++) session.Input(i).SetDouble(k, inputs[i].GetDouble(k));
        session.Run();
        Compare([.. Enumerable.Range(0, session.OutputCount).Select(session.Output)], "session");
    }

    private void Compare(Tensor[] got, string how)
    {
        JsonElement tolerance = _meta.GetProperty("tolerance");
        JsonElement[] outputs = [.. _meta.GetProperty("outputs").EnumerateArray()];
        Assert.Equal(outputs.Length, got.Length);
        for (int k = 0; k < outputs.Length; k++)
        {
            Tensor expected = NpyFile.Read(PathOf(outputs[k].GetProperty("file").GetString()!));
            TensorAssert.Close(expected, got[k], tolerance.GetProperty("rtol").GetDouble(), tolerance.GetProperty("atol").GetDouble(), $"output {k} ({how})");
        }
    }

    /// <summary>The stored numbers in the type (and, for a scalar, the shape) of the input.</summary>
    private static Tensor Convert(Tensor stored, TensorType type)
    {
        var tensor = new Tensor(type.DType, type.Shape is { IsRanked: true, Rank: 0 } ? Shape.Scalar : stored.Shape);
        for (long i = 0; i < stored.Count; i++) tensor.SetDouble(i, stored.GetDouble(i));
        return tensor;
    }
}
