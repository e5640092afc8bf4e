using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Passes;
using EdgeLite.Core;
using EdgeLite.Ops;

namespace EdgeLite.Converter.Lowering;

/// <summary>
/// A channel shuffle of two groups after channels-last convolutions,
/// <c>Concat(a, b; last axis) -> Reshape [n,h,w,2,c] -> Transpose [n,c,2,h,w] -> Reshape [n,2c,h,w]</c>, becomes edgelite.Interleave of a and
/// b; where halves of the result are all that is wanted (Split), it writes them at once. A Transpose to channels first stays behind each
/// result for <see cref="TransposeMotion"/> to move.
/// </summary>
public sealed class ChannelShuffles : IGraphPass
{
    public string Name => "channel-shuffles";

    public bool Run(Graph graph)
    {
        bool changed = false;
        foreach (Node node in graph.Nodes.ToArray())
            changed |= node.Is("Transpose") && graph.Find(node.Output.Name) == node.Output && Rewritten(graph, node);
        return changed;
    }

    private static bool Rewritten(Graph graph, Node shuffle)
    {
        if (Match.Permutation(shuffle) is not [0, 4, 3, 1, 2] || Match.Producer(shuffle.Inputs[0], "Reshape") is not { } split) return false;
        if (Match.Producer(split.Inputs[0], "Concat") is not { } concat || concat.Inputs.Count != 2) return false;
        if (concat.Inputs[0] is not { Shape: { IsKnown: true, Rank: 4 } } a || concat.Inputs[1] is not { } b || !Match.SameShape(a.Shape, b.Shape)) return false;
        if (Match.Axis(concat.Attributes.Int("axis", 0), 4) != 3 || a.DType.Size() is not (1 or 4)) return false;
        long n = a.Shape[0], h = a.Shape[1], w = a.Shape[2], c = a.Shape[3];
        if (!Match.SameShape(split.Output.Shape, new Shape(n, h, w, 2, c))) return false;
        if (Match.SoleConsumer(graph, shuffle.Output) is not { } merge || !merge.Is("Reshape") || merge.Inputs[0] != shuffle.Output) return false;
        if (!Match.SameShape(merge.Output.Shape, new Shape(n, 2 * c, h, w))) return false;

        if (Match.SoleConsumer(graph, merge.Output) is { OpType: "Split", Domain: "" } halves && IsHalves(halves, c))
        {
            Value?[] parts = Rewrite.InsertMany(graph, halves, "Interleave", [halves.Outputs[0]!.Name + ".last", halves.Outputs[1]!.Name + ".last"], [a, b], new AttributeSet(), "edgelite");
            Rewrite.ReplaceOutputs(graph, halves, i => ChannelsFirst(graph, halves, parts[i]!, halves.Outputs[i]!.Name));
            return true;
        }
        Value whole = Rewrite.Insert(graph, merge, "Interleave", merge.Output.Name + ".last", [a, b], new AttributeSet(), "edgelite");
        Rewrite.ReplaceOutputs(graph, merge, _ => ChannelsFirst(graph, merge, whole, merge.Output.Name));
        return true;
    }

    private static Value ChannelsFirst(Graph graph, Node before, Value y, string name) => Rewrite.Transpose(graph, before, y, [0, 3, 1, 2], name + ".first");

    private static bool IsHalves(Node split, long c) =>
        c % 2 == 0 && split.Outputs is [{ Shape.IsRanked: true } first, { Shape.IsRanked: true } second] &&
        Match.Axis(split.Attributes.Int("axis", 0), 4) == 1 && first.Shape[1] == c && second.Shape[1] == c;
}
