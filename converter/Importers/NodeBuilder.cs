using EdgeLite.Converter.Ir;
using EdgeLite.Core;
using EdgeLite.Ops;

namespace EdgeLite.Converter.Importers;

/// <summary>Makes the nodes that stand for one foreign layer: named after it, their types inferred at once.</summary>
/// <param name="graph">where the nodes go</param>
/// <param name="name">the layer's name</param>
/// <param name="place">the layer as messages call it: "Layer 'conv1' (Convolution)"</param>
internal class NodeBuilder(Graph graph, string name, string place)
{
    public Graph Graph { get; } = graph;
    public string Name { get; } = name;

    /// <summary>The rank of a value; throws where it is not known.</summary>
    public int RankOf(Value x) => x.Shape.IsRanked ? x.Shape.Rank : throw InputError($"the rank of '{x.Name}' is not known; give the sizes of the inputs with --shape");

    /// <summary>An axis that may be counted from the end.</summary>
    public int Axis(long axis, int rank) => axis + (axis < 0 ? rank : 0) is var a && a >= 0 && a < rank ? (int)a : throw InputError($"axis {axis} is outside a tensor of {rank} dimensions");

    /// <summary>A setting of the layer has no conversion, whatever the layer is given.</summary>
    public EdgeLiteException Error(string message) => new(Status.Unsupported, $"{place}: {message}.");

    /// <summary>What the layer is given is refused.</summary>
    public EdgeLiteException InputError(string message) => new(Status.InvalidShape, $"{place}: {message}.");

    /// <summary>The file contradicts itself, or lacks something.</summary>
    public EdgeLiteException Damaged(string message) => new(Status.Corrupt, $"{place}: {message}.");

    public Value Emit(string opType, ReadOnlySpan<Value?> inputs, params ReadOnlySpan<(string Name, AttributeValue Value)> attributes) =>
        EmitMany(opType, 1, inputs, attributes)[0];

    public virtual Value[] EmitMany(string opType, int outputs, ReadOnlySpan<Value?> inputs, params ReadOnlySpan<(string Name, AttributeValue Value)> attributes)
    {
        var values = new Value[outputs];
        for (int i = 0; i < outputs; i++) values[i] = Graph.NewValue(Graph.FreshName(i == 0 ? $"{Name}/{opType}" : $"{Name}/{opType}_{i}"), default);
        ShapeInference.Infer(Graph.AddNode("", opType, values[0].Name, inputs, values, AttributeSet.Of(attributes)));
        return values;
    }

    public virtual Value Constant(string role, Tensor tensor) => Graph.AddConstant($"{Name}/{role}", tensor);
    public Value Scalar(double value) => Constant("scalar", Tensor.FromScalar((float)value));
    public Value Ints(params ReadOnlySpan<long> values) => Constant("ints", Tensor.FromArray(values, new Shape(values.Length)));

    /// <summary>The sizes of some axes of a ranked tensor, int64: constants where they are known.</summary>
    public Value Sizes(Value x, int from, int to)
    {
        ReadOnlySpan<long> dims = x.Shape.AsSpan()[from..to];
        return dims.IndexOfAnyInRange(long.MinValue, -1) < 0 ? Ints(dims) : Emit("Shape", [x], ("start", from), ("end", to));
    }

    public Value Reshape(Value x, params ReadOnlySpan<long> shape) => Emit("Reshape", [x, Ints(shape)]);
    public Value Transpose(Value x, params ReadOnlySpan<long> order) => Emit("Transpose", [x], ("perm", order.ToArray()));

    /// <summary>[N, S.., C] as [N, C, S..].</summary>
    public Value ToChannelsFirst(Value x) => Transpose(x, ChannelOrder.First(RankOf(x)));

    /// <summary>[N, C, S..] as [N, S.., C].</summary>
    public Value ToChannelsLast(Value x) => Transpose(x, ChannelOrder.Last(RankOf(x)));

    public Value Cast(Value x, DType type) => x.DType == type ? x : Emit("Cast", [x], ("to", (long)type));

    /// <summary>Pools axes to sizes: part i of n parts of an axis of s places goes from floor(i s / n) to ceil((i + 1) s / n).</summary>
    public Value AdaptivePool(Value x, ReadOnlySpan<long> axes, ReadOnlySpan<long> sizes, bool isMax)
    {
        Value y = x;
        for (int a = 0; a < axes.Length; a++)
        {
            long from = x.Shape[(int)axes[a]], to = sizes[a];
            if (from < 0) throw InputError($"its input has the shape {x.Shape}, whose sizes must be known; give them with --shape");
            if (to is < 1 or > MaxParts) throw Damaged($"its result has {to} parts along axis {axes[a]}");
            var parts = new Value?[to];
            for (long i = 0; i < to; i++)
            {
                Value part = Emit("Slice", [y, Ints(i * from / to), Ints(((i + 1) * from + to - 1) / to), Ints(axes[a])]);
                parts[i] = Emit(isMax ? "ReduceMax" : "ReduceMean", [part, Ints(axes[a])], ("keepdims", 1));
            }
            y = Emit("Concat", parts, ("axis", axes[a]));
        }
        return y;
    }

    /// <summary>
    /// A convolution of x [N, C, places..] that has weights of its own at each place of the result: weights [places of the result, inputs, F], where the inputs
    /// of a place are those under the kernel, a channel's side by side or (channels last) a position's.
    /// </summary>
    public Value LocalConvolution(Value x, Value weights, ReadOnlySpan<long> kernel, ReadOnlySpan<long> strides, ReadOnlySpan<long> result, bool isChannelsLast)
    {
        int axes = kernel.Length, count = checked((int)new Shape(kernel).Count);
        if (count > MaxParts) throw Error($"a local convolution of {count} weights for each channel is not supported");
        long[] spatial = [.. Enumerable.Range(2, axes).Select(a => (long)a)];
        var parts = new Value?[count];
        for (int k = 0; k < count; k++)
        {
            long[] first = new long[axes], end = new long[axes];
            for (int a = axes - 1, rest = k; a >= 0; a--)
            {
                first[a] = rest % kernel[a];
                end[a] = first[a] + (result[a] - 1) * strides[a] + 1;
                rest /= (int)kernel[a];
            }
            Value part = Emit("Slice", [x, Ints(first), Ints(end), Ints(spatial), Ints(strides)]);
            parts[k] = Emit("Unsqueeze", [part, Ints(isChannelsLast ? 1 : 2)]);
        }
        // [N, C, K, places..] or [N, K, C, places..], then [places, N, C K].
        Value y = Emit("Concat", parts, ("axis", isChannelsLast ? 1 : 2));
        y = Transpose(Reshape(y, 0, weights.Shape[1], weights.Shape[0]), 2, 0, 1);
        y = Transpose(Emit("MatMul", [y, weights]), 1, 2, 0);
        return Reshape(y, [0, 0, .. result]);
    }

    private const int MaxParts = 4096;

    /// <summary>Names a result: its own name when it is free, otherwise through an Identity.</summary>
    public static void AddOutput(Graph graph, Value value, string name)
    {
        if (value.IsConstant || graph.Inputs.Contains(value) || graph.Outputs.Contains(value)) value = graph.Add("Identity", graph.FreshName(name), [value], type: value.Type);
        else if (graph.Find(name) == null) graph.Rename(value, name);
        graph.AddOutput(value);
    }
}
