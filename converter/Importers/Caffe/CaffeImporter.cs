using System.Text;
using EdgeLite.Converter.Importers.Caffe.Proto;
using EdgeLite.Converter.Ir;
using EdgeLite.Core;
using Google.Protobuf;

namespace EdgeLite.Converter.Importers.Caffe;

/// <summary>
/// Reads Caffe's models: the network from a .prototxt, the weights from the .caffemodel beside it.
/// Layers of all three generations are read. The batch is free; other sizes are those of the .prototxt unless they are given.
/// </summary>
public sealed class CaffeImporter : IImporter
{
    /// <summary>How types of layers end that read training data.</summary>
    private static readonly string[] s_trainingData = ["Data\"", "Data'", "DATA"];

    public string Format => "Caffe";

    public FormatReference Reference { get; } = new()
    {
        Files = "`.prototxt` and `.caffemodel`, of the same name or the only ones of their folder, whatever they are called; either, both or the folder can be given. Recognised by layers with tops and bottoms, in text or protobuf. Layers of all three generations (V0, V1, current); of those with rules the ones for phase TEST, level 0, stage deploy.",
        Tested = "genuine networks (LeNet, MTCNN, WeChat super-resolution) against OpenCV; 81 random networks over all layers of Caffe 1.0, in the syntax of all three generations, against Caffe's own results (outside the test suite 300 more); the layers of SSD and other forks against hand-made files; the region proposals of py-faster-rcnn, in Python and in C++, against its algorithm in plain loops.",
        LayersOf = "Caffe's layers",
        Layers = ForeignLayers.References<CaffeAttribute>(),
    };

    public bool Recognizes(string path, ReadOnlySpan<byte> head) => IsPrototxt(head) || IsCaffemodel(head);

    public Graph Import(string path) => Import(path, new Dictionary<string, Shape>());

    public Graph Import(string path, IReadOnlyDictionary<string, Shape> shapes) => Import([path], shapes, null);

    public bool HasTwoFiles => true;

    public Graph Import(IReadOnlyList<string> paths, IReadOnlyDictionary<string, Shape> shapes, string? signature)
    {
        (string prototxt, string caffemodel) = ModelFile.Pair(paths, Format, p => IsPrototxt(ModelFile.Head(p)), "prototxt", "caffemodel", p => IsCaffemodel(ModelFile.Head(p)), IsForUse);
        var net = new NetParameter();
        ProtoText.Merge(prototxt, File.ReadAllText(prototxt, Encoding.UTF8), net);
        NetParameter weights;
        try
        {
            using FileStream stream = File.OpenRead(caffemodel);
            weights = NetParameter.Parser.ParseFrom(ProtoFile.Open(stream, caffemodel));
        }
        catch (InvalidProtocolBufferException e)
        {
            throw new EdgeLiteException(Status.Corrupt, $"'{caffemodel}' is not a .caffemodel, or it is damaged: {e.Message}", e);
        }
        try
        {
            return Build(net, weights, shapes, Path.GetFileNameWithoutExtension(prototxt));
        }
        catch (Exception e) when (e is OverflowException or IndexOutOfRangeException or ArgumentException or InvalidOperationException or DivideByZeroException)
        {
            throw new EdgeLiteException(Status.Corrupt, $"'{prototxt}' contradicts itself: {e.Message}", e);
        }
    }

