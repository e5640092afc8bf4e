using EdgeLite.Converter.Ir;

namespace EdgeLite.Converter.Passes;

/// <summary>Removes nodes and constants that no graph output depends on, and drops optional outputs that nobody reads.
/// Inputs stay: they are the model's interface.</summary>
public sealed class DeadCode : IGraphPass
{
    public string Name => "dead-code";

    public bool Run(Graph graph)
    {
        bool changed = false;
        for (int i = graph.Nodes.Count - 1; i >= 0; i--)
        {
            Node node = graph.Nodes[i];
            if (node.Outputs.Any(o => o != null && Match.IsRead(graph, o))) continue;
            graph.Remove(node);
            changed = true;
        }
        foreach (Value value in graph.Values.ToArray())
        {
            if (!value.IsConstant || value.Consumers.Count > 0 || Match.IsOutput(graph, value)) continue;
            graph.Remove(value);
            changed = true;
        }
        return changed;
    }
}
