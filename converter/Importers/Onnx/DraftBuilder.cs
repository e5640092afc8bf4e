using EdgeLite.Converter.Ir;
using EdgeLite.Core;
using EdgeLite.Ops;

namespace EdgeLite.Converter.Importers.Onnx;

/// <summary>Emits what stands for a node: here in front of it, in a <see cref="LoopBody"/> inside a loop. So a step can be written once for both.</summary>
internal class DraftBuilder : NodeBuilder
{
    public DraftBuilder(NodeDraft node)
        : this(node, node.Graph)
    {
    }

    protected DraftBuilder(NodeDraft node, Graph graph)
        : base(graph, node.Name, $"{OnnxTensor.Clean(node.OpType)} '{OnnxTensor.Clean(node.Name)}'")
    {
        Node = node;
    }

    public NodeDraft Node { get; }

    /// <summary>A value of the graph around, seen from here.</summary>
    public virtual Value Capture(Value outer) => outer;

    /// <summary>What a subgraph computes from values that are known here.</summary>
    public virtual Value[] Inline(Graph subgraph, IReadOnlyList<Value> inputs) => Node.Inline(subgraph, inputs);

    /// <summary>Whether nodes go into the graph of the node itself, where names of the file are avoided.</summary>
    private bool IsOuter => Graph == Node.Graph;

    public override Value[] EmitMany(string opType, int outputs, ReadOnlySpan<Value?> inputs, params ReadOnlySpan<(string Name, AttributeValue Value)> attributes) =>
        IsOuter ? [.. Node.EmitAll(opType, inputs, outputs, attributes).Select(v => v!)] : base.EmitMany(opType, outputs, inputs, attributes);

    public override Value Constant(string role, Tensor tensor) => IsOuter ? Node.Constant(role, tensor) : base.Constant(role, tensor);

    public Value Int(long value) => Constant("int", Tensor.FromScalar(value));
}
