using EdgeLite.Converter.Ir;

namespace EdgeLite.Converter.Passes;

/// <summary>An If whose condition is known is its branch. A branch is closed: its inputs are the If's captures, which follow the
/// condition.</summary>
public sealed class ConstantBranches : IGraphPass
{
    public string Name => "constant-branches";

    public bool Run(Graph graph)
    {
        bool changed = false;
        foreach (Node node in graph.Nodes.ToArray())
        {
            if (!node.Is("If") || node.Inputs[0]?.Constant is not { } condition || condition.Count != 1) continue;
            var branch = (Graph)node.Attributes[condition.GetInt64(0) != 0 ? "then_branch" : "else_branch"].Graph;
            Inline(graph, node, branch);
            changed = true;
        }
        return changed;
    }

    private static void Inline(Graph graph, Node node, Graph branch)
    {
        var map = new Dictionary<Value, Value>();
        for (int i = 0; i < branch.Inputs.Count; i++) map[branch.Inputs[i]] = node.Inputs[i + 1]!;
        foreach (Value value in branch.Values)
            if (value.Constant is { } constant) map[value] = graph.AddConstant(value.Name, constant);
        foreach (Node inner in branch.Nodes)
        {
            Value?[] outputs = [.. inner.Outputs.Select(o => o == null ? null : map[o] = graph.NewValue(graph.FreshName(o.Name), ShapeInference.WithoutSymbols(o.Type)))];
            graph.AddNode(inner.Domain, inner.OpType, inner.Name, [.. inner.Inputs.Select(i => i == null ? null : map[i])], outputs, inner.Attributes.Clone(), node);
        }
        Value?[] old = [.. node.Outputs];
        for (int i = 0; i < old.Length; i++)
            if (old[i] is { } output) Rewrite.Replace(graph, output, map[branch.Outputs[i]]);
        if (graph.Nodes.Contains(node)) Rewrite.RemoveIfDead(graph, node);
        ShapeInference.Run(graph);
    }
}
