using EdgeLite.Converter.Importers.Cntk.Proto;
using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.Cntk;

/// <summary>
/// Reads CNTK's models of version 2 (.model, .dnn, .cmf): a protobuf Dictionary with the primitive functions of a composite one. Shapes are
/// turned round, (W,H,C) is [N,C,H,W]; numbers are float32.
/// </summary>
public sealed class CntkImporter : IImporter
{
    private const int Parameter = 2, Constant = 3, Placeholder = 4;
    private const long FreeDimension = -3;
    private const string BatchAxis = "defaultBatchAxis";
    private static readonly byte[] s_version1 = "B\0C\0N\0"u8.ToArray();
    private static readonly Dictionary<string, Func<CntkFunction, CntkValue>> s_functions = ForeignLayers.Conversions<CntkAttribute, Func<CntkFunction, CntkValue>>();

    private readonly Graph _graph;
    private readonly Dictionary<string, Dictionary> _functions = new(StringComparer.Ordinal), _variables = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _arguments = new(StringComparer.Ordinal);
    private readonly Dictionary<string, CntkValue> _values = new(StringComparer.Ordinal);

    private readonly Refusals _refusals = new();

    /// <summary>Whether the network looks along sequences: then the first axis is the steps of one sequence.</summary>
    private bool _isSequential;

    private CntkImporter(Graph graph) => _graph = graph;

    /// <summary>Importers are found by having a constructor without parameters.</summary>
    public CntkImporter() : this(new Graph("cntk")) { }

    public string Format => "CNTK";

    public FormatReference Reference { get; } = new()
    {
        Files = "models of version 2 (`.model`, `.dnn`, `.cmf`), recognised as a protobuf dictionary with CNTK's keys. Version 1 (`BCN`) is recognised and refused with what to do. Shapes are turned round: (W,H,C) is [N,C,H,W]. A sequence axis counts as batch in networks without memory. Those that look along the sequence (PastValue, FutureValue, OptimizedRNNStack, parts and sums of sequences) take one sequence at a time: its steps are the first axis, and an input that has a batch alone is one sample.",
        Tested = "a genuine convolutional network of CNTK 2.0 against a PyTorch rebuild in float64, and a genuine file of version 1 that is refused. No other genuine file was at hand: other functions against hand-made networks or from the documentation.",
        LayersOf = "CNTK's functions",
        Layers = [.. ForeignLayers.References<CntkAttribute>(), new("Block", "what it is made of"), new("Combine", "several outputs")],
    };

    public bool Recognizes(string path, ReadOnlySpan<byte> head)
    {
        if (head.StartsWith(s_version1)) return true;
        var scan = new ProtoScan(head);
        if (!scan.Next() || scan is not { Field: 1, Wire: 0, Number: < 100 } || !scan.Next() || scan is not { Field: 2, Wire: 2 }) return false;
        var entry = new ProtoScan(scan.Bytes);
        return entry.Next() && entry is { Field: 1, IsText: true } && System.Text.Encoding.UTF8.GetString(entry.Bytes) is "version" or "type" or "uid" or "root" or "name" or "inputs" or "primitive_functions" or "state";
    }

    public Graph Import(string path)
    {
        using (FileStream stream = File.OpenRead(path))
        {
            var head = new byte[s_version1.Length];
            if (stream.ReadAtLeast(head, head.Length, false) == head.Length && head.AsSpan().SequenceEqual(s_version1))
                throw new EdgeLiteException(Status.Unsupported, $"'{path}' is a CNTK model of version 1 (BrainScript), which is not read. Load it in CNTK 2 and save it again: cntk.Function.load(old).save(new).");
        }
        try
        {
            return new CntkImporter(new Graph(Path.GetFileNameWithoutExtension(path))).Build(ProtoFile.Read(path, Dictionary.Parser));
        }
        catch (Exception e) when (e is OverflowException or IndexOutOfRangeException or ArgumentException or InvalidOperationException or DivideByZeroException or KeyNotFoundException or NullReferenceException)
        {
            throw new EdgeLiteException(Status.Corrupt, $"'{path}' contradicts itself: {e.Message}", e);
        }
    }

