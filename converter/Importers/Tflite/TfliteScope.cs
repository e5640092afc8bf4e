using EdgeLite.Converter.Ir;
using EdgeLite.Core;
using EdgeLite.Ops;

namespace EdgeLite.Converter.Importers.Tflite;

/// <summary>A resource of the model, shared by its subgraphs: a variable, or a hash table, whose values are the initial ones.</summary>
internal sealed class TfliteVariable(string name)
{
    public string Name { get; } = name;

    /// <summary>What the initialization subgraph assigns; null when it never does.</summary>
    public Tensor? Initial { get; set; }

    /// <summary>The keys of a hash table.</summary>
    public Tensor? Keys { get; set; }

    /// <summary>The value at the present point of the graph that is being built.</summary>
    public Value? Current { get; set; }

    /// <summary>The graph input that carries the value from one run to the next, when the graph assigns it.</summary>
    public Value? Input { get; set; }
}

/// <summary>
/// One subgraph while it is turned into nodes of a graph: which value each TFLite tensor has become. A quantized tensor has its
/// stored integers (<see cref="Raw"/>) and, made when asked for, its real numbers (<see cref="Real"/>), through
/// DequantizeLinear; both also channels-first, for operators that ONNX defines that way.
/// </summary>
internal sealed class TfliteScope(TfliteModel model, TfliteSubgraph subgraph, Graph graph, Dictionary<string, TfliteVariable> variables)
{
    private readonly Value?[] _raw = new Value?[subgraph.Tensors.Length];
    private readonly Dictionary<(int Tensor, bool ChannelsFirst), Value> _real = [];
    private readonly Dictionary<int, Value> _channelsFirst = [];
    private readonly Dictionary<int, Tensor?> _constants = [];
    private readonly Dictionary<int, int> _alias = [];
    private readonly Dictionary<int, TfliteVariable> _handles = [];

    public TfliteModel Model { get; } = model;
    public TfliteSubgraph Subgraph { get; } = subgraph;
    public Graph Graph { get; } = graph;
    public Dictionary<string, TfliteVariable> Variables { get; } = variables;

    /// <summary>The tensor that <paramref name="t"/> stands for: dequantized or densified constants stand for what they came from.</summary>
    public TfliteTensor Tensor(int t) => Subgraph.Tensors[_alias.GetValueOrDefault(t, t)];

    /// <summary>Makes a tensor another name of a constant.</summary>
    public void SetAlias(int t, int constant) => _alias[t] = _alias.GetValueOrDefault(constant, constant);

    public void SetHandle(int t, TfliteVariable variable) => _handles[t] = variable;

    public TfliteVariable Handle(int t) => _handles.GetValueOrDefault(t)
        ?? throw new EdgeLiteException(Status.InvalidShape, $"Resource '{Subgraph.Tensors[t].Name}' is not made by VAR_HANDLE or HASHTABLE in the same subgraph.");

    public bool IsHandle(int t) => _handles.ContainsKey(t);

    /// <summary>The stored constant of a tensor, or null.</summary>
    public Tensor? Constant(int t)
    {
        t = _alias.GetValueOrDefault(t, t);
        if (_raw[t] is { } value) return value.Constant;
        if (!_constants.TryGetValue(t, out Tensor? constant))
            _constants[t] = constant = Subgraph.Tensors[t].IsVariable ? null : TfliteConstants.Read(Model, Subgraph.Index, Subgraph.Tensors[t]);
        return constant;
    }

    /// <summary>The tensor or, of a handle, the resource, as what stands for it: null before it is computed.</summary>
    public object? Item(int t) => _handles.GetValueOrDefault(t) as object ?? _raw[_alias.GetValueOrDefault(t, t)];

    public void SetRaw(int t, Value value) => _raw[t] = value;

    /// <summary>The tensor as stored.</summary>
    public Value Raw(int t)
    {
        if (_alias.TryGetValue(t, out int constantIndex))
        {
            // A dequantized constant is real although what it stands for is stored as integers.
            if (Subgraph.Tensors[constantIndex].DType != Subgraph.Tensors[t].DType) return Real(t);
            t = constantIndex;
        }
        if (_raw[t] is { } value) return value;
        TfliteTensor tensor = Subgraph.Tensors[t];
        Tensor constant = Constant(t) ?? (tensor.IsVariable ? Zeros(tensor) : throw TfliteModel.Corrupt($"tensor '{tensor.Name}' is read before it is computed"));
        return _raw[t] = Graph.AddConstant(tensor.Name, constant);
    }

