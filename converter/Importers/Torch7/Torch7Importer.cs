using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.Torch7;

/// <summary>
/// Reads networks that torch.save of Torch7 wrote (.t7, .net), binary or ascii. Inputs are called "input", or "input0", "input1", ...
/// where the network takes a table; their sizes are not part of such a file and can be given.
/// </summary>
public sealed class Torch7Importer : IImporter
{
    private const long MaxBytes = 1L << 31;

    public string Format => "Torch7";

    public FormatReference Reference { get; } = new()
    {
        Files = "what `torch.save` wrote (`.t7`, `.net`), binary or ascii: a network, or a table that holds one. Recognised by the first objects of the file. cudnn's, cunn's and inn's modules are those of nn; nngraph's gModule is read too.",
        Tested = "genuine networks written by Torch7 and one of torch/demos, against Torch7's own results; 70 random networks of nn's modules and of nngraph, binary and ascii, likewise (outside the test suite 500 more). Volumes, distances, DepthConcat, Parallel, shrinking functions and the modules of fast-neural-style by hand, from nn's documentation; layers over sequences (rnn, torch-rnn) by plain loops over their formulas. nngraph: a network written by hand for the tests; a published one (an RNN tracker) is read, its results were not at hand.",
        LayersOf = "Torch7's modules",
        Layers = ForeignLayers.References<Torch7Attribute>(),
    };

    public bool Recognizes(string path, ReadOnlySpan<byte> head) => Torch7File.FormOf(head) != null;

    public Graph Import(string path) => Import(path, new Dictionary<string, Shape>());

    public Graph Import(string path, IReadOnlyDictionary<string, Shape> shapes)
    {
        if (ModelFile.Length(path) >= MaxBytes) throw new EdgeLiteException(Status.Unsupported, $"'{path}' is larger than 2 GB.");
        byte[] data = File.ReadAllBytes(path);
        string form = Torch7File.FormOf(data) ?? throw new EdgeLiteException(Status.NotAModel, $"'{path}' is not a Torch7 file.");
        object? root = Torch7File.Read(data, form == "ascii");
        LuaObject network = FindNetwork(root) ?? throw new EdgeLiteException(Status.Unsupported, $"'{path}' holds no network (no nn module): {(root is LuaTensor ? "a tensor" : "other data")}.");
        RefuseUnknown(network);
        var graph = new Graph(Path.GetFileNameWithoutExtension(path));
        int count = InputCount(network);
        object input = count == 1 ? Input("input") : Enumerable.Range(0, count).Select(i => (object)Input($"input{i}")).ToArray();
        try
        {
            var refusals = new Refusals();
            Value[] results = [.. Torch7Module.Flat(Torch7Module.Convert(graph, refusals, network, input, ""))];
            refusals.ThrowIfAny();
            int n = 0;
            foreach (Value value in results)
            {
                string name = n == 0 ? "output" : $"output{n}";
                n++;
                Value output = value;
                if (value.IsConstant || graph.Inputs.Contains(value) || graph.Outputs.Contains(value)) output = graph.Add("Identity", name, [value], type: value.Type);
                else graph.Rename(value, graph.FreshName(name));
                graph.AddOutput(output);
            }
        }
        catch (Exception e) when (e is OverflowException or IndexOutOfRangeException or ArgumentException or InvalidOperationException or InvalidCastException or DivideByZeroException)
        {
            throw new EdgeLiteException(Status.Corrupt, $"'{path}' contradicts itself: {e.Message}", e);
        }
        GraphVerifier.Verify(graph);
        return graph;

        Value Input(string name) => graph.AddInput(name, new TensorType(DType.Float32,
            shapes.TryGetValue(name, out Shape shape) || shapes.TryGetValue("", out shape) ? shape : Shape.Unranked));
    }

    private const int MaxDepth = 6;

    /// <summary>The file itself, or the first module in the tables that training scripts save ("model", "net", "protos.rnn" ...).</summary>
    private static LuaObject? FindNetwork(object? value, int depth = 0) => value switch
    {
        LuaObject o when IsModule(o) => o,
        _ when depth > MaxDepth => null,
        LuaObject o => FindNetwork(o.Content, depth + 1),
        LuaTable t => t.Items.Values.OfType<LuaObject>().FirstOrDefault(IsModule) ?? t.Items.Values.OfType<LuaTable>().Select(inner => FindNetwork(inner, depth + 1)).FirstOrDefault(n => n != null),
        _ => null,
    };

    private static bool IsModule(LuaObject o) =>
        (o.Type.StartsWith("nn.", StringComparison.Ordinal) || o.Type.StartsWith("cudnn.", StringComparison.Ordinal)) && !o.Type.EndsWith("Criterion", StringComparison.Ordinal);

    /// <summary>How many tensors the network takes: those of the table that its first module wants.</summary>
    private static int InputCount(LuaObject module)
    {
        for (int depth = 0; depth < 100; depth++)
        {
            LuaObject[] children = [.. (module["modules"] as LuaTable)?.Sequence().OfType<LuaObject>() ?? []];
            string name = module.Type[(module.Type.IndexOf('.', StringComparison.Ordinal) + 1)..];
            switch (name)
            {
                case "gModule": return module["nInputs"] is double inputs and >= 1 and <= 1000 ? (int)inputs : 1;
                case "ParallelTable": return Math.Max(children.Length, 1);
                case "CAddTable" or "CMulTable" or "CSubTable" or "CDivTable" or "CMaxTable" or "CMinTable" or "JoinTable" or "MM"
                    or "MV" or "DotProduct" or "CosineDistance" or "PairwiseDistance" or "Bilinear": return 2;
            }
            if (children.Length == 0) return 1;
            module = children[0];
        }
        return 1;
    }

    private static void RefuseUnknown(LuaObject network)
    {
        var unknown = new List<(string Kind, string Place)>();
        var seen = new HashSet<LuaObject>();
        var stack = new Stack<(LuaObject Module, string Path)>([(network, "")]);
        while (stack.Count > 0)
        {
            (LuaObject module, string path) = stack.Pop();
            if (!seen.Add(module)) continue;
            if (Torch7Modules.Find(module.Type) == null)
            {
                unknown.Add((module.Type, path.Length > 0 ? $"module {path}" : "the root"));
                continue;
            }
            int i = 0;
            foreach (object? child in (module["modules"] as LuaTable)?.Sequence() ?? [])
            {
                i++;
                if (child is LuaObject o) stack.Push((o, path.Length > 0 ? $"{path}.{i}" : $"{i}"));
            }
        }
        UnknownLayers.Refuse("The network", unknown, "Replace them by modules of docs/importers.md and save it again.");
    }
}