    private Graph Build(Dictionary root)
    {
        foreach (Dictionary f in Dictionaries(root, "primitive_functions"))
        {
            _functions[Text(f, "uid")] = f;
            if (!IsBlock(f)) continue;
            string[] keys = Texts(f, "block_function_composite_arguments_map_keys"), values = Texts(f, "block_function_composite_arguments_map_values");
            for (int i = 0; i < Math.Min(keys.Length, values.Length); i++) _arguments[keys[i]] = values[i];
        }
        foreach (Dictionary v in Dictionaries(root, "inputs")) _variables[Text(v, "uid")] = v;
        if (_functions.Count == 0) throw new EdgeLiteException(Status.NotAModel, "The file is a CNTK dictionary without functions: a checkpoint of a trainer, not a model.");

        // Criteria of training need labels; they are left out where there is anything else.
        string[] outputs = Outputs(Text(root, "root"));
        string[] computed = [.. outputs.Where(o => !IsCriterion(o))];
        if (computed.Length > 0) outputs = computed;
        List<string[]> groups = CntkOrder.Of(outputs, Needs);
        RefuseUnknown([.. groups.SelectMany(g => g)]);
        _isSequential = groups.SelectMany(g => g).Any(v => OpOf(v) is CntkOp.PastValue or CntkOp.FutureValue or CntkOp.OptimizedRNNStack or CntkOp.Where or CntkOp.UnpackSequence or CntkOp.ToSequence or CntkOp.ToSequenceLike);
        var wanted = new HashSet<string>(outputs, StringComparer.Ordinal);
        foreach (string[] group in groups)
            foreach (string need in group.SelectMany(Needs).Except(group)) wanted.Add(need);
        foreach (string[] group in groups)
        {
            if (group.Length == 1 && !Needs(group[0]).Contains(group[0])) Convert(group[0], _graph, _values);
            else new CntkRecurrence(this, group, _values).Convert(_graph, _refusals, [.. group.Where(wanted.Contains)]);
        }
        _refusals.ThrowIfAny();
        for (int i = 0; i < outputs.Length; i++) NodeBuilder.AddOutput(_graph, Value(outputs[i]).Value, OutputName(root, outputs, i));
        GraphVerifier.Verify(_graph);
        return _graph;
    }

    private string OutputName(Dictionary root, string[] outputs, int i)
    {
        if (outputs.Length == 1 && Text(root, "name") is { Length: > 0 } name) return name;
        return _functions.TryGetValue(Owner(outputs[i]), out Dictionary? f) && Text(f, "name") is { Length: > 0 } own ? own : outputs[i];
    }

    /// <summary>The outputs of a function; those of a Combine are its operands.</summary>
    private string[] Outputs(string uid)
    {
        Dictionary f = _functions.GetValueOrDefault(uid) ?? throw new EdgeLiteException(Status.Corrupt, $"Function '{uid}' is not in the file.");
        return OpOf(f) == CntkOp.Combine ? Texts(f, "inputs") : [uid + "_Output_0"];
    }

    private bool IsCriterion(string variable) => _functions.TryGetValue(Owner(variable), out Dictionary? f) && OpOf(f) is CntkOp.CrossEntropyWithSoftmax or CntkOp.ClassificationError or CntkOp.SquaredError;

    /// <summary>What a variable is computed from: an alias of one, or the operands of its function.</summary>
    internal string[] Needs(string uid)
    {
        if (Alias(uid) is { } alias) return [alias];
        return _functions.TryGetValue(Owner(uid), out Dictionary? f) ? Texts(f, "inputs") : [];
    }

    /// <summary>A placeholder stands for the argument of its block, the output of a block or of a Combine for one inside.</summary>
    private string? Alias(string uid)
    {
        if (_arguments.TryGetValue(uid, out string? argument)) return argument;
        if (!_functions.TryGetValue(Owner(uid), out Dictionary? f)) return null;
        int index = uid.LastIndexOf('_') is var at and > 0 && int.TryParse(uid[(at + 1)..], out int n) ? n : 0;
        if (OpOf(f) == CntkOp.Combine) return Pick(Texts(f, "inputs"));
        return IsBlock(f) ? Pick(Outputs(Text(Composite(f), "root"))) : null;

        string Pick(string[] outputs) => index < outputs.Length ? outputs[index] : throw new EdgeLiteException(Status.Corrupt, $"Output {index} of '{Owner(uid)}' is read, which has {outputs.Length}.");
    }

