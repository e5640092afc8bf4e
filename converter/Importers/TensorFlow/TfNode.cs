using EdgeLite.Converter.Importers.TensorFlow.Proto;
using EdgeLite.Converter.Ir;
using EdgeLite.Core;
using EdgeLite.Ops;

namespace EdgeLite.Converter.Importers.TensorFlow;

/// <summary>Marks a method <c>static void (TfNode)</c> that converts the TensorFlow operators of these names.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class TensorFlowAttribute(params string[] ops) : ForeignLayerAttribute(ops);

/// <summary>One TensorFlow node while it is converted: its inputs, its attributes, and where its results go.</summary>
internal sealed class TfNode(TfScope scope, NodeDef node)
{
    private const int MaxCount = 1 << 14;

    public TfScope Scope { get; } = scope;
    public NodeDef Node { get; } = node;
    public TfContext Context => Scope.Context;
    public Graph Graph => Scope.Context.Graph;
    public string Op => Node.Op;
    public string Name => Node.Name;

    private string[] Inputs { get; } = [.. TfSource.DataInputs(node)];

    public int InputCount => Inputs.Length;
    public bool HasInput(int i) => i < Inputs.Length;

    public TfItem Item(int i) => HasInput(i) ? Scope.Resolve(Inputs[i]) : throw Damaged($"input {i} is missing");

    public Value In(int i) => Item(i) switch
    {
        TfTensorItem t => t.Value,
        TfListItem => throw InputError($"input {i} is a list of tensors"),
        TfComplexItem => throw InputError($"input {i} is a tensor of complex numbers, which only the operators named with RFFT in docs/importers.md take"),
        TfVariableItem v => Scope.Model.Variable(v.Name, this),
        TfTableItem t => throw InputError($"input {i} is the table '{t.Table.Name}'"),
        var other => throw InputError($"input {i} is {((TfOpaqueItem)other).What}"),
    };

    /// <summary>An input of complex numbers, real and imaginary parts along the last axis.</summary>
    public Value Complex(int i) => Item(i) is TfComplexItem c ? c.Parts : throw InputError($"input {i} is not a tensor of complex numbers");

    public TfListItem List(int i) => Item(i) as TfListItem ?? throw InputError($"input {i} is not a list of tensors");

    public Value[] All(int from = 0, int? count = null) => [.. Enumerable.Range(from, (count ?? InputCount) - from).Select(In)];

    public int Rank(int i) => RankOf(In(i));

    public int RankOf(Value value) => value.Shape.IsRanked ? value.Shape.Rank : throw InputError($"the number of dimensions of '{value.Name}' is not known");

    public long[]? ConstantInts(int i) => HasInput(i) && In(i).Constant is { } c ? c.ToInt64Array() : null;

    /// <summary>The integers of an input that the conversion needs to know.</summary>
    public long[] RequiredInts(int i, string what) =>
        ConstantInts(i) ?? throw InputError($"{what} (input {i}, '{In(i).Name}') is computed by the model; only a constant is supported");

    public double RequiredNumber(int i, string what) => In(i).Constant is { Count: 1 } c ? c.GetDouble(0) : throw InputError($"{what} (input {i}) must be one constant number");

    /// <summary>An integer input as int64, which ONNX wants for shapes and axes.</summary>
    public Value Int64(int i) => Cast(In(i), DType.Int64);

    public AttrValue? Attr(string name) => Node.Attr.GetValueOrDefault(name);
    public long Int(string name, long otherwise = 0) => Attr(name) is { ValueCase: AttrValue.ValueOneofCase.I } a ? a.I : otherwise;

    /// <summary>A number of inputs or outputs.</summary>
    public int Count(string name, long otherwise = 0) => Int(name, otherwise) is >= 0 and <= MaxCount and var count ? (int)count : throw Damaged($"'{name}' is {Int(name)}, expected 0 to {MaxCount}");

    public float Float(string name, float otherwise = 0) => Attr(name) is { ValueCase: AttrValue.ValueOneofCase.F } a ? a.F : otherwise;
    public bool Bool(string name, bool otherwise = false) => Attr(name) is { ValueCase: AttrValue.ValueOneofCase.B } a ? a.B : otherwise;
    public string String(string name, string otherwise = "") => Attr(name) is { ValueCase: AttrValue.ValueOneofCase.S } a ? a.S.ToStringUtf8() : otherwise;
    public long[] Ints(string name, params long[] otherwise) => Attr(name)?.List is { } list && (list.I.Count > 0 || otherwise.Length == 0) ? [.. list.I] : otherwise;
    public DType Type(string name, DType otherwise = DType.Undefined) => Attr(name) is { ValueCase: AttrValue.ValueOneofCase.Type } a ? TfTensors.Type(a.Type) : otherwise;
    public long[]? Dims(string name) => Attr(name) is { ValueCase: AttrValue.ValueOneofCase.Shape } a ? TfTensors.Dims(a.Shape) : null;

    /// <summary>Whether the channels come last; layouts with other letters are refused.</summary>
    public bool IsChannelsLast
    {
        get
        {
            string format = String("data_format", "NHWC");
            return format is "NHWC" or "NDHWC" or "NWC" || (format is "NCHW" or "NCDHW" or "NCW" ? false : throw Error($"data_format {format} is not supported"));
        }
    }

    public void Set(int i, TfItem item) => Scope.Set(Name, i, item);
    public void Set(TfItem item) => Scope.Set(Name, 0, item);

