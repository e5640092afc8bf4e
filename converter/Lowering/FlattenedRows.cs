using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Passes;
using EdgeLite.Core;

namespace EdgeLite.Converter.Lowering;

/// <summary>
/// A dense layer takes rows however they are arranged: a Reshape in front of it that leaves the last dimension moves behind it, where it meets the one that
/// arranges the rows again. (PyTorch writes addmm of flattened rows for GPT-2's layers and for linear layers of three dimensions.)
/// </summary>
public sealed class FlattenedRows : IGraphPass
{
    private const int Residual = 3;

    public string Name => "flattened-rows";

    public bool Run(Graph graph)
    {
        bool changed = false;
        foreach (Node node in graph.Nodes.ToArray())
        {
            if (!node.Is("Gemm", "edgelite") || node.Input(Residual) != null || graph.Find(node.Output.Name) != node.Output) continue;
            if (node.Inputs[0] is not { Producer: { Domain: "", OpType: "Reshape" or "Flatten" } view, Shape: { IsRanked: true, Rank: > 1 } flat } || view.Inputs[0] is not { Shape.IsRanked: true } x || node.Output.Shape.Rank != flat.Rank) continue;
            // Only where a Reshape behind arranges the rows in another way: elsewhere nothing is gained.
            if (Match.SoleConsumer(graph, node.Output) is not { } next || !next.Is("Reshape") || next.Output.Shape is not { IsRanked: true, Rank: > 1 } back) continue;
            int last = back.Rank - 1;
            if (flat[flat.Rank - 1] is not (> 0 and var width) || back[last] < 1 || back[last] != node.Output.Shape[flat.Rank - 1]) continue;
            Shape rows = back.With(last, width);
            if (!Match.SameShape(x.Shape, rows))
            {
                if (Match.SameShape(flat, rows) || ShapeArithmetic.View(graph, node, x, rows.AsSpan().ToArray(), view.Output.Name + ".rows", most: 1) is not { } y) continue;
                x = y;
            }
            Value arranged = Rewrite.Insert(graph, node, node.OpType, next.Output.Name + ".rows", [x, .. node.Inputs.Skip(1)], node.Attributes.Clone(), node.Domain);
            arranged.SourceName = next.Output.SourceName ?? next.Output.Name;
            Rewrite.Replace(graph, next.Output, arranged, keepName: true);
            changed = true;
        }
        return changed;
    }
}
