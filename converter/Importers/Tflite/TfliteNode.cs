using EdgeLite.Converter.Ir;
using EdgeLite.Core;
using EdgeLite.Format;
using EdgeLite.Ops;

namespace EdgeLite.Converter.Importers.Tflite;

/// <summary>Marks a method <c>static void (TfliteNode)</c> that converts one builtin operator.</summary>
[AttributeUsage(AttributeTargets.Method, AllowMultiple = true)]
internal sealed class TfliteAttribute(TfliteOp op) : ForeignLayerAttribute(op.ToString())
{
    public TfliteOp Op { get; } = op;
}

/// <summary>Marks a method that converts the custom operator of that name.</summary>
[AttributeUsage(AttributeTargets.Method, AllowMultiple = true)]
internal sealed class TfliteCustomAttribute(string name) : ForeignLayerAttribute(name);

/// <summary>One operator while it is converted: its inputs as values, its options, and where its results go.</summary>
internal sealed class TfliteNode(TfliteScope scope, TfliteOperator op, TfliteImporter importer)
{
    public TfliteScope Scope { get; } = scope;
    public TfliteOperator Operator { get; } = op;
    public TfliteImporter Importer { get; } = importer;
    public Graph Graph => Scope.Graph;
    public TfliteOp Op => Operator.Op;

    /// <summary>The name of the first result, which is what TFLite's own tools show.</summary>
    public string Name => Operator.Outputs.Length > 0 && Operator.Outputs[0] >= 0 ? Scope.Subgraph.Tensors[Operator.Outputs[0]].Name : $"{Op}_{Operator.Index}";

    public FlatTable Options => Scope.Model.Options(Operator);
    public FlatTable Options2 => Scope.Model.Options2(Operator);

    public int InputCount => Operator.Inputs.Length;
    public int OutputCount => Operator.Outputs.Length;
    public bool HasInput(int i) => i < InputCount && Operator.Inputs[i] >= 0;
    public TfliteTensor Input(int i) => Scope.Tensor(InputIndex(i));
    public TfliteTensor Output(int i) => Scope.Subgraph.Tensors[OutputIndex(i)];

    public int InputIndex(int i) => HasInput(i) ? Operator.Inputs[i] : throw Error($"input {i} is missing");

    public int OutputIndex(int i) => i < OutputCount && Operator.Outputs[i] >= 0 ? Operator.Outputs[i] : throw Error($"output {i} is missing");

    /// <summary>Input as stored.</summary>
    public Value Raw(int i) => Scope.Raw(InputIndex(i));

    /// <summary>Input as real numbers (through DequantizeLinear where it is quantized).</summary>
    public Value Real(int i) => Scope.Real(InputIndex(i));

    public Value RealChannelsFirst(int i) => Scope.Real(InputIndex(i), channelsFirst: true);
    public Value RawChannelsFirst(int i) => Scope.RawChannelsFirst(InputIndex(i));
    public Tensor? Constant(int i) => HasInput(i) ? Scope.Constant(Operator.Inputs[i]) : null;
    public long[]? ConstantInts(int i) => Constant(i)?.ToInt64Array();

    /// <summary>The integers of an input that the conversion needs to know.</summary>
    public long[] RequiredInts(int i, string what) =>
        ConstantInts(i) ?? throw InputError($"{what} (input {i}, '{Input(i).Name}') is computed by the model; only a constant is supported");

    /// <summary>An integer input as int64, which ONNX wants for shapes and axes.</summary>
    public Value Int64(int i)
    {
        if (ConstantInts(i) is { } values) return Graph.AddConstant(Input(i).Name + "/int64", Tensor.FromArray<long>(values, Constant(i)!.Shape));
        Value raw = Raw(i);
        return Input(i).DType == DType.Int64 ? raw : Cast(raw, DType.Int64);
    }

    public Value Ints(params ReadOnlySpan<long> values) => Graph.AddConstant(Name + "/ints", Tensor.FromArray(values, new Shape(values.Length)));
    public Value Int(long value) => Graph.AddConstant(Name + "/int", Tensor.FromScalar(value));
    public Value Scalar(float value) => Graph.AddConstant(Name + "/scalar", Tensor.FromScalar(value));

    /// <summary>A scalar of the given type.</summary>
    public Value Scalar(DType type, double value)
    {
        var tensor = new Tensor(type, Shape.Scalar);
        tensor.SetDouble(0, value);
        return Graph.AddConstant(Name + "/scalar", tensor);
    }

    public Value Constant(string name, Tensor tensor) => Graph.AddConstant($"{Name}/{name}", tensor);

    public Value Emit(string opType, ReadOnlySpan<Value?> inputs, params ReadOnlySpan<(string, AttributeValue)> attributes) =>
        Graph.Add(opType, $"{Name}/{opType}", inputs, AttributeSet.Of(attributes));

    public Value EmitOwn(string opType, ReadOnlySpan<Value?> inputs, params ReadOnlySpan<(string, AttributeValue)> attributes) =>
        Graph.Add(opType, $"{Name}/{opType}", inputs, AttributeSet.Of(attributes), "edgelite");

