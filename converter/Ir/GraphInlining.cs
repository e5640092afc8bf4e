namespace EdgeLite.Converter.Ir;

/// <summary>Puts the nodes of a closed subgraph into the graph around it.</summary>
internal static class GraphInlining
{
    /// <summary>Copies what <paramref name="body"/> computes from <paramref name="inputs"/> (one for each of its inputs) into
    /// <paramref name="graph"/> and returns what its outputs are there.</summary>
    /// <param name="graph">the graph that gets the nodes</param>
    /// <param name="body">stays as it is; subgraphs of its nodes are shared with the copy</param>
    /// <param name="inputs">values of <paramref name="graph"/></param>
    /// <param name="name">a free name for a value that is called so in the body</param>
    /// <param name="before">the node before which the copies go; at the end when null</param>
    /// <param name="added">called with each copy</param>
    public static Value[] Inline(this Graph graph, Graph body, IReadOnlyList<Value> inputs, Func<string, string> name, Node? before = null, Action<Node>? added = null)
    {
        var map = new Dictionary<Value, Value>();
        for (int i = 0; i < body.Inputs.Count; i++) map[body.Inputs[i]] = inputs[i];
        foreach (Value value in body.Values)
            if (value.Constant is { } constant) map[value] = graph.AddConstant(name(value.Name), constant);
        foreach (Node inner in body.Nodes)
        {
            Value?[] outputs = [.. inner.Outputs.Select(o => o == null ? null : map[o] = graph.NewValue(name(o.Name), ShapeInference.WithoutSymbols(o.Type)))];
            Node copy = graph.AddNode(inner.Domain, inner.OpType, inner.Name, [.. inner.Inputs.Select(i => i == null ? null : map[i])], outputs, inner.Attributes.Clone(), before);
            added?.Invoke(copy);
        }
        return [.. body.Outputs.Select(o => map[o])];
    }
}
