using EdgeLite.Converter.Ir;
using EdgeLite.Core;
using EdgeLite.Ops;

namespace EdgeLite.Converter.Importers;

/// <summary>Makes the nodes that stand for one foreign layer: named after it, their types inferred at once.</summary>
internal class NodeBuilder(Graph graph, string name)
{
    public Graph Graph { get; } = graph;
    public string Name { get; } = name;

    public Value Emit(string opType, ReadOnlySpan<Value?> inputs, params ReadOnlySpan<(string Name, AttributeValue Value)> attributes) =>
        EmitMany(opType, 1, inputs, attributes)[0];

    public Value[] EmitMany(string opType, int outputs, ReadOnlySpan<Value?> inputs, params ReadOnlySpan<(string Name, AttributeValue Value)> attributes)
    {
        var set = new AttributeSet();
        foreach ((string key, AttributeValue value) in attributes) set[key] = value;
        var values = new Value[outputs];
        for (int i = 0; i < outputs; i++) values[i] = Graph.NewValue(Graph.FreshName(i == 0 ? $"{Name}/{opType}" : $"{Name}/{opType}_{i}"), default);
        ShapeInference.Infer(Graph.AddNode("", opType, values[0].Name, inputs, values, set));
        return values;
    }

    public Value Constant(string role, Tensor tensor) => Graph.AddConstant($"{Name}/{role}", tensor);
    public Value Scalar(double value) => Constant("scalar", Tensor.FromScalar((float)value));
    public Value Ints(params ReadOnlySpan<long> values) => Constant("ints", Tensor.FromArray(values, new Shape(values.Length)));
    public Value Reshape(Value x, params ReadOnlySpan<long> shape) => Emit("Reshape", [x, Ints(shape)]);
    public Value Transpose(Value x, params ReadOnlySpan<long> order) => Emit("Transpose", [x], ("perm", order.ToArray()));
    public Value Cast(Value x, DType type) => x.DType == type ? x : Emit("Cast", [x], ("to", (long)type));

    /// <summary>Names a result: its own name when it is free, otherwise through an Identity.</summary>
    public static void AddOutput(Graph graph, Value value, string name)
    {
        if (value.IsConstant || graph.Inputs.Contains(value) || graph.Outputs.Contains(value)) value = graph.Add("Identity", graph.FreshName(name), [value], type: value.Type);
        else if (graph.Find(name) == null) graph.Rename(value, name);
        graph.AddOutput(value);
    }
}
