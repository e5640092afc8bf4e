using EdgeLite.Converter.Importers.TensorFlow;
using EdgeLite.Converter.Importers.TensorFlow.Proto;
using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.Keras;

/// <summary>One call of a layer while it is converted: its inputs, and where its results go.</summary>
internal sealed class KerasNode(KerasImporter importer, KerasLayer layer, KerasTensor[] inputs, IReadOnlyDictionary<string, KerasTensor[]> named, KerasArguments? arguments)
    : NodeBuilder(importer.Graph, layer.Name, $"{layer.ClassName} '{layer.Name}'")
{
    public KerasImporter Importer { get; } = importer;
    public KerasLayer Layer { get; } = layer;
    public KerasTensor[] Inputs { get; } = inputs;

    /// <summary>Tensors given by keyword: initial_state, key, value ...</summary>
    public IReadOnlyDictionary<string, KerasTensor[]> Named { get; } = named;
    public KerasTensor[] Outputs { get; private set; } = [];
    public KerasConfig Config => Layer.Config;

    public Value X => Inputs.Length > 0 ? Inputs[0].Value : throw Error("it is called without an input");
    public Value? Mask => Inputs.Length > 0 ? Inputs[0].Mask : null;
    public int Rank => RankOf(X);

    /// <summary>The result; masks end here.</summary>
    public void Set(Value y) => Outputs = [new(y)];

    /// <summary>The result of a layer that hands the mask of its first input on.</summary>
    public void SetMasked(Value y) => Outputs = [new(y, Mask)];
    public void Set(params ReadOnlySpan<KerasTensor> outputs) => Outputs = outputs.ToArray();

    public Value Constant(string role, Func<Tensor> make) => Layer.Constant(Graph, role, make);
    public Value Concat(ReadOnlySpan<Value?> values, long axis) => Emit("Concat", values, ("axis", axis));

    public Value Slice(Value x, long axis, long from, long to, long step = 1) =>
        Emit("Slice", [x, Ints(from), Ints(to), Ints(axis), Ints(step)]);

    /// <summary>Applies a layer that wants the channels in second place.</summary>
    public Value InChannelsFirst(Func<Value, Value> apply) => Config.ChannelsFirst() ? apply(X) : ToChannelsLast(apply(ToChannelsFirst(X)));

    public void RequireRank(int rank)
    {
        if (Rank != rank) throw InputError($"its input has shape {X.Shape}, expected {rank} dimensions");
    }

    public Tensor RequireRank(Tensor weights, int rank, string role) =>
        weights.Shape.Rank == rank ? weights : throw Damaged($"its {role} has shape {weights.Shape}, expected {rank} dimensions");

    public Value Activate(Value x, string key = "activation") => Activations.Apply(this, x, Config.Get(key));

    /// <summary>What it is called with, or else its setting; null when neither is given. <paramref name="position"/> -1: by
    /// name alone.</summary>
    public object? Argument(int position, params ReadOnlySpan<string> names) =>
        arguments?.Find(position, names) ?? (Config.Get(names) is { } setting ? KerasArguments.OfConfig(setting) : null);

    /// <summary>All that a function is called with by position.</summary>
    public IReadOnlyList<object?> Positional => arguments?.Positional ?? [];

    /// <summary>An argument that is a tensor, or numbers that become a constant.</summary>
    public Value Operand(int position, params ReadOnlySpan<string> names) =>
        Argument(position, names) is { } given ? ValueOf(given) : throw Damaged($"its argument '{(names.Length > 0 ? names[0] : position.ToString(System.Globalization.CultureInfo.InvariantCulture))}' is missing");

    public Value ValueOf(object? given) => given switch
    {
        KerasTensor tensor => tensor.Value,
        Tensor array => Constant("array", array),
        object?[] list when list.OfType<KerasTensor>().Any() => TensorFlow("Pack", Common(list)),
        null => throw Damaged("an argument is None where a tensor is expected"),
        KerasUnknown { ClassName: var className } => throw Error($"an argument of kind '{className}' is not supported"),
        _ => Constant("array", KerasArguments.ArrayOf(given)),
    };

    /// <summary>An argument that is a list of tensors.</summary>
    public Value[] Operands(int position, params ReadOnlySpan<string> names) => Argument(position, names) switch
    {
        object?[] list => Common(list),
        KerasTensor only => [only.Value],
        _ => throw Damaged("its list of tensors is missing"),
    };

    /// <summary>Values of one type: numbers take that of the tensors beside them.</summary>
    private Value[] Common(object?[] given)
    {
        DType type = given.OfType<KerasTensor>().Select(t => t.Value.DType).FirstOrDefault(DType.Float32);
        return [.. given.Select(g => Cast(ValueOf(g), type))];
    }

    /// <summary>Whole numbers that the conversion needs to know: one, or a list; null when not given.</summary>
    public long[]? Wholes(int position, params ReadOnlySpan<string> names) => Argument(position, names) switch
    {
        null => null,
        long one => [one],
        double real when real == Math.Floor(real) => [(long)real],
        object?[] list => [.. list.Select(Whole)],
        var other => [Whole(other)],
    };

    private long Whole(object? given) => given switch
    {
        null => -1,
        long whole => whole,
        double real when real == Math.Floor(real) && Math.Abs(real) < 1e15 => (long)real,
        Tensor { Count: 1 } array => array.GetInt64(0),
        KerasTensor { Value.Constant: { Count: 1 } constant } => constant.GetInt64(0),
        KerasTensor => throw InputError("sizes and axes that the model computes are not supported here"),
        _ => throw Damaged($"'{given}' stands where a whole number is expected"),
    };

    public long Whole(long otherwise, int position, params ReadOnlySpan<string> names) => Argument(position, names) is { } given ? Whole(given) : otherwise;

    public double Real(double otherwise, int position, params ReadOnlySpan<string> names) => Argument(position, names) switch
    {
        null => otherwise,
        long whole => whole,
        double real => real,
        Tensor { Count: 1 } array => array.GetDouble(0),
        KerasTensor { Value.Constant: { Count: 1 } constant } => constant.GetDouble(0),
        _ => throw InputError($"its argument '{names[0]}' must be a number that the file holds"),
    };

    public bool Flag(bool otherwise, int position, params ReadOnlySpan<string> names) => Argument(position, names) switch
    {
        null => otherwise,
        bool flag => flag,
        long whole => whole != 0,
        _ => throw Damaged($"its argument '{names[0]}' is neither true nor false"),
    };

    public string Word(string otherwise, int position, params ReadOnlySpan<string> names) => Argument(position, names) switch
    {
        null => otherwise,
        string word => word,
        _ => throw Damaged($"its argument '{names[0]}' is no text"),
    };

    /// <summary>A shape, of which tensors may be parts: int64 [n].</summary>
    public Value ShapeVector(object? given) => given switch
    {
        KerasTensor { Value: { Shape: { IsRanked: true, Rank: 1 } } vector } => Cast(vector, DType.Int64),
        object?[] list when list.OfType<KerasTensor>().Any() =>
            TensorFlow("Pack", [.. list.Select(d => d is KerasTensor t ? Entry(t.Value) : Constant("size", Tensor.FromScalar(Whole(d))))]),
        object?[] list => Ints([.. list.Select(Whole)]),
        Tensor array => Ints(array.ToInt64Array()),
        _ => Ints(Whole(given)),
    };

    /// <summary>A size as int64 scalar.</summary>
    private Value Entry(Value size)
    {
        Value wide = TensorFlow("Reshape", [size, Ints()]);
        return Importer.Context.Emit(Name, "Cast", [wide], EdgeLite.Ops.AttributeSet.Of(("to", (long)DType.Int64)));
    }

    /// <summary>The result of a TensorFlow operator, as its importer converts it.</summary>
    public Value TensorFlow(string op, Value[] inputs, params ReadOnlySpan<(string Name, object Value)> attributes) => TensorFlow(op, 1, inputs, attributes)[0];

    public Value[] TensorFlow(string op, int outputs, Value[] inputs, params ReadOnlySpan<(string Name, object Value)> attributes)
    {
        var node = new NodeDef { Op = op, Name = Name };
        foreach ((string name, object value) in attributes)
            node.Attr[name] = value switch
            {
                bool flag => new AttrValue { B = flag },
                float real => new AttrValue { F = real },
                string text => new AttrValue { S = Google.Protobuf.ByteString.CopyFromUtf8(text) },
                long[] list => new AttrValue { List = new AttrValue.Types.ListValue { I = { list } } },
                _ => new AttrValue { I = Convert.ToInt64(value, System.Globalization.CultureInfo.InvariantCulture) },
            };
        return TensorFlow(node, outputs, inputs);
    }

    public Value[] TensorFlow(NodeDef node, int outputs, Value[] inputs)
    {
        Action<TfNode> convert = TfModel.Operator(node.Op) ?? throw Error($"TensorFlow's operator {node.Op} has no conversion");
        var scope = new TfScope(new TfModel(new GraphDef()), Importer.Context, new TfSource([]), null);
        node.Input.Clear();
        for (int i = 0; i < inputs.Length; i++)
        {
            node.Input.Add($"input:{i}");
            scope.Set("input", i, inputs[i]);
        }
        convert(new TfNode(scope, node));
        return [.. Enumerable.Range(0, outputs).Select(i => scope.Resolve($"{node.Name}:{i}") is TfTensorItem { Value: var value } ? value : throw Error("it gives something else than a tensor"))];
    }
}
