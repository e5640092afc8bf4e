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

    private static readonly string[] s_sources =
    [
        "model.onnx", "model.tflite", "model.h5", "model.keras", "model.json", "model.pt", "model.ptl", "model.pth", "model.t7", "model.net", "model.zip", "model.cmf", "model.dnn",
        "deploy.prototxt", "predict_net.pb", "net.cfg", "frozen_graph.pb", "saved_model",
    ];

    /// <summary>The file or folder of the model that a user would convert.</summary>
    public string Source => s_sources.Select(PathOf).FirstOrDefault(Path.Exists) ?? throw new FileNotFoundException($"'{_folder}' holds no model.");

    /// <summary>The stored sizes for the inputs that have free ones.</summary>
    public ConversionOptions Options(string source)
    {
        Stored[] stored = StoredInputs();
        var byName = new Dictionary<string, Shape>();
        if (stored.Length > 0) byName[""] = stored[0].Tensor.Shape;
        foreach (Stored s in stored) byName[s.Name] = s.Tensor.Shape;
        (string path, IImporter importer) = ImporterRegistry.Locate(source);
        Graph graph = importer.Import(path, byName);
        int[] places = Places(graph, stored);
        var shapes = new Dictionary<string, Shape>();
        for (int i = 0; i < graph.Inputs.Count; i++)
            if (graph.Inputs[i].Shape is not { IsRanked: true, Rank: 0 }) shapes[graph.Inputs[i].Name] = stored[places[i]].Tensor.Shape;
        return new ConversionOptions { Shapes = shapes };
    }

    /// <summary>The stored inputs in the order, types and (for scalars) shapes of the graph's.</summary>
    public Tensor[] Inputs(Graph graph)
    {
        Stored[] stored = StoredInputs();
        int[] places = Places(graph, stored);
        return [.. graph.Inputs.Select((input, i) => Convert(stored[places[i]].Tensor, input.Type))];
    }

    /// <summary>Imports the file with the sizes of the stored inputs (where <paramref name="shaped"/>), runs the reference loops, then the
    /// whole line to the native kernels; both must give the stored outputs.</summary>
    public void Check(string file, bool shaped = false)
    {
        string path = PathOf(file);
        ConversionOptions options = shaped ? Options(path) : new ConversionOptions();
        (Graph graph, _) = Pipeline.Import(path, options);
        Tensor[] inputs = Inputs(graph);
        string[] names = [.. graph.Outputs.Select(o => o.Name)];
        Compare(names, new GraphInterpreter(graph).Run(inputs), "reference loops");

        Pipeline.Optimize(graph, options);
        Pipeline.Lower(graph, options);
        using Model model = Model.Load(ModelWriter.ToBytes(graph), path);
        using Session session = model.CreateSession(new SessionOptions { Threads = 2 });
        for (int i = 0; i < inputs.Length; i++)
            if (!session.InputType(i).IsKnown) session.Resize(i, inputs[i].Shape);
        for (int i = 0; i < inputs.Length; i++)
            for (long k = 0; k < inputs[i].Count; k++) session.Input(i).SetDouble(k, inputs[i].GetDouble(k));
        session.Run();
        Compare(names, [.. Enumerable.Range(0, session.OutputCount).Select(session.Output)], "session");
    }

    /// <summary>Compares with the stored outputs: by name where the names are the stored ones, by place otherwise. Integers of a quantized
    /// network must be the same.</summary>
    public void Compare(string[] names, Tensor[] got, string how)
    {
        JsonElement tolerance = _meta.GetProperty("tolerance");
        JsonElement[] outputs = [.. _meta.GetProperty("outputs").EnumerateArray()];
        string[] stored = [.. outputs.Select(o => Plain(o.GetProperty("name").GetString()!))], plain = [.. names.Select(Plain)];
        bool named = stored.All(plain.Contains);
        if (!named) Assert.Equal(outputs.Length, got.Length);
        for (int k = 0; k < outputs.Length; k++)
        {
            Tensor actual = got[named ? Array.IndexOf(plain, stored[k]) : k];
            string raw = PathOf($"output_{k}_raw.npy");
            bool integers = !actual.DType.IsFloat() && File.Exists(raw);
            Tensor expected = NpyFile.Read(integers ? raw : PathOf(outputs[k].GetProperty("file").GetString()!));
            double rtol = integers ? 0 : tolerance.GetProperty("rtol").GetDouble(), atol = integers ? 0 : tolerance.GetProperty("atol").GetDouble();
            // Where numbers of thousands cancel, a framework's own sums are off by units in the last place of those.
            if (!integers) atol += 2 * LargestOf(expected) / (1 << 23);
            TensorAssert.Close(expected, actual, rtol, atol, $"output {k} ({how})");
        }
    }

    private static double LargestOf(Tensor tensor)
    {
        double largest = 0;
        for (long i = 0; i < tensor.Count; i++)
            if (double.IsFinite(tensor.GetDouble(i))) largest = Math.Max(largest, Math.Abs(tensor.GetDouble(i)));
        return largest;
    }

    private sealed record Stored(string Name, Tensor Tensor);

    private Stored[] StoredInputs() =>
        [.. _meta.GetProperty("inputs").EnumerateArray().Select(i => new Stored(Plain(i.GetProperty("name").GetString()!), StoredInput(i.GetProperty("file").GetString()!)))];

    /// <summary>Scalars are stored with one dimension; where the graph does not tell, the name of the model does.</summary>
    private Tensor StoredInput(string file)
    {
        Tensor stored = NpyFile.Read(PathOf(file));
        return stored.Count == 1 && _folder.EndsWith("_scalar", StringComparison.Ordinal) ? Convert(stored, new TensorType(stored.DType, Shape.Scalar)) : stored;
    }

    /// <summary>Which stored input each of the graph's is: by name where the names are the stored ones, by place otherwise.</summary>
    private static int[] Places(Graph graph, Stored[] stored)
    {
        Assert.True(graph.Inputs.Count <= stored.Length, $"the graph has {graph.Inputs.Count} inputs, {stored.Length} are stored");
        int[] named = [.. graph.Inputs.Select(i => Array.FindIndex(stored, s => s.Name == Plain(i.Name)))];
        return named.All(i => i >= 0) ? named : [.. Enumerable.Range(0, graph.Inputs.Count)];
    }

    /// <summary>A name of TensorFlow without the number of the output.</summary>
    private static string Plain(string name) => name.EndsWith(":0", StringComparison.Ordinal) ? name[..^2] : name;

    /// <summary>The stored numbers in the type (and, for a scalar, the shape) of the input.</summary>
    private static Tensor Convert(Tensor stored, TensorType type) =>
        stored.Reshaped(type.Shape is { IsRanked: true, Rank: 0 } ? Shape.Scalar : stored.Shape).ConvertTo(type.DType);
}
