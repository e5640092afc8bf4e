using EdgeLite.Ops;

namespace EdgeLite.Converter.Ir;

/// <summary>A second graph like the first, subgraphs included; constants are shared.</summary>
public static class GraphCopy
{
    public static Graph Of(Graph graph)
    {
        var copy = new Graph(graph.Name);
        copy.Symbols.AddRange(graph.Symbols);
        copy.Sizes.CopyFrom(graph.Sizes);
        foreach ((string key, string value) in graph.Metadata) copy.Metadata[key] = value;
        var map = new Dictionary<Value, Value>();
        foreach (Value input in graph.Inputs) map[input] = copy.AddInput(input.Name, input.Type);
        foreach (Value value in graph.Values)
        {
            if (value.Constant is { } constant) map[value] = copy.AddConstant(value.Name, constant);
            else if (value.Producer != null) map[value] = copy.NewValue(value.Name, value.Type);
            if (map.TryGetValue(value, out Value? mapped)) mapped.SourceName = value.SourceName;
        }
        foreach (Node node in graph.Nodes)
        {
            AttributeSet attributes = node.Attributes.Clone();
            foreach ((string name, AttributeValue value) in node.Attributes.Items)
                if (value is { Kind: AttributeKind.Graph, Graph: Graph sub }) attributes[name] = AttributeValue.OfGraph(Of(sub));
            copy.AddNode(node.Domain, node.OpType, node.Name, [.. node.Inputs.Select(v => v == null ? null : map[v])],
                [.. node.Outputs.Select(v => v == null ? null : map[v])], attributes);
        }
        foreach (Value output in graph.Outputs) copy.AddOutput(map[output]);
        return copy;
    }
}
