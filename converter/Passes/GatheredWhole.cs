using EdgeLite.Converter.Ir;

namespace EdgeLite.Converter.Passes;

/// <summary>A Gather that takes all elements in their order is a view: data of one dimension, by indices that count its places. (What torch.vmap
/// makes of indexing a padding mask by sample and key comes to that.)</summary>
public sealed class GatheredWhole : IGraphPass
{
    public string Name => "gathered-whole";

    public bool Run(Graph graph)
    {
        bool changed = false;
        foreach (Node node in graph.Nodes.ToArray())
        {
            if (!node.Is("Gather") || graph.Find(node.Output.Name) != node.Output || node.Inputs[0] is not { Shape: { IsRanked: true, Rank: 1 or 2 } flat } data || node.Inputs[1] is not { Shape: { IsRanked: true } places }) continue;
            if (Match.Axis(node.Attributes.Int("axis", 0), flat.Rank) != 0 || flat.Rank == 2 && flat[1] != 1 || PlaceArithmetic.Of(node.Inputs[1]) is not { Offset.Number: 0 } index) continue;
            Value source = data;
            while (source.Producer is { Domain: "", OpType: "Reshape" or "Flatten" or "Squeeze" or "Unsqueeze" } view && view.Inputs[0] is { Shape.IsRanked: true } before) source = before;
            // The same dimensions as the source, those of 1 aside, and each index the number of its place.
            if (Match.AxesBeside1(source.Shape, places) == null) continue;
            Polynomial? step = Polynomial.Of(1);
            bool isCount = true;
            for (int d = places.Rank - 1; d >= 0; step = Polynomial.Product(step, graph.Sizes.Of(places[d--])))
                isCount &= places[d] == 1 || index.Steps[d].Equals(step);
            if (!isCount || graph.Sizes.Dim(step) != flat[0]) continue;
            if (ShapeArithmetic.View(graph, node, source, node.Output.Shape.AsSpan().ToArray(), node.Output.Name, most: 2) is not { } y) continue;
            Rewrite.Replace(graph, node.Output, y, keepName: true);
            changed = true;
        }
        return changed;
    }
}
