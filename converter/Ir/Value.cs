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

    /// <summary>What is known of the elements of a computed integer vector or number (<see cref="SymbolicSizes"/>); null where nothing is.</summary>
    internal Polynomial?[]? Elements { get; set; }

    private long[]? _ownDims;

    /// <summary>The symbol of this value's own for a dimension of which nothing is known.</summary>
    internal long OwnDim(Graph graph, int axis)
    {
        _ownDims ??= new long[Shape.MaxRank];
        return _ownDims[axis] != 0 ? _ownDims[axis] : _ownDims[axis] = graph.Sizes.Fresh();
    }

    public override string ToString() => $"%{Name} : {Type}";
}
