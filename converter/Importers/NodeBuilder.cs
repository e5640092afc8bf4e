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
    public Value Reshape(Value x, params ReadOnlySpan<long> shape) => Emit("Reshape", [x, Ints(shape)]);
    public Value Transpose(Value x, params ReadOnlySpan<long> order) => Emit("Transpose", [x], ("perm", order.ToArray()));

    /// <summary>[N, S.., C] as [N, C, S..].</summary>
    public Value ToChannelsFirst(Value x) => Transpose(x, ChannelOrder.First(RankOf(x)));

    /// <summary>[N, C, S..] as [N, S.., C].</summary>
    public Value ToChannelsLast(Value x) => Transpose(x, ChannelOrder.Last(RankOf(x)));

    public Value Cast(Value x, DType type) => x.DType == type ? x : Emit("Cast", [x], ("to", (long)type));

    /// <summary>Names a result: its own name when it is free, otherwise through an Identity.</summary>
    public static void AddOutput(Graph graph, Value value, string name)
    {
        if (value.IsConstant || graph.Inputs.Contains(value) || graph.Outputs.Contains(value)) value = graph.Add("Identity", graph.FreshName(name), [value], type: value.Type);
        else if (graph.Find(name) == null) graph.Rename(value, name);
        graph.AddOutput(value);
    }
}