    /// <summary>A node of several outputs.</summary>
    public Value[] EmitMany(string opType, int outputs, ReadOnlySpan<Value?> inputs, AttributeSet? attributes = null) => EmitMany("", opType, outputs, inputs, attributes);

    public Value[] EmitManyOwn(string opType, int outputs, ReadOnlySpan<Value?> inputs, AttributeSet? attributes = null) => EmitMany("edgelite", opType, outputs, inputs, attributes);

    private Value[] EmitMany(string domain, string opType, int outputs, ReadOnlySpan<Value?> inputs, AttributeSet? attributes)
    {
        var values = new Value[outputs];
        for (int i = 0; i < outputs; i++) values[i] = Graph.NewValue(Graph.FreshName($"{Name}/{opType}{i}"), default);
        Graph.AddNode(domain, opType, values[0].Name, inputs, values, attributes);
        return values;
    }

    public Value Cast(Value x, DType to) => Emit("Cast", [x], ("to", (long)to));
    public Value Reshape(Value x, params ReadOnlySpan<long> shape) => Emit("Reshape", [x, Ints(shape)]);
    public Value Transpose(Value x, params long[] permutation) => Scope.Transpose(x, permutation, $"{Name}/Transpose");

    /// <summary>Stores a result given in the form that the tensor has (integers for a quantized one).</summary>
    public void SetRaw(int i, Value value)
    {
        int t = OutputIndex(i);
        string name = Scope.Subgraph.Tensors[t].Name;
        bool isOwn = value.Producer != null && !Graph.Inputs.Contains(value) && value.Name.StartsWith(Name + "/", StringComparison.Ordinal)
            || value.Name == name + "/quantized";
        if (isOwn && Graph.Find(name) == null)
        {
            if (value.Producer is { } producer && producer.Outputs.Count == 1) Importer.RenameNode(producer, name);
            Graph.Rename(value, name);
        }
        Scope.SetRaw(t, value);
    }

    /// <summary>Stores a result given as real numbers.</summary>
    public void SetReal(int i, Value value)
    {
        TfliteTensor tensor = Output(i);
        SetRaw(i, tensor.IsQuantizedActivation ? Scope.Quantize(value, tensor, false) : value);
    }

    /// <summary>Stores a result given as real numbers with the channels in second place.</summary>
    public void SetRealChannelsFirst(int i, Value value)
    {
        TfliteTensor tensor = Output(i);
        SetRawChannelsFirst(i, tensor.IsQuantizedActivation ? Scope.Quantize(value, tensor, true) : value);
    }

    public void SetRawChannelsFirst(int i, Value value) => SetRaw(i, Transpose(value, TfliteScope.ChannelsLast(Output(i).Rank)));

    /// <summary>The fused activation of an operator, over real numbers.</summary>
    public Value Activate(Value x, int activation) => (TfliteActivation)activation switch
    {
        TfliteActivation.None => x,
        TfliteActivation.Relu => Emit("Relu", [x]),
        TfliteActivation.ReluN1To1 => Emit("Clip", [x, Scalar(-1), Scalar(1)]),
        TfliteActivation.Relu6 => Emit("Clip", [x, Scalar(0), Scalar(6)]),
        TfliteActivation.Tanh => Emit("Tanh", [x]),
        _ => throw Error($"fused activation {activation} is not supported"),
    };

    /// <summary>The range that a fused activation allows.</summary>
    public (float Low, float High) ActivationRange(int activation) => (TfliteActivation)activation switch
    {
        TfliteActivation.None => (float.NegativeInfinity, float.PositiveInfinity),
        TfliteActivation.Relu => (0, float.PositiveInfinity),
        TfliteActivation.ReluN1To1 => (-1, 1),
        TfliteActivation.Relu6 => (0, 6),
        _ => throw Error($"fused activation {activation} is not supported here"),
    };

    /// <summary>True when input and output hold the same integers for the same real numbers, so that a result can be moved unchanged.</summary>
    public bool SameQuantization(int input, int output)
    {
        TfliteTensor x = Input(input), y = Output(output);
        if (x.DType != y.DType) return false;
        return !x.IsQuantizedActivation && !y.IsQuantizedActivation || x.Quantization == null || y.Quantization == null || x.Quantization.SameAs(y.Quantization);
    }

    /// <summary>Applies a rearrangement to the stored form where quantization allows it, to real numbers otherwise.</summary>
    public void Move(Func<Value, Value> move)
    {
        if (SameQuantization(0, 0)) SetRaw(0, move(Raw(0)));
        else SetReal(0, move(Real(0)));
    }

    public int Axis(long axis, int rank)
    {
        long actual = axis < 0 ? axis + rank : axis;
        return actual >= 0 && actual < rank ? (int)actual : throw Error($"axis {axis} is outside a tensor of {rank} dimensions");
    }

    public EdgeLiteException Error(string message) => new(Status.Unsupported, $"{Op} '{Name}': {message}.");

    /// <summary>What the operator is given is refused, whatever its options: not constant, or not from where it must be.</summary>
    public EdgeLiteException InputError(string message) => new(Status.InvalidShape, $"{Op} '{Name}': {message}.");

    public EdgeLiteException Damaged(string message) => new(Status.Corrupt, $"{Op} '{Name}': {message}.");
}
