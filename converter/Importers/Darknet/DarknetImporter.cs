using EdgeLite.Converter.Ir;
using EdgeLite.Core;
using EdgeLite.Format;

namespace EdgeLite.Converter.Importers.Darknet;

/// <summary>
/// Reads Darknet's networks: layers from a .cfg, weights from the .weights beside it. The input is "data" [N, C, H, W]; outputs are the
/// layers that detect, or the last layer.
/// </summary>
public sealed class DarknetImporter : IImporter
{
    private static readonly Dictionary<string, Func<DarknetLayer, Value>> s_layers = ForeignLayers.Conversions<DarknetAttribute, Func<DarknetLayer, Value>>();

    public string Format => "Darknet";

    public FormatReference Reference { get; } = new()
    {
        Files = "`.cfg` and `.weights`, of the same name or the only ones of their folder, whatever they are called; either, both or the folder can be given. The .cfg is recognised by its first section, [net]; the .weights by its header and a .cfg beside it. Pictures are [N, C, H, W], RGB from 0 to 1.",
        Tested = "a genuine small network (of Microsoft's ELL) against OpenCV; 45 random networks with weights and results of pjreddie's Darknet itself (outside the test suite 250 more), recurrent layers over several steps; what that Darknet runs on GPUs only (batchnorm, iseg) and the options of AlexeyAB's branch by hand. Batch normalization is that of pjreddie's Darknet, (x - mean) / (sqrt(variance) + 1e-6).",
        LayersOf = "Darknet's layers",
        Layers = ForeignLayers.References<DarknetAttribute>(),
    };

    public bool Recognizes(string path, ReadOnlySpan<byte> head) => DarknetCfg.Is(head) || DarknetWeights.Is(head) && ModelFile.In(Path.GetDirectoryName(Path.GetFullPath(path))!).Any(IsCfg);

    public Graph Import(string path) => Import(path, new Dictionary<string, Shape>());

    public Graph Import(string path, IReadOnlyDictionary<string, Shape> shapes) => Import([path], shapes, null);

    public bool HasTwoFiles => true;

    public Graph Import(IReadOnlyList<string> paths, IReadOnlyDictionary<string, Shape> shapes, string? signature)
    {
        (string cfg, string weights) = ModelFile.Pair(paths, Format, IsCfg, "cfg", "weights", IsWeights);
        List<DarknetSection> sections = DarknetCfg.Read(cfg);
        if (sections.Count < 2) throw new EdgeLiteException(Status.InvalidGraph, $"'{cfg}' has no layers.");
        RefuseUnknown(sections);
        try
        {
            return Build(sections, new DarknetWeights(weights), weights, shapes, Path.GetFileNameWithoutExtension(cfg));
        }
        catch (Exception e) when (e is OverflowException or IndexOutOfRangeException or ArgumentException or InvalidOperationException or DivideByZeroException)
        {
            throw new EdgeLiteException(Status.Corrupt, $"'{cfg}' contradicts itself: {e.Message}", e);
        }
    }

    private static Graph Build(List<DarknetSection> sections, DarknetWeights weights, string weightsPath, IReadOnlyDictionary<string, Shape> shapes, string name)
    {
        var graph = new Graph(name);
        DarknetSection net = sections[0];
        long channels = net.Int("channels", 0), height = net.Int("height", 0), width = net.Int("width", 0), inputs = net.Int("inputs", 0);
        if (channels <= 0 && height <= 0 && width <= 0 && inputs > 0) (channels, height, width) = (inputs, 1, 1);
        if (!shapes.TryGetValue("data", out Shape shape) && !shapes.TryGetValue("", out shape))
        {
            if (channels <= 0 || height <= 0 || width <= 0) throw new EdgeLiteException(Status.InvalidShape, $"[net] gives the size {channels}x{height}x{width}.");
            shape = new Shape(sections.Any(HasMemory) ? 1 : graph.SymbolDim("N"), channels, height, width);
        }
        Value current = graph.AddInput("data", new TensorType(DType.Float32, shape));
        var refusals = new Refusals();
        var states = new List<(Value State, Value Next)>();
        var results = new List<Value>();
        var outputs = new List<(string Name, Value Value)>();
        string last = "data";
        for (int i = 1; i < sections.Count; i++)
        {
            (DarknetSection section, int index, Value input, Value? value) = (sections[i], i - 1, current, null);
            refusals.TryConvert(section.Type, graph, [input], (into, of) =>
                value = s_layers[section.Type](new DarknetLayer(into, section, index, of(input), n => of(results[n]), into == graph ? weights : weights.Blind, into == graph ? states : [])), refusals.Any);
            results.Add(current = refusals.Any ? refusals.Placeholder(graph, section.Type) : value!);
            if (sections[i].Type is not ("cost" or "dropout")) last = $"{sections[i].Type}_{i - 1}";
            if (sections[i].Type is "yolo" or "region" or "detection") outputs.Add((last, current));
        }
        refusals.ThrowIfAny();
        if (weights.Left > 0) throw new EdgeLiteException(Status.Corrupt, $"'{weightsPath}' has {weights.Left} numbers more than the network needs: it belongs to another .cfg.");
        if (outputs.Count == 0) outputs.Add((last, current));
        foreach ((string output, Value value) in outputs) NodeBuilder.AddOutput(graph, value, output);
        foreach ((Value state, Value next) in states) NodeBuilder.AddOutput(graph, next, state.Name + ".next");
        if (states.Count > 0) graph.Metadata[StateBinding.MetadataKey] = string.Join('\n', states.Select((s, i) => $"{s.State.Name}={graph.Outputs[graph.Outputs.Count - states.Count + i].Name}"));
        GraphVerifier.Verify(graph);
        return graph;
    }

    private static void RefuseUnknown(List<DarknetSection> sections) => UnknownLayers.Refuse("The network",
        sections.Skip(1).Where(s => !s_layers.ContainsKey(s.Type)).Select(s => ($"[{s.Type}]", $"line {s.Line}")), "Replace them by layers of docs/importers.md.");

    private static bool HasMemory(DarknetSection section) => section.Type is "rnn" or "lstm" or "gru" or "crnn";

    private static bool IsCfg(string path) => DarknetCfg.Is(ModelFile.Head(path));
    private static bool IsWeights(string path) => DarknetWeights.Is(ModelFile.Head(path));
}
