using EdgeLite.Ops;

namespace EdgeLite.Converter.Ir;

/// <summary>One operator applied in the graph. Changed only through <see cref="Graph"/>, which keeps
/// producers and consumers true.</summary>
public sealed class Node
{
    internal Node(Graph graph, string domain, string opType, string name, AttributeSet attributes)
    {
        Graph = graph;
        Domain = domain;
        OpType = opType;
        Name = name;
        Attributes = attributes;
    }

    public Graph Graph { get; }

    /// <summary>"" for ai.onnx, "edgelite" for our own.</summary>
    public string Domain { get; }

    public string OpType { get; }
    public string Name { get; internal set; }
    public AttributeSet Attributes { get; }

    /// <summary>Inputs in the operator's order; null where an optional one is absent.</summary>
    public IReadOnlyList<Value?> Inputs => InputList;

    /// <summary>Outputs in the operator's order; null where an optional one is not wanted.</summary>
    public IReadOnlyList<Value?> Outputs => OutputList;

    internal List<Value?> InputList { get; } = [];
    internal List<Value?> OutputList { get; } = [];

    public Value Output => OutputList[0] ?? throw new InvalidOperationException($"{this} has no first output.");

    public Value? Input(int i) => i < InputList.Count ? InputList[i] : null;

    public bool Is(string opType, string domain = "") => OpType == opType && Domain == domain;

    /// <summary>A new operator object with this node's attributes, or null when the operator is unknown.</summary>
    public Operator? CreateOperator()
    {
        OperatorDefinition? definition = OperatorTable.Find(Domain, OpType);
        if (definition == null) return null;
        Operator op = definition.Create();
        op.Bind(new AttributeReader(Attributes, ToString()));
        return op;
    }

    /// <inheritdoc cref="Format.NodeDefinition.OperatorName"/>
    public string OperatorName => Domain.Length == 0 ? OpType : $"{Domain}.{OpType}";

    public override string ToString() => $"{OperatorName} '{Name}'";
}
