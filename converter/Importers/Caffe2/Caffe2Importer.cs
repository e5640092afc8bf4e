using EdgeLite.Converter.Importers.Caffe2.Proto;
using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.Caffe2;

/// <summary>
/// Reads Caffe2's models: the network from predict_net.pb, the weights from the init_net.pb beside it; .pbtxt as well. Inputs are the
/// external inputs that are no weights. Their sizes are not part of such files; they follow from the first layer where it tells, and can
/// be given.
/// </summary>
public sealed class Caffe2Importer : IImporter
{
    private static readonly Dictionary<string, Action<Caffe2Operator>> s_operators = ForeignLayers.Conversions<Caffe2Attribute, Action<Caffe2Operator>>();

    public string Format => "Caffe2";

    public FormatReference Reference { get; } = new()
    {
        Files = "`predict_net.pb` and `init_net.pb`, or both as `.pbtxt`; either of them or their folder can be given. Recognised by operators with inputs, outputs and a type, in protobuf or text; the network that has no inputs is the one that fills the weights.",
        Tested = "a genuine pair (the head of a GoogLeNet) against its closed form; 45 random networks of a hundred operators that Caffe2 (of PyTorch 1.7) wrote, against its own results (outside the test suite 200 more). Other operators against hand-made networks, those of Detectron against loops over boxes; no network of a model zoo was at hand.",
        LayersOf = "Caffe2's operators",
        Layers = ForeignLayers.References<Caffe2Attribute>(),
    };

    public bool Recognizes(string path, ReadOnlySpan<byte> head) => Caffe2Files.IsNet(head);

    public bool RecognizesFolder(string path) => Caffe2Files.IsModel(path);

    public Graph Import(string path) => Import(path, new Dictionary<string, Shape>());

    public Graph Import(string path, IReadOnlyDictionary<string, Shape> shapes)
    {
        (NetDef predict, NetDef init, string file) = Caffe2Files.Read(path);
        RefuseUnknown(predict, init);
        try
        {
            return Build(predict, init, shapes, Path.GetFileNameWithoutExtension(file));
        }
        catch (Exception e) when (e is OverflowException or IndexOutOfRangeException or ArgumentException or InvalidOperationException or DivideByZeroException)
        {
            throw new EdgeLiteException(Status.Corrupt, $"'{file}' contradicts itself: {e.Message}", e);
        }
    }

    private static Graph Build(NetDef predict, NetDef init, IReadOnlyDictionary<string, Shape> shapes, string name)
    {
        var graph = new Graph(predict.HasName && predict.Name.Length > 0 ? predict.Name : name);
        var blobs = new Dictionary<string, Value>(StringComparer.Ordinal);
        Dictionary<string, OperatorDef> fills = FillsOf(init);
        foreach (string input in Inputs(predict, fills)) blobs[input] = graph.AddInput(input, TypeOf(input));
        // Weights in the order in which the network reads them; those that nobody reads are left alone.
        var refusals = new Refusals();
        foreach (OperatorDef op in predict.Op)
        {
            foreach (string blob in op.Input)
                if (!blobs.ContainsKey(blob) && fills.TryGetValue(blob, out OperatorDef? fill)) Convert(fill);
            Convert(op);
        }
        refusals.ThrowIfAny();

        string[] outputs = [.. predict.ExternalOutput.Count > 0 ? predict.ExternalOutput : predict.Op.SelectMany(o => o.Output).Distinct().Except(predict.Op.SelectMany(o => o.Input))];
        if (outputs.Length == 0) throw new EdgeLiteException(Status.InvalidGraph, "The network has no output.");
        foreach (string output in outputs)
            NodeBuilder.AddOutput(graph, blobs.GetValueOrDefault(output) ?? throw new EdgeLiteException(Status.InvalidGraph, $"Output '{output}' is computed by no operator."), output);
        GraphVerifier.Verify(graph);
        return graph;

        void Convert(OperatorDef op)
        {
            string[] inputs = [.. op.Input.Where(blobs.ContainsKey).Distinct()];
            Dictionary<string, Value> around = [];
            bool isConverted = refusals.TryConvert(op.Type, graph, inputs.Select(b => blobs[b]), (into, of) =>
                s_operators[op.Type](new Caffe2Operator(into, op, around = inputs.ToDictionary(b => b, b => of(blobs[b]), StringComparer.Ordinal))));
            foreach (string output in op.Output)
                if (!isConverted) blobs[output] = refusals.Placeholder(graph, output);
                else if (around.TryGetValue(output, out Value? value)) blobs[output] = value;
        }

        TensorType TypeOf(string input)
        {
            OperatorDef? reader = predict.Op.FirstOrDefault(o => o.Input.Contains(input));
            DType type = reader?.Type is "Gather" or "BatchGather" && reader.Input.IndexOf(input) == 1 ? DType.Int64 : DType.Float32;
            if (shapes.TryGetValue(input, out Shape shape) || shapes.TryGetValue("", out shape)) return new TensorType(type, shape);
            return new TensorType(type, reader is { Type: "Conv", Input.Count: > 1 } && fills.TryGetValue(reader.Input[1], out OperatorDef? filter) ? OfConv(graph, reader, filter) : Shape.Unranked);
        }
    }

