using EdgeLite.Converter.Ir;
using EdgeLite.Core;
using EdgeLite.Ops;

namespace EdgeLite.Converter.Passes;

/// <summary>Removes nodes that return their input: Identity, Dropout at inference, casts to the same type, slices of everything,
/// pads of nothing, a Where that always chooses the same, x + 0, x * 1,
/// Expands in front of what repeats its inputs itself ...</summary>
public sealed class NoOps : IGraphPass
{
    public string Name => "no-ops";

    public bool Run(Graph graph)
    {
        bool changed = false;
        foreach (Node node in graph.Nodes.ToArray())
        {
            if (node.Domain.Length > 0 || node.Outputs.Count == 0 || node.Outputs[0] == null) continue;
            changed |= WithoutExpands(graph, node);
            if (node.Outputs.Skip(1).Any(o => o != null && Match.IsRead(graph, o))) continue;
            if (Source(node) is not { } x) continue;
            if (Rewrite.NeedsIdentity(graph, node.Output, x) && node.Is("Identity")) continue;
            if (x.DType != node.Output.DType) continue;
            Rewrite.Replace(graph, node.Output, x);
            changed = true;
        }
        return changed;
    }

    /// <summary>Operators that repeat their inputs to one shape need none that was repeated before.</summary>
    private static bool WithoutExpands(Graph graph, Node node)
    {
        if (node.OpType is not ("Add" or "Sub" or "Mul" or "Div" or "And" or "Or" or "Where" or "Less" or "LessOrEqual" or "Greater" or "GreaterOrEqual" or "Equal")) return false;
        bool changed = false;
        var context = new InferContext();
        for (int i = 0; i < node.Inputs.Count; i++)
        {
            if (Match.Producer(node.Inputs[i], "Expand") is not { } expand) continue;
            Shape shape = expand.Inputs[0]!.Shape;
            for (int k = 0; k < node.Inputs.Count; k++)
                if (k != i) shape = context.Broadcast(shape, node.Inputs[k]!.Shape);
            if (!Match.SameShape(shape, node.Output.Shape)) continue;
            graph.SetInput(node, i, expand.Inputs[0]);
            Rewrite.RemoveIfDead(graph, expand);
            changed = true;
        }
        return changed;
    }

    /// <summary>The input that the node returns unchanged, or null.</summary>
    private static Value? Source(Node node)
    {
        Value? x = node.Input(0);
        switch (node.OpType)
        {
            case "Identity":
                return x;
            case "Dropout":
                return node.Input(2) == null || Match.IsScalar(node.Input(2), 0) ? x : null;
            case "Cast":
                return x;
            case "Concat" or "Sum" or "Max" or "Min" or "Mean":
                return node.Inputs.Count == 1 ? x : null;
            case "Clip":
                return node.Input(1) == null && node.Input(2) == null ? x : null;
            case "Reshape" or "Expand" or "Flatten" or "Squeeze" or "Unsqueeze":
                return x != null && Match.SameShape(x.Shape, node.Output.Shape) ? x : null;
            case "Tile":
                return Match.Ints(node.Input(1)) is { } repeats && repeats.All(r => r == 1) ? x : null;
            case "Pad":
                return Match.Ints(node.Input(1)) is { } pads && pads.All(p => p == 0) ? x : null;
            case "Slice":
                return SlicesAll(node) ? x : null;
            case "Transpose":
                return Match.Permutation(node) is { } perm && Match.IsIdentity(perm) ? x : null;
            case "Where":
                return Chosen(node) is { IsConstant: false } chosen && Match.SameShape(chosen.Shape, node.Output.Shape) ? chosen : null;
            case "Add":
                return Neutral(node, 0, 0) ?? Neutral(node, 1, 0);
            case "Mul":
                return Neutral(node, 0, 1) ?? Neutral(node, 1, 1);
            case "Sub":
                return Neutral(node, 1, 0);
            case "Div" or "Pow":
                return Neutral(node, 1, 1);
            default:
                return null;
        }
    }

    /// <summary>What a Where gives whose condition is everywhere the same.</summary>
    private static Value? Chosen(Node where)
    {
        if (where.Inputs[0]?.Constant is not { Count: > 0 and <= 1 << 16 } condition) return null;
        for (long i = 1; i < condition.Count; i++)
            if (condition.GetInt64(i) != condition.GetInt64(0)) return null;
        return where.Inputs[condition.GetInt64(0) != 0 ? 1 : 2];
    }

    private static bool SlicesAll(Node node)
    {
        if (Match.Ints(node.Input(1)) is not { } starts || SymbolicSizes.Of(node.Input(2)) is not { } ends || node.Inputs[0] is not { Shape.IsRanked: true } x) return false;
        long[]? axes = node.Input(3) == null ? [.. Enumerable.Range(0, starts.Length).Select(i => (long)i)] : Match.Ints(node.Input(3));
        long[]? steps = node.Input(4) == null ? null : Match.Ints(node.Input(4));
        if (axes == null || node.Input(4) != null && steps == null) return false;
        for (int i = 0; i < starts.Length; i++)
        {
            Polynomial? dim = node.Graph.Sizes.Of(x.Shape[Match.Axis(axes[i], x.Shape.Rank)]);
            bool toEnd = ends[i]?.Number >= int.MaxValue || ends[i] is { IsNotNegative: true } && Polynomial.Difference(ends[i], dim) is { IsNotNegative: true };
            if (starts[i] != 0 || !toEnd || steps != null && steps[i] != 1) return false;
        }
        return true;
    }

    /// <summary>The other input when input <paramref name="i"/> is a constant all of whose elements are <paramref name="neutral"/>
    /// and that does not broadcast the result.</summary>
    private static Value? Neutral(Node node, int i, double neutral)
    {
        if (node.Input(i)?.Constant is not { } constant || node.Input(1 - i) is not { IsConstant: false } x) return null;
        if (constant.Strings != null || constant.DType.IsComplex() || constant.Count == 0 || constant.Count > 1 << 16) return null;
        bool scalar = constant.Count == 1 && x.Shape.IsRanked && constant.Shape.Rank <= x.Shape.Rank;
        if (!scalar && !Match.SameShape(x.Shape, node.Output.Shape)) return null;
        for (long k = 0; k < constant.Count; k++)
            if (constant.GetDouble(k) != neutral) return null;
        return x;
    }
}
