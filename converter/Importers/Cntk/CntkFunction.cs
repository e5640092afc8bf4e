using EdgeLite.Converter.Importers.Cntk.Proto;
using EdgeLite.Converter.Ir;
using EdgeLite.Core;
using Axis = EdgeLite.Converter.Importers.Cntk.Proto.Axis;

namespace EdgeLite.Converter.Importers.Cntk;

/// <summary>Marks a method <c>static CntkValue (CntkFunction)</c> that converts the primitive functions of these names.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class CntkAttribute(params string[] ops) : ForeignLayerAttribute(ops);

/// <summary>CNTK's numbers of primitive functions (PrimitiveOpType.h).</summary>
internal enum CntkOp
{
    Negate, Sigmoid, Tanh, ReLU, Exp, Log, Sqrt, Floor, Abs, Reciprocal, Softmax, Hardmax, TransposeAxes, Where, Slice, Dropout, Reshape, Pooling, SumAll,
    Plus, Minus, ElementTimes, Equal, NotEqual, Less, LessEqual, Greater, GreaterEqual, PackedIndex, GatherPacked, ScatterPacked, Times, TransposeTimes,
    Convolution, SquaredError, CrossEntropyWithSoftmax, ClassificationError, PastValue, FutureValue, ReduceElements, BatchNormalization, Clip, Select, Splice,
    Combine, RandomSample, RandomSampleInclusionFrequency, ROIPooling, Logistic, OptimizedRNNStack, ReconcileDynamicAxis, LogSoftmax, LogPlus, CosDistance,
    Sin, Cos, Pass, Block, Unpooling, LambdaRank, NDCG, EditDistanceError, NoOp, LabelsToGraph, StopGradient, ELU, ForwardBackward,
    CosDistanceWithNegativeSamples, OneHot, Pow, ToSequence, ToSequenceLike, UnpackSequence, Assign, Gather, StableSigmoid, RandomDistribution, Sinh, Cosh,
    UnpackBatch, ToBatch, Asin, Acos, Pad, Crop, Atanh, Asinh, TopK, Squeeze, ConstantOp, LatticeSequenceWithSoftmax, Cast, EyeLikeOp, CustomProxyOp,
    StraightThrough, Tan, Atan, ConvolutionSequenceShape,
}

/// <summary>
/// A value with CNTK's idea of its axes. CNTK counts static axes from the one that varies fastest, so its shape (W,H,C) is [C,H,W] here; dynamic
/// axes (batch, sequence) are one axis in front.
/// </summary>
internal readonly record struct CntkValue(Value Value, bool HasBatch)
{
    public int StaticRank => Value.Shape.IsRanked ? Value.Shape.Rank - Lead : throw new EdgeLiteException(Status.InvalidShape, $"The rank of '{Value.Name}' is not known.");
    public int Lead => HasBatch ? 1 : 0;

    /// <summary>Static sizes, slowest first.</summary>
    public long[] Dims => [.. Value.Shape.AsSpan()[Lead..]];
}

/// <summary>One primitive function while it is converted: its operands, its attributes, and the means to make nodes.</summary>
internal sealed class CntkFunction(Graph graph, string name, CntkOp op, CntkValue[] inputs, Dictionary attributes) : NodeBuilder(graph, name, $"Function '{name}' ({op})")
{
    /// <summary>CNTK's sentinels for axes that are not one static axis are just below int.MaxValue (Axis in CNTKLibrary.h).</summary>
    private const int Dynamic = int.MaxValue, AllStatic = int.MaxValue - 1, FirstSentinel = int.MaxValue - 16;

    public CntkOp Op => op;
    public int InputCount => inputs.Length;

    public CntkValue Input(int i = 0) => i < inputs.Length ? inputs[i] : throw Damaged($"operand {i} is missing");

    public CntkValue Like(CntkValue input, Value value) => new(value, input.HasBatch);

    public DictionaryValue? Get(string key) => attributes.Data.GetValueOrDefault(key);
    public bool Bool(string key, bool otherwise = false) => Get(key) is { ValueCase: DictionaryValue.ValueOneofCase.BoolValue } v ? v.BoolValue : otherwise;
    public double Float(string key, double otherwise) => Get(key) is { } v ? Number(v) : otherwise;
    public long Int(string key, long otherwise) => Get(key) is { } v ? (long)Number(v) : otherwise;
    public string Text(string key) => Get(key)?.StringValue ?? "";
    public bool[] Bools(string key) => [.. Get(key)?.VectorValue?.Value.Select(v => v.BoolValue) ?? []];
    public long[]? Shape(string key) => Get(key)?.NdShapeValue is { } s ? [.. s.ShapeDim.Select(d => unchecked((long)d))] : null;

    /// <summary>One number, or a list of them.</summary>
    public long[]? Ints(string key) => Get(key + "Vec")?.VectorValue is { } list ? [.. list.Value.Select(v => (long)Number(v))] : Get(key) is { } v ? v.VectorValue is { } own ? [.. own.Value.Select(x => (long)Number(x))] : [(long)Number(v)] : null;

    private double Number(DictionaryValue v) => v.ValueCase switch
    {
        DictionaryValue.ValueOneofCase.IntValue => v.IntValue,
        DictionaryValue.ValueOneofCase.SizeTValue => unchecked((long)v.SizeTValue),
        DictionaryValue.ValueOneofCase.FloatValue => v.FloatValue,
        DictionaryValue.ValueOneofCase.DoubleValue => v.DoubleValue,
        DictionaryValue.ValueOneofCase.BoolValue => v.BoolValue ? 1 : 0,
        _ => throw Damaged($"an attribute is {v.ValueCase} where a number is expected"),
    };

    /// <summary>Axes given as "axis" or "axisVec", as positions in the value; null: all static axes.</summary>
    public long[]? Axes(CntkValue x)
    {
        Axis[] given = Get("axisVec")?.VectorValue is { } list ? [.. list.Value.Select(v => v.AxisValue)] : Get("axis")?.AxisValue is { } one ? [one] : [];
        return given.Length == 0 || given.Any(a => a.StaticAxisIdx == AllStatic) ? null : [.. given.Select(a => Position(x, a))];
    }

    /// <summary>The position of one of CNTK's static axes; below zero counted from the slowest one.</summary>
    public long Position(CntkValue x, Axis? axis, int more = 0)
    {
        if (axis == null) throw Damaged("an axis is missing");
        int rank = x.StaticRank + more, at = axis.StaticAxisIdx;
        if (at >= FirstSentinel) throw Error(at == Dynamic ? $"it works along the dynamic axis '{axis.Name}', which is not supported" : $"it works along axis '{axis.Name}', which is not supported");
        if (at < 0) at += rank;
        return at >= 0 && at < rank ? x.Lead + rank - 1 - at : throw InputError($"axis {axis.StaticAxisIdx} is outside {rank} axes");
    }

    /// <summary>Operands that broadcast as CNTK does, from the fastest axis on: ones go between the batch and the static axes.</summary>
    public (Value[] Values, bool HasBatch) Broadcast(params CntkValue[] operands)
    {
        int rank = operands.Max(o => o.StaticRank);
        bool hasBatch = operands.Any(o => o.HasBatch);
        return ([.. operands.Select(o => o.HasBatch && o.StaticRank < rank ? Emit("Unsqueeze", [o.Value, Ints([.. Enumerable.Range(1, rank - o.StaticRank).Select(d => (long)d)])]) : o.Value)], hasBatch);
    }
}