    /// <summary>The tensor as stored, its last axis moved to the second place.</summary>
    public Value RawChannelsFirst(int t)
    {
        t = _alias.GetValueOrDefault(t, t);
        if (!_channelsFirst.TryGetValue(t, out Value? value))
            _channelsFirst[t] = value = Transpose(Raw(t), ChannelsFirst(Subgraph.Tensors[t].Rank), Subgraph.Tensors[t].Name + "/nchw");
        return value;
    }

    /// <summary>The tensor's real numbers: float32 for quantized tensors and for float16 constants.</summary>
    public Value Real(int t, bool channelsFirst = false)
    {
        t = _alias.GetValueOrDefault(t, t);
        TfliteTensor tensor = Subgraph.Tensors[t];
        if (!NeedsConversion(tensor)) return channelsFirst ? RawChannelsFirst(t) : Raw(t);
        if (_real.TryGetValue((t, channelsFirst), out Value? value)) return value;
        Value raw = channelsFirst ? RawChannelsFirst(t) : Raw(t);
        int axis = tensor.Quantization?.Axis ?? 0;
        if (channelsFirst) axis = Array.IndexOf(ChannelsFirst(tensor.Rank), axis);
        return _real[(t, channelsFirst)] = ToReal(raw, tensor, axis);
    }

    /// <summary>The real numbers of a constant that an importer has rearranged; <paramref name="axis"/> is where the quantized axis
    /// has gone.</summary>
    public Value RealOf(Tensor constant, TfliteTensor tensor, int axis, string name) => ToReal(Graph.AddConstant(name, constant), tensor, axis);

    /// <summary>The real numbers of a tensor whose stored form was reshaped.</summary>
    public Value RealReshaped(Value raw, TfliteTensor tensor) =>
        tensor.Blocks != null || tensor.Quantization is { IsPerAxis: true }
            ? throw new EdgeLiteException(Status.Unsupported, $"Tensor '{tensor.Name}' has a scale per channel or block and is reshaped.")
            : ToReal(raw, tensor, 0);

    /// <summary>Stored integers for real numbers: QuantizeLinear with the tensor's parameters.</summary>
    public Value Quantize(Value real, TfliteTensor tensor, bool channelsFirst)
    {
        TfliteQuantization q = tensor.Quantization!;
        int axis = channelsFirst ? Array.IndexOf(ChannelsFirst(tensor.Rank), q.Axis) : q.Axis;
        return Graph.Add("QuantizeLinear", tensor.Name + "/quantized", [real, .. QuantizationInputs(q, tensor)], Axis(q, axis));
    }

    public Value Transpose(Value x, long[] permutation, string name)
    {
        if (x.Constant is { } constant) return Graph.AddConstant(name, TfliteTranspose.Apply(constant, permutation));
        return Graph.Add("Transpose", name, [x], AttributeSet.Of(("perm", permutation)));
    }

    public static long[] ChannelsFirst(int rank) => [0, rank - 1, .. Enumerable.Range(1, Math.Max(rank - 2, 0)).Select(i => (long)i)];
    public static long[] ChannelsLast(int rank) => [0, .. Enumerable.Range(2, Math.Max(rank - 2, 0)).Select(i => (long)i), 1];

    /// <summary>A bias (int32 or int64, scale of input times weights) as real numbers.</summary>
    public Value RealBias(int t)
    {
        TfliteTensor tensor = Tensor(t);
        if (tensor.DType is not (DType.Int32 or DType.Int64)) return Real(t);
        return tensor.IsQuantized ? ToReal(Raw(t), tensor, 0)
            : throw new EdgeLiteException(Status.Unsupported, $"Bias '{tensor.Name}' is {tensor.DType.Name()} without a scale.");
    }

    private static bool NeedsConversion(TfliteTensor tensor) => tensor.IsQuantizedActivation || tensor.Blocks != null || tensor.DType == DType.Float16;

    private Value ToReal(Value raw, TfliteTensor tensor, int axis)
    {
        if (tensor.DType == DType.Float16)
        {
            return raw.Constant is { } half
                ? Graph.AddConstant(raw.Name + "/float", half.ConvertTo(DType.Float32))
                : Graph.Add("Cast", tensor.Name + "/float", [raw], AttributeSet.Of(("to", (long)DType.Float32)));
        }
        if (tensor.Blocks is { } blocks) return DequantizeBlocks(raw, tensor, blocks);
        if (!tensor.IsQuantized) return raw;
        if (tensor.QuantizationProblem != null) throw new EdgeLiteException(Status.Unsupported, $"Tensor '{tensor.Name}': {tensor.QuantizationProblem}.");
        TfliteQuantization q = tensor.Quantization!;
        if (tensor.DType == DType.Int64) return DequantizeWide(raw, tensor, q);
        return Graph.Add("DequantizeLinear", tensor.Name + "/real", [raw, .. QuantizationInputs(q, tensor)], Axis(q, axis));
    }

