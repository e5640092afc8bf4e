using EdgeLite.Converter.Ir;

namespace EdgeLite.Converter.Passes;

/// <summary>
/// x seen with other dimensions of 1, sums with smaller tensors, and seen as before: the smaller tensors are what is seen otherwise. (Shifted windows
/// of Swin transformers add their masks to scores so, between batch and windows.)
/// </summary>
public sealed class SumBetweenViews : IGraphPass
{
    public string Name => "sum-between-views";

    public bool Run(Graph graph)
    {
        bool changed = false;
        foreach (Node node in graph.Nodes.ToArray())
            if (node.Is("Add") && graph.Find(node.Output.Name) == node.Output) changed |= Move(graph, node);
        return changed;
    }

    private static bool Move(Graph graph, Node add)
    {
        // Behind this sum, and perhaps others of the same shape.
        Node? back = Match.SoleConsumer(graph, add.Output);
        while (back != null && back.Is("Add") && Match.SameShape(back.Output.Shape, add.Output.Shape)) back = Match.SoleConsumer(graph, back.Output);
        if (back == null || !IsView(back)) return false;
        for (int side = 0; side < 2; side++)
        {
            if (add.Inputs[side] is not { Producer: { } there, Shape: { IsRanked: true } seen } viewed || !IsView(there) || Match.SoleConsumer(graph, viewed) != add || there.Inputs[0] is not { } x) continue;
            if (add.Inputs[1 - side] is not { Shape: { IsRanked: true } small } other || small.Rank > seen.Rank) continue;
            if (!Match.SameShape(x.Shape, back.Output.Shape) || !Match.SameShape(seen, add.Output.Shape)) continue;
            if (Match.AxesBeside1(x.Shape, seen) is not { } axes) continue;
            long[] dims = [.. Enumerable.Repeat(1L, x.Shape.Rank)];
            foreach ((int from, int to) in axes)
                if (to - seen.Rank + small.Rank is >= 0 and var axis) dims[from] = small[axis];
            if (ShapeArithmetic.View(graph, add, other, dims, other.Name + ".seen", most: 2) is not { } moved) continue;
            Value sum = Rewrite.Insert(graph, add, "Add", add.Output.Name + ".sum", side == 0 ? [x, moved] : [moved, x]);
            Value y = Rewrite.Insert(graph, add, there.OpType, add.Output.Name, [sum, .. there.Inputs.Skip(1)], there.Attributes.Clone());
            Rewrite.Replace(graph, add.Output, y, keepName: true);
            return true;
        }
        return false;
    }

    private static bool IsView(Node node) => node.Domain.Length == 0 && node.OpType is "Reshape" or "Squeeze" or "Unsqueeze";
}
