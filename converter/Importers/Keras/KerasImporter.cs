using EdgeLite.Converter.Importers.TensorFlow;
using EdgeLite.Converter.Ir;
using EdgeLite.Core;
using EdgeLite.Format;

namespace EdgeLite.Converter.Importers.Keras;

/// <summary>Where a model comes from, as far as its numbers depend on it.</summary>
internal sealed record KerasOrigin(int Major, string Backend)
{
    /// <summary>Theano convolves, everyone else correlates: its kernels are stored the other way round.</summary>
    public bool IsTheano => Backend == "theano";

    /// <summary>UpSampling2D's bilinear places are i / scale instead of (i + 1/2) / scale - 1/2: in Keras itself up to 2.3 and in TensorFlow.js.</summary>
    public bool ResizesFromCorner { get; init; }

    /// <summary>The states that stacked cells return are those of the last cell first: in Keras before 2.2.3 and in TensorFlow.js; null where the version does not tell.</summary>
    public bool? HasLastStatesFirst { get; init; }

    /// <summary>TensorFlow.js knows the dilation of depthwise layers, but does not pass it on.</summary>
    public bool IgnoresDepthwiseDilation { get; init; }

    public static KerasOrigin Of(string? version, string? backend)
    {
        int[] parts = [.. (version ?? "1").Split('.').Select(p => int.TryParse(string.Concat(p.TakeWhile(char.IsAsciiDigit)), out int number) ? number : -1)];
        int major = parts[0] >= 0 ? parts[0] : 2, minor = parts.ElementAtOrDefault(1), patch = parts.ElementAtOrDefault(2);
        // tf.keras calls itself 2.2.4-tf; 2.1.6-tf stands for many versions.
        bool isOld = major < 2 || major == 2 && parts.Length > 1 && minor is >= 0 and < 4, isTf = version?.EndsWith("-tf", StringComparison.Ordinal) == true;
        bool isBefore223 = major == 2 && parts.Length > 2 && (minor, patch) is ( < 2, _) or (2, < 3);
        return new(major, (backend ?? "tensorflow").ToLowerInvariant()) { ResizesFromCorner = isOld && !isTf, HasLastStatesFirst = isBefore223 && isTf ? null : isBefore223 };
    }

    /// <summary>What TensorFlow.js runs, whoever made it.</summary>
    public KerasOrigin InTfjs() => this with { ResizesFromCorner = true, HasLastStatesFirst = true, IgnoresDepthwiseDilation = true };
}

/// <summary>
/// Builds a graph from a Keras model, whichever container it came in. Values keep Keras's own layout; layers that ONNX defines on
/// channels-first tensors stand between transposes, which the passes remove.
/// </summary>
internal sealed class KerasImporter
{
    private static readonly Dictionary<string, Action<KerasNode>> s_layers = ForeignLayers.Conversions<KerasAttribute, Action<KerasNode>>();
    private static readonly Dictionary<string, string> s_operators = ForeignLayers.Marked<KerasAttribute>().Where(m => m.Attribute.Operator.Length > 0)
        .SelectMany(m => m.Attribute.Names.Select(n => (n, m.Attribute.Operator))).ToDictionary(StringComparer.Ordinal);

    private KerasImporter(string name, KerasOrigin origin)
    {
        Graph = new Graph(name);
        Context = new TfContext(Graph, null);
        Origin = origin;
    }

    /// <summary>The name of the list of layers in the documentation.</summary>
    public const string LayersOf = "Keras's layers";

    public Graph Graph { get; }

    /// <summary>The same graph for TensorFlow's operators, which some layers are made of.</summary>
    public TfContext Context { get; }
    public KerasOrigin Origin { get; }

    /// <summary>Settings that were refused.</summary>
    public Refusals Refusals { get; } = new();

    private readonly List<(Value Input, Value Next)> _states = [];

    /// <summary>A state of a stateful layer: zeros at first, then what <see cref="Keep"/> gives it, from run to run.</summary>
    public Value State(string name, TensorType type) => Graph.AddInput(Graph.Find(name) == null ? name
        : throw new EdgeLiteException(Status.Unsupported, $"Stateful layer '{name}' is called more than once, which is not supported."), type);

    public void Keep(Value state, Value next) => _states.Add((state, next));