    /// <summary>Converts what computes a variable into a graph; its operands are among the values there, and so is the result then.</summary>
    internal void Convert(string uid, Graph graph, Dictionary<string, CntkValue> values)
    {
        if (Alias(uid) is { } alias)
        {
            values[uid] = Value(alias, values);
            return;
        }
        if (!_functions.TryGetValue(Owner(uid), out Dictionary? f))
        {
            values[uid] = Variable(uid);
            return;
        }
        CntkValue[] inputs = [.. Texts(f, "inputs").Select(i => Value(i, values))];
        CntkValue result = default;
        bool isConverted = _refusals.TryConvert(OpOf(f).ToString(), graph, inputs.Select(i => i.Value), (into, of) => result = Converted(uid, f, into, [.. inputs.Select(i => i with { Value = of(i.Value) })]));
        values[uid] = isConverted ? result : new(_refusals.Placeholder(graph, NameOf(f)), inputs.Any(i => i.HasBatch));
    }

    /// <summary>The same for a graph that is thrown away: throws what is refused.</summary>
    internal void Try(string uid, Graph graph, Dictionary<string, CntkValue> values) =>
        values[uid] = Alias(uid) is { } alias ? Value(alias, values) : Converted(uid, _functions[Owner(uid)], graph, [.. Needs(uid).Select(i => Value(i, values))]);

    private static CntkValue Converted(string uid, Dictionary f, Graph graph, CntkValue[] inputs)
    {
        if (!uid.EndsWith("_Output_0", StringComparison.Ordinal)) throw new EdgeLiteException(Status.Unsupported, $"Function '{NameOf(f)}' ({OpOf(f)}): its result '{uid}' is not supported; only the first one is.");
        return s_functions[OpOf(f).ToString()](new CntkFunction(graph, NameOf(f), OpOf(f), inputs, Attributes(f)));
    }

    private static Dictionary Attributes(Dictionary f) => f.Data.GetValueOrDefault("attributes")?.DictionaryValue_ ?? new Dictionary();

    /// <summary>The primitive function that computes a variable; null for an alias of another one, an input or a parameter.</summary>
    internal CntkOp? OpOf(string uid) => Alias(uid) == null && _functions.TryGetValue(Owner(uid), out Dictionary? f) ? OpOf(f) : null;

    /// <summary>A whole number among the attributes of the function that computes a variable; 1 where it is not given.</summary>
    internal long Setting(string uid, string key) => Attributes(_functions[Owner(uid)]).Data.GetValueOrDefault(key) is { } value ? value.ValueCase == DictionaryValue.ValueOneofCase.IntValue ? value.IntValue : unchecked((long)value.SizeTValue) : 1;

    private CntkValue Value(string uid) => Value(uid, _values);

    private static CntkValue Value(string uid, Dictionary<string, CntkValue> values) => values.TryGetValue(uid, out CntkValue value) ? value : throw new EdgeLiteException(Status.Corrupt, $"'{uid}' is used before it is computed.");

    private CntkValue Variable(string uid)
    {
        Dictionary v = _variables.GetValueOrDefault(uid) ?? throw new EdgeLiteException(Status.Corrupt, $"Variable '{uid}' is not in the file.");
        string name = Text(v, "name") is { Length: > 0 } given ? given : uid;
        long kind = (long)Entry(v, "kind").SizeTValue;
        if (kind == Placeholder) throw new EdgeLiteException(Status.Unsupported, $"Placeholder '{name}' has nothing to stand for.");
        if (kind is Parameter or Constant) return new(_graph.AddConstant(name, Read(Entry(v, "value").NdArrayViewValue, name)), false);
        string[] dynamic = [.. (v.Data.GetValueOrDefault("dynamic_axis") ?? v.Data.GetValueOrDefault("dynamic_axes"))?.VectorValue?.Value.Select(a => a.AxisValue?.Name ?? "") ?? []];
        bool isBatched = dynamic.Length > 0, isOne = _isSequential && dynamic is [BatchAxis];
        long[] dims = [.. (Entry(v, "shape").NdShapeValue?.ShapeDim ?? []).Select((d, i) => unchecked((long)d) switch { FreeDimension => _graph.SymbolDim($"{name}{i}"), < 0 => Shape.Unknown, var size => size }).Reverse()];
        if (isBatched) dims = [isOne ? 1 : _graph.SymbolDim(_isSequential ? "T" : "N"), .. dims];
        return new(_graph.AddInput(_graph.FreshName(name), new TensorType(DType.Float32, new Shape(dims))), isBatched);
    }