    private static Graph Build(NetParameter net, NetParameter weights, IReadOnlyDictionary<string, Shape> shapes, string name)
    {
        LayerParameter[] layers = [.. CaffeUpgrade.Layers(net).Where(InTest)];
        var blobs = new Dictionary<string, LayerParameter>(StringComparer.Ordinal);
        foreach (LayerParameter w in CaffeUpgrade.Layers(weights))
            if (w.Blobs.Count > 0) blobs.TryAdd(w.Name, w);
        RefuseUnknown(layers);
        if (blobs.Count > 0 && !layers.Any(l => blobs.ContainsKey(l.Name)))
            throw new EdgeLiteException(Status.InvalidArgument, $"The .caffemodel belongs to another network: its weights are those of {Names(blobs.Keys)}, the layers of the .prototxt are {Names(layers.Select(l => l.Name))}.");

        var graph = new Graph(net.HasName && net.Name.Length > 0 ? net.Name : name);
        var refusals = new Refusals();
        var current = new Dictionary<string, Value>(StringComparer.Ordinal);
        long? batch = null; // the first size of the first input; inputs with another one are not by picture
        var available = new SortedSet<string>(StringComparer.Ordinal); // Caffe's outputs: blobs that no later layer reads, by name
        for (int i = 0; i < net.Input.Count; i++)
        {
            long[] dims = net.InputShape.Count > i ? [.. net.InputShape[i].Dim] : net.InputDim.Count >= 4 * (i + 1) ? [.. net.InputDim.Skip(4 * i).Take(4).Select(d => (long)d)]
                : throw new EdgeLiteException(Status.InvalidShape, $"Input '{net.Input[i]}' has no size in the .prototxt.");
            AddInput(net.Input[i], dims);
        }
        foreach (LayerParameter layer in layers)
        {
            if (layer.Type == "Input")
            {
                for (int i = 0; i < layer.Top.Count; i++)
                {
                    IList<BlobShape> given = layer.InputParam?.Shape ?? [];
                    if (given.Count == 0) throw new EdgeLiteException(Status.InvalidShape, $"Input layer '{layer.Name}' has no size in the .prototxt.");
                    AddInput(layer.Top[i], [.. given[Math.Min(i, given.Count - 1)].Dim]);
                }
                continue;
            }
            foreach (string bottom in layer.Bottom) available.Remove(bottom);
            Convert(layer, blobs.TryGetValue(layer.Name, out LayerParameter? stored) ? stored.Blobs : layer.Blobs);
            if (layer.Type is not ("Silence" or "Accuracy")) foreach (string top in layer.Top) available.Add(top);
        }
        refusals.ThrowIfAny();
        if (available.Count == 0) throw new EdgeLiteException(Status.InvalidGraph, "The network has no output.");
        foreach (string output in available) NodeBuilder.AddOutput(graph, current[output], output);
        GraphVerifier.Verify(graph);
        return graph;

        void Convert(LayerParameter layer, IList<BlobProto> stored)
        {
            Action<CaffeLayer> convert = CaffeLayers.Find(layer)!;
            string[] bottoms = [.. layer.Bottom.Where(current.ContainsKey).Distinct()];
            Dictionary<string, Value> tops = [];
            bool isConverted = refusals.TryConvert(layer.Type, graph, bottoms.Select(b => current[b]), (into, of) =>
                convert(new CaffeLayer(into, layer, stored, tops = bottoms.ToDictionary(b => b, b => of(current[b]), StringComparer.Ordinal))));
            foreach (string top in layer.Top)
                if (!isConverted) current[top] = refusals.Placeholder(graph, top);
                else if (tops.TryGetValue(top, out Value? value)) current[top] = value;
        }

        void AddInput(string input, long[] dims)
        {
            bool isGiven = shapes.TryGetValue(input, out Shape shape) || shapes.TryGetValue("", out shape);
            if (!isGiven)
            {
                // Detections of several pictures do not share one table here.
                if (dims.Length > 0 && dims[0] == (batch ??= dims[0]) && !layers.Any(l => l.Type == "DetectionOutput")) dims[0] = graph.SymbolDim("N");
                shape = new Shape(dims);
            }
            current[input] = graph.AddInput(input, new TensorType(DType.Float32, shape));
        }
    }

    private static string Names(IEnumerable<string> names) => string.Join(", ", names.Take(3).Select(n => $"'{n}'")) + (names.Skip(3).Any() ? ", ..." : "");