    /// <summary>Blocks along the rows of a matrix: the block-wise DequantizeLinear, whose products have a kernel.</summary>
    private Value DequantizeBlocks(Value raw, TfliteTensor tensor, TfliteBlocks blocks)
    {
        if (tensor.DType is not (DType.Int8 or DType.Int4 or DType.Int2) || tensor.Rank != 2 || raw.Shape != tensor.Shape)
            throw new EdgeLiteException(Status.Unsupported, $"Tensor '{tensor.Name}' is {tensor.DType.Name()} {tensor.Shape} in blocks; a matrix of int8, int4 or int2 that stays as it is stored is expected.");
        var shape = new Shape(tensor.Dims![0], tensor.Dims[1] / blocks.Size);
        Value scales = Graph.AddConstant(tensor.Name + "/scales", Parameters(blocks.Scales));
        if (scales.DType is not (DType.Float32 or DType.Float16)) throw new EdgeLiteException(Status.Unsupported, $"Tensor '{tensor.Name}' has scales of {scales.DType.Name()}; float32 and float16 are supported.");
        Value? zeros = blocks.ZeroPoints < 0 ? null : Graph.AddConstant(tensor.Name + "/zero_points", ZeroPoints(Parameters(blocks.ZeroPoints)));
        return Graph.Add("DequantizeLinear", tensor.Name + "/real", [raw, scales, zeros], AttributeSet.Of(("axis", 1), ("block_size", (long)blocks.Size), ("output_dtype", (long)DType.Float32)));

        Tensor Parameters(int t) => Constant(t) is { } given && given.Count == shape.Count ? given.Reshaped(shape)
            : throw TfliteModel.Corrupt($"tensor '{tensor.Name}' needs a constant of {shape} as '{Subgraph.Tensors[t].Name}'");

        Tensor ZeroPoints(Tensor given)
        {
            var stored = new Tensor(tensor.DType, shape);
            for (long i = 0; i < given.Count; i++)
            {
                stored.SetInt64(i, given.GetInt64(i));
                if (stored.GetInt64(i) != given.GetInt64(i)) throw TfliteModel.Corrupt($"tensor '{tensor.Name}' of {tensor.DType.Name()} has the zero point {given.GetInt64(i)}");
            }
            return stored;
        }
    }

    /// <summary>64-bit biases (int16 activations), which DequantizeLinear does not take: computed here.</summary>
    private Value DequantizeWide(Value raw, TfliteTensor tensor, TfliteQuantization q)
    {
        Tensor constant = raw.Constant ?? throw new EdgeLiteException(Status.InvalidShape, $"Tensor '{tensor.Name}' is quantized int64 and not constant.");
        var real = new Tensor(DType.Float32, constant.Shape);
        for (long i = 0, n = constant.Count; i < n; i++)
            real.SetDouble(i, constant.GetInt64(i) * (double)(q.IsPerAxis && constant.Shape.Rank == 1 ? q.Scales[i] : q.Scale));
        return Graph.AddConstant(raw.Name + "/real", real);
    }

    /// <summary>Scale, and the zero point where it is not 0 throughout or where it tells the type.</summary>
    private Value[] QuantizationInputs(TfliteQuantization q, TfliteTensor tensor)
    {
        Shape shape = q.IsPerAxis ? new Shape(q.Scales.Length) : Shape.Scalar;
        Value scale = Graph.AddConstant(tensor.Name + "/scale", Core.Tensor.FromArray<float>(q.Scales, shape));
        var zeros = new Tensor(tensor.DType, shape);
        for (int i = 0; i < q.ZeroPoints.Length; i++) zeros.SetInt64(i, q.ZeroPoints[i]);
        return [scale, Graph.AddConstant(tensor.Name + "/zero_point", zeros)];
    }

    private static Ops.AttributeSet Axis(TfliteQuantization q, int axis) => q.IsPerAxis ? AttributeSet.Of(("axis", (long)axis)) : new Ops.AttributeSet();

    private static Tensor Zeros(TfliteTensor tensor)
    {
        if (tensor.Dims == null || tensor.Dims.Any(d => d < 0)) throw new EdgeLiteException(Status.Unsupported, $"Variable '{tensor.Name}' has no fixed size.");
        var zeros = new Tensor(tensor.DType, tensor.Shape);
        if (tensor.Quantization is { ZeroPoint: not 0 } q)
            for (long i = 0, n = zeros.Count; i < n; i++) zeros.SetInt64(i, q.ZeroPoint);
        return zeros;
    }
}