    private static Tensor Read(NDArrayView? view, string name)
    {
        if (view == null) throw new EdgeLiteException(Status.Corrupt, $"Parameter '{name}' has no value.");
        if (view.StorageFormat != 0) throw new EdgeLiteException(Status.Unsupported, $"Parameter '{name}' is sparse, which is not supported.");
        float[] values = view.ValuesCase switch
        {
            NDArrayView.ValuesOneofCase.FloatValues => [.. view.FloatValues.Value],
            NDArrayView.ValuesOneofCase.DoubleValues => [.. view.DoubleValues.Value.Select(d => (float)d)],
            _ => throw new EdgeLiteException(Status.Unsupported, $"Parameter '{name}' is neither float nor double."),
        };
        var shape = new Shape([.. (view.Shape?.ShapeDim ?? []).Select(d => checked((long)d)).Reverse()]);
        if (shape.Count != values.Length) throw new EdgeLiteException(Status.Corrupt, $"Parameter '{name}' has {values.Length} numbers; expected {shape}.");
        return Tensor.FromArray<float>(values, shape);
    }

    private void RefuseUnknown(string[] order)
    {
        IEnumerable<Dictionary> used = order.Where(uid => Alias(uid) == null).Select(Owner).Distinct().Where(_functions.ContainsKey).Select(o => _functions[o]);
        UnknownLayers.Refuse("The network", used.Where(f => !s_functions.ContainsKey(OpOf(f).ToString())).Select(f => (OpOf(f).ToString(), $"'{NameOf(f)}'")),
            "Replace them by functions of docs/importers.md, or export the model to ONNX (model.save(path, format=cntk.ModelFormat.ONNX)).", Advice);
    }

    private static string Advice(string op) => Enum.Parse<CntkOp>(op) switch
    {
        CntkOp.CrossEntropyWithSoftmax or CntkOp.ClassificationError or CntkOp.SquaredError => "belongs to training; save the network without its criteria",
        _ => "",
    };

    private static CntkOp OpOf(Dictionary f) => f.Data.TryGetValue("op", out DictionaryValue? op) ? (CntkOp)op.SizeTValue
        : throw new EdgeLiteException(Status.Unsupported, $"Function '{Text(f, "uid")}' is of the application's own making ({Text(f, "type")}), which is not in the file.");

    private static string NameOf(Dictionary d) => Text(d, "name") is { Length: > 0 } given ? given : Text(d, "uid");

    private static bool IsBlock(Dictionary f) => f.Data.TryGetValue("op", out DictionaryValue? op) && op.SizeTValue == (ulong)CntkOp.Block;

    private static string Owner(string variable) => variable.LastIndexOf("_Output_", StringComparison.Ordinal) is var at and > 0 ? variable[..at] : "";

    private static DictionaryValue Entry(Dictionary d, string key) => d.Data.GetValueOrDefault(key) ?? throw new EdgeLiteException(Status.Corrupt, $"the file is damaged or not a CNTK model: '{NameOf(d)}' has no entry '{key}'.");

    private static Dictionary Composite(Dictionary f) => Entry(f, "block_function_composite").DictionaryValue_ ?? throw new EdgeLiteException(Status.Corrupt, $"The network of block '{NameOf(f)}' is no dictionary.");

    private static string Text(Dictionary d, string key) => d.Data.GetValueOrDefault(key)?.StringValue ?? "";

    private static string[] Texts(Dictionary d, string key) => [.. d.Data.GetValueOrDefault(key)?.VectorValue?.Value.Select(v => v.StringValue) ?? []];

    private static IEnumerable<Dictionary> Dictionaries(Dictionary d, string key) => d.Data.GetValueOrDefault(key)?.VectorValue?.Value.Select(v => v.DictionaryValue_).Where(v => v != null) ?? [];
}