    /// <summary>Layers that other states have are left out: the state here is phase TEST, level 0, stage deploy.</summary>
    private static bool InTest(LayerParameter layer)
    {
        return layer.Include.Count > 0 ? layer.Include.Any(IsMet) : !layer.Exclude.Any(IsMet);

        static bool IsMet(NetStateRule r) => !(r.HasPhase && r.Phase != Phase.Test) && !(r.HasMinLevel && r.MinLevel > 0) && !(r.HasMaxLevel && r.MaxLevel < 0)
            && r.Stage.All(s => s == "deploy") && !r.NotStage.Contains("deploy");
    }

    private static void RefuseUnknown(LayerParameter[] layers) => UnknownLayers.Refuse("The network",
        layers.Where(l => l.Type != "Input" && CaffeLayers.Find(l) == null).Select(l => (l.Type, $"'{l.Name}'{Code(l)}")),
        "Replace them in the .prototxt by layers of docs/importers.md, or leave them out and compute what they do in the application.", Advice);

    /// <summary>The class that a layer of type Python is.</summary>
    private static string Code(LayerParameter layer) => layer.PythonParam is { } p ? $" ({p.Module}.{p.Layer})" : "";

    private static string Advice(string type) => type switch
    {
        "Data" or "ImageData" or "HDF5Data" or "MemoryData" or "WindowData" => "use the deploy .prototxt, which has an Input layer instead",
        "Python" => "its code is not in the model; replace it by layers of Caffe",
        _ when type.EndsWith("Loss", StringComparison.Ordinal) => "use the deploy .prototxt, without losses",
        _ => "",
    };

    /// <summary>A network that has inputs rather than layers that read training data: of train_val.prototxt and deploy.prototxt the latter.</summary>
    private static bool IsForUse(string prototxt)
    {
        string text = Encoding.UTF8.GetString(ModelFile.Head(prototxt));
        return !s_trainingData.Any(end => text.Contains(end, StringComparison.Ordinal));
    }

    private static bool IsPrototxt(ReadOnlySpan<byte> head)
    {
        int probe = Math.Min(head.Length, 4096);
        foreach (byte b in head[..probe]) if (b < 9) return false;
        string text = Encoding.UTF8.GetString(head);
        string dense = string.Concat(text.Split('\n').Select(l => l.Split('#')[0])).Replace(" ", "", StringComparison.Ordinal).Replace("\t", "", StringComparison.Ordinal).Replace("\r", "", StringComparison.Ordinal);
        return (dense.Contains("layer{", StringComparison.Ordinal) || dense.Contains("layers{", StringComparison.Ordinal)) && (dense.Contains("top:", StringComparison.Ordinal) || dense.Contains("bottom:", StringComparison.Ordinal));
    }

    /// <summary>A NetParameter: perhaps its name, then a layer (field 100, or 2 in older files). The older layers have their type as a number
    /// in field 5, or all of themselves in field 1; where Caffe2's networks, alike in the rest, have texts.</summary>
    private static bool IsCaffemodel(ReadOnlySpan<byte> head)
    {
        var net = new ProtoScan(head);
        for (int fields = 0; fields < 8 && net.Next(); fields++)
        {
            if (net.Wire == 0 && net.Field is 4 or 5) continue;
            if (net.Wire != 2) return false;
            var layer = new ProtoScan(net.Bytes);
            switch (net.Field)
            {
                case 100:
                    return layer.Next() && layer.Field == 1 && layer.IsText;
                case 2:
                    while (layer.Next())
                    {
                        if (layer.Field == 5 || layer.Wire != 2) return layer is { Field: 5, Wire: 0 };
                        if (layer.Field == 1) return IsOldest(layer.Bytes);
                        if (!layer.IsText) return false;
                    }
                    return false;
                case 1 or 3 when !net.IsText:
                    return false;
                case 1 or 3 or 6 or 8:
                    continue;
                default:
                    return false;
            }
        }
        return false;
    }

    private static bool IsOldest(ReadOnlySpan<byte> bytes)
    {
        var layer = new ProtoScan(bytes);
        return layer.Next() && layer.Field == 1 && layer.IsText && layer.Next() && layer.Field == 2 && layer.IsText;
    }
}
