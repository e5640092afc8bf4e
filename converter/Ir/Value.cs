using EdgeLite.Core;

namespace EdgeLite.Converter.Ir;

/// <summary>A tensor of the graph: an input, a constant, or an output of one node. Names are unique within a graph.</summary>
public sealed class Value
{
    internal Value(string name, TensorType type)
    {
        Name = name;
        Type = type;
    }

    public string Name { get; internal set; }

    /// <summary>Element type and shape, as far as known; symbolic dimensions index <see cref="Graph.Symbols"/>.</summary>
    public TensorType Type { get; set; }

    public DType DType => Type.DType;
    public Shape Shape => Type.Shape;

    /// <summary>The constant's data, otherwise null.</summary>
    public Tensor? Constant { get; internal set; }

    /// <summary>The node that computes this value; null for inputs and constants.</summary>
    public Node? Producer { get; internal set; }

    /// <summary>Nodes that read this value, one entry for each use.</summary>
    public IReadOnlyList<Node> Consumers => ConsumerList;

    internal List<Node> ConsumerList { get; } = [];

    /// <summary>The name in the source model of what this value holds, where a pass moved it to another value.</summary>
    public string? SourceName { get; set; }

    public bool IsConstant => Constant != null;

    public override string ToString() => $"%{Name} : {Type}";
}