    /// <summary>States become outputs behind those of the model, each bound to its input.</summary>
    private void BindStates()
    {
        foreach ((Value input, Value next) in _states) NodeBuilder.AddOutput(Graph, next, input.Name + ".next");
        if (_states.Count > 0) Graph.Metadata[StateBinding.MetadataKey] = string.Join('\n', _states.Select((s, i) => $"{s.Input.Name}={Graph.Outputs[Graph.Outputs.Count - _states.Count + i].Name}"));
    }

    /// <summary>Shapes are those of inputs whose shape the file does not tell.</summary>
    public static Graph Import(string name, KerasModel model, KerasWeights weights, KerasOrigin origin, IReadOnlyDictionary<string, Shape>? shapes = null)
    {
        try
        {
            model.RefuseUnknown(s_layers.ContainsKey);
            var importer = new KerasImporter(name, origin);
            model.BuildInto(importer, weights, shapes ?? new Dictionary<string, Shape>());
            importer.BindStates();
            importer.Graph.Metadata["keras.version"] = origin.Major.ToString(System.Globalization.CultureInfo.InvariantCulture);
            importer.Graph.Metadata["keras.backend"] = origin.Backend;
            GraphVerifier.Verify(importer.Graph);
            return importer.Graph;
        }
        catch (Exception e) when (e is IndexOutOfRangeException or ArgumentException or OverflowException or InvalidOperationException
            or KeyNotFoundException or DivideByZeroException or InvalidCastException)
        {
            throw new EdgeLiteException(Status.Corrupt, $"The Keras model '{name}' contradicts itself: {e.Message}", e);
        }
    }

    /// <summary>Converts one call of a layer of a model; a refused one gives a placeholder.</summary>
    public KerasTensor[] CallOrRefuse(KerasLayer layer, KerasTensor[] inputs, IReadOnlyDictionary<string, KerasTensor[]>? named, KerasArguments? arguments)
    {
        IEnumerable<KerasTensor> all = inputs.Concat(named?.Values.SelectMany(n => n) ?? []);
        if (all.Any(t => Refusals.IsPlaceholder(t.Value))) Refusals.TryRanks(layer.ClassName, rank => CallApart(layer, inputs, named, arguments, rank));
        else
        {
            KerasTensor[] results = [];
            if (Refusals.Try(layer.ClassName, () => results = Call(layer, inputs, named, arguments))) return results;
        }
        return [new(Refusals.Placeholder(Graph, layer.Name))];
    }

    /// <summary>Converts one call in a graph of its own.</summary>
    private void CallApart(KerasLayer layer, KerasTensor[] inputs, IReadOnlyDictionary<string, KerasTensor[]>? named, KerasArguments? arguments, int rank)
    {
        var apart = new KerasImporter(Graph.Name, Origin);
        KerasTensor StandIn(KerasTensor t) => new(Refusals.StandIn(apart.Graph, t.Value, rank), t.Mask == null ? null : Refusals.StandIn(apart.Graph, t.Mask, rank));
        apart.Call(new KerasLayer(layer.ClassName, layer.Name, layer.Config, layer.Weights), [.. inputs.Select(StandIn)],
            named?.ToDictionary(n => n.Key, n => n.Value.Select(StandIn).ToArray()), arguments?.Map<KerasTensor>(t => StandIn(t)));
        apart.Refusals.ThrowIfAny();
    }

    /// <summary>Converts one call of a layer.</summary>
    public KerasTensor[] Call(KerasLayer layer, KerasTensor[] inputs, IReadOnlyDictionary<string, KerasTensor[]>? named = null, KerasArguments? arguments = null)
    {
        if (!s_layers.TryGetValue(layer.ClassName, out Action<KerasNode>? convert))
            throw new EdgeLiteException(Status.UnknownOperator, $"Layer '{layer.Name}' is a {layer.ClassName}, which is not supported.");
        var node = new KerasNode(this, layer, inputs, named ?? new Dictionary<string, KerasTensor[]>(), arguments);
        convert(node);
        return node.Outputs;
    }

    public bool Knows(string className) => s_layers.ContainsKey(className);

    /// <summary>The TensorFlow operator that a function is, where it is just one.</summary>
    public static string OperatorOf(string className) => s_operators[className];
}