    /// <summary>The operators of the init net by the blob that they fill; the last one counts.</summary>
    private static Dictionary<string, OperatorDef> FillsOf(NetDef init)
    {
        var fills = new Dictionary<string, OperatorDef>(StringComparer.Ordinal);
        foreach (OperatorDef op in init.Op)
            if (op.Output.Count == 1) fills[op.Output[0]] = op;
        return fills;
    }

    /// <summary>What is read before it is computed and is not filled. Exporters also fill inputs, with a single zero, so that the blobs exist:
    /// such a one is an input when an operator reads it in first place.</summary>
    private static IEnumerable<string> Inputs(NetDef predict, Dictionary<string, OperatorDef> fills)
    {
        var known = new HashSet<string>(StringComparer.Ordinal);
        foreach (OperatorDef op in predict.Op)
        {
            for (int i = 0; i < op.Input.Count; i++)
                if ((!fills.TryGetValue(op.Input[i], out OperatorDef? fill) || i == 0 && IsPlaceholder(fill)) && known.Add(op.Input[i])) yield return op.Input[i];
            known.UnionWith(op.Output);
        }
    }

    private static bool IsPlaceholder(OperatorDef fill) => fill.Type == "ConstantFill" && fill.Input.Count == 0
        && fill.Arg.All(a => a.Name switch { "shape" => a.Ints.All(d => d <= 1), "value" => a.F == 0 && a.I == 0, _ => true });

    private static Shape OfConv(Graph graph, OperatorDef conv, OperatorDef filter)
    {
        long[] dims = [.. filter.Arg.FirstOrDefault(a => a.Name == "shape")?.Ints ?? []];
        if (dims.Length is < 3 or > 5) return Shape.Unranked;
        bool isLast = conv.Arg.Any(a => a.Name == "order" && a.S.ToStringUtf8() == "NHWC");
        long channels = (isLast ? dims[^1] : dims[1]) * Math.Max(conv.Arg.FirstOrDefault(a => a.Name == "group")?.I ?? 1, 1);
        long[] spatial = [.. Enumerable.Range(0, dims.Length - 2).Select(d => graph.SymbolDim(((string[])["H", "W", "D"])[d]))];
        return isLast ? new Shape([graph.SymbolDim("N"), .. spatial, channels]) : new Shape([graph.SymbolDim("N"), channels, .. spatial]);
    }

    private static void RefuseUnknown(NetDef predict, NetDef init)
    {
        var read = predict.Op.SelectMany(o => o.Input).ToHashSet(StringComparer.Ordinal);
        UnknownLayers.Refuse("The network", init.Op.Where(o => o.Output.Any(read.Contains)).Concat(predict.Op).Where(o => !s_operators.ContainsKey(o.Type)).Select(o => (o.Type, $"'{Caffe2Operator.NameOf(o)}'")),
            "Replace them by operators of docs/importers.md, or export the model to ONNX.", Advice);
    }

    private static string Advice(string type) => type switch
    {
        _ when type.StartsWith("Int8", StringComparison.Ordinal) => "quantized networks are not read; convert the float network and quantize it with --int8",
        "XavierFill" or "MSRAFill" or "GaussianFill" or "UniformFill" => "weights that are random: this is the init net of training; save the trained ones (predictor_exporter)",
        "RecurrentNetwork" => "recurrent networks carry networks inside; export the model to ONNX",
        "Load" or "CreateDB" or "ImageInput" or "TensorProtosDBInput" => "reads files while it runs; export the network for prediction",
        "LabelCrossEntropy" or "SoftmaxWithLoss" or "AveragedLoss" or "Accuracy" => "belongs to training; export the network for prediction",
        _ => "",
    };
}
