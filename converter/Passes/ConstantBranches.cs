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
        Value[] results = graph.Inline(branch, [.. node.Inputs.Skip(1).Select(i => i!)], graph.FreshName, node);
        Value?[] old = [.. node.Outputs];
        for (int i = 0; i < old.Length; i++)
            if (old[i] is { } output) Rewrite.Replace(graph, output, results[i]);
        if (graph.Nodes.Contains(node)) Rewrite.RemoveIfDead(graph, node);
        ShapeInference.Run(graph);
    }
}