    public Value Const(Tensor tensor) => Graph.AddConstant(Name + "/const", tensor);
    public Value Vector(params ReadOnlySpan<long> values) => Const(Tensor.FromArray(values, new Shape(values.Length)));
    public Value Scalar(DType type, double value)
    {
        var tensor = new Tensor(type, Shape.Scalar);
        if (type is DType.Int64 or DType.Int32 or DType.UInt8 or DType.Int8 or DType.Int16 or DType.UInt16 or DType.UInt32 or DType.UInt64 or DType.Bool) tensor.SetInt64(0, (long)value);
        else tensor.SetDouble(0, value);
        return Const(tensor);
    }

    /// <summary>A number of the type of <paramref name="like"/>.</summary>
    public Value Number(Value like, double value) => Scalar(like.DType, value);

    public Value Emit(string opType, ReadOnlySpan<Value?> inputs, params ReadOnlySpan<(string, AttributeValue)> attributes) =>
        Context.Emit(Name, opType, inputs, AttributeSet.Of(attributes));

    public Value[] EmitMany(string opType, int outputs, ReadOnlySpan<Value?> inputs, params ReadOnlySpan<(string, AttributeValue)> attributes) =>
        Context.EmitMany(Name, opType, outputs, inputs, AttributeSet.Of(attributes));

    public Value Cast(Value x, DType to) => x.DType == to ? x : Emit("Cast", [x], ("to", (long)to));
    public Value Add(Value a, Value b) => Emit("Add", [a, b]);
    public Value Sub(Value a, Value b) => Emit("Sub", [a, b]);
    public Value Mul(Value a, Value b) => Emit("Mul", [a, b]);
    public Value Div(Value a, Value b) => Emit("Div", [a, b]);
    public Value Where(Value condition, Value yes, Value no) => Emit("Where", [condition, yes, no]);
    public Value Reshape(Value x, params ReadOnlySpan<long> shape) => Emit("Reshape", [x, Vector(shape)]);
    public Value Unsqueeze(Value x, params ReadOnlySpan<long> axes) => Emit("Unsqueeze", [x, Vector(axes)]);
    public Value Squeeze(Value x, params ReadOnlySpan<long> axes) => Emit("Squeeze", [x, Vector(axes)]);
    public Value ShapeOf(Value x) => Emit("Shape", [x]);
    public Value Concat(long axis, params ReadOnlySpan<Value?> parts) => parts.Length == 1 ? parts[0]! : Emit("Concat", parts, ("axis", axis));
    public Value Reduce(string opType, Value x, bool keep, params ReadOnlySpan<long> axes) => Emit(opType, [x, Vector(axes)], ("keepdims", keep ? 1 : 0));

    public Value Slice(Value x, long axis, long start, long end, long step = 1) =>
        Emit("Slice", [x, Vector(start), Vector(end), Vector(axis), Vector(step)]);

    public Value Transpose(Value x, params ReadOnlySpan<long> permutation)
    {
        bool isIdentity = true;
        for (int i = 0; i < permutation.Length; i++) isIdentity &= permutation[i] == i;
        return isIdentity ? x : Emit("Transpose", [x], ("perm", permutation.ToArray()));
    }

    /// <summary>[N, S.., C] as [N, C, S..].</summary>
    public Value ToChannelsFirst(Value x)
    {
        int rank = RankOf(x);
        return Transpose(x, ChannelOrder.First(rank));
    }

    public Value ToChannelsLast(Value x)
    {
        int rank = RankOf(x);
        return Transpose(x, ChannelOrder.Last(rank));
    }

    /// <summary>An empty vector means a scalar; one entry of a shape vector at most is left to be found at run time.</summary>
    public Value ReshapeTo(Value x, Value shape)
    {
        shape = Cast(shape, DType.Int64);
        if (shape.Constant == null && Context.Entries(shape) is { } entries)
        {
            var known = new long[entries.Length];
            int open = 0;
            for (int i = 0; i < known.Length; i++)
            {
                bool same = entries[i] < -1 && entries[i] != TfContext.Unknown && x.Shape.IsRanked && i < x.Shape.Rank && x.Shape[i] == entries[i];
                known[i] = same ? 0 : entries[i] >= 0 ? entries[i] : -1;
                if (known[i] == -1) open++;
            }
            // A size of 0 would be taken for "as in the input".
            if (open <= 1 && !entries.Contains(0)) shape = Vector(known);
        }
        else if (shape.Constant is { } c && c.ToInt64Array().Contains(0)) return Emit("Reshape", [x, shape], ("allowzero", c.ToInt64Array().Contains(-1) ? 0 : 1));
        return Emit("Reshape", [x, shape]);
    }

    public int Axis(long axis, int rank)
    {
        long actual = axis < 0 ? axis + rank : axis;
        return actual >= 0 && actual < rank ? (int)actual : throw Damaged($"axis {axis} is outside a tensor of {rank} dimensions");
    }

    public EdgeLiteException Error(string message) => new(Status.Unsupported, $"{Op} '{Name}': {message}.");

    /// <summary>What the node is given is refused, whatever its attributes.</summary>
    public EdgeLiteException InputError(string message) => new(Status.InvalidShape, $"{Op} '{Name}': {message}.");

    public EdgeLiteException Damaged(string message) => new(Status.Corrupt, $"{Op} '{Name}': {message}.");
}
