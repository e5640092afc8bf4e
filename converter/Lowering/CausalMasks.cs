using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Passes;
using EdgeLite.Core;
using EdgeLite.Ops;
using Math = System.Math;

namespace EdgeLite.Converter.Lowering;

/// <summary>
/// A mask of Attention that lets each query see the keys up to its own place, whether compared of places (Range) or written out as a
/// constant triangle, becomes is_causal, and one that hides keys further away than a number becomes left_window_size: the kernel then leaves those keys out. The
/// rest of a conjunction stays the mask.
/// </summary>
public sealed class CausalMasks : IGraphPass
{
    public string Name => "causal-masks";

    public bool Run(Graph graph)
    {
        bool changed = false;
        foreach (Node node in graph.Nodes.ToArray())
            if (node.Is("Attention") && node.Input(3) is { DType: DType.Bool } mask && node.Input(4) == null && node.Input(6) == null) changed |= Simplify(graph, node, mask);
        return changed;
    }

    private static bool Simplify(Graph graph, Node node, Value mask)
    {
        if (Sizes(node) is not var (rows, keys)) return false;
        var rest = new List<Value>();
        bool isCausal = false, found = false;
        long window = -1;
        foreach (Value term in Terms(mask))
        {
            if (!SeesAll(term) && Limit(term, rows, keys) is not { } limit) rest.Add(term);
            else
            {
                found = true;
                if (SeesAll(term)) continue;
                limit = Limit(term, rows, keys)!.Value;
                isCausal |= limit.IsCausal;
                if (!limit.IsCausal) window = window < 0 ? limit.Window : Math.Min(window, limit.Window);
            }
        }
        if (!found) return false;
        AttributeSet attributes = node.Attributes.Clone();
        if (isCausal) attributes["is_causal"] = 1L;
        if (window >= 0) attributes["left_window_size"] = attributes.Int("left_window_size", -1) is >= 0 and var given ? Math.Min(given, window) : window;
        Value? left = null;
        foreach (Value term in rest) left = left == null ? term : Rewrite.Insert(graph, node, "And", mask.Name + ".rest", [left, term]);
        Value?[] inputs = [.. node.Inputs];
        inputs[3] = left;
        Value?[] results = Rewrite.InsertMany(graph, node, "Attention", [.. node.Outputs.Select(o => o == null ? null : o.Name + ".limited")], left == null ? inputs[..3] : inputs, attributes);
        for (int i = 0; i < node.Outputs.Count; i++)
            if (node.Outputs[i] is { } old) Rewrite.Replace(graph, old, results[i]!, keepName: true);
        return true;
    }

    /// <summary>Queries and keys of an Attention.</summary>
    private static (long Rows, long Keys)? Sizes(Node node) =>
        node.Inputs[0] is { Shape.IsRanked: true } q && node.Inputs[1] is { Shape.IsRanked: true } k && q.Shape.Rank == k.Shape.Rank && q.Shape.Rank is 3 or 4
            ? (q.Shape[q.Shape.Rank - 2], k.Shape[k.Shape.Rank - 2]) : null;

    /// <summary>What must hold all together, Expands aside, which add nothing.</summary>
    private static IEnumerable<Value> Terms(Value mask) => mask.Producer switch
    {
        { Domain: "", OpType: "And" } and => and.Inputs.SelectMany(i => Terms(i!)),
        { Domain: "", OpType: "Expand" } expand when expand.Inputs[0]!.Shape.IsRanked => Terms(expand.Inputs[0]!),
        _ => [mask],
    };

    private static bool SeesAll(Value term)
    {
        if (term.Constant is not { } constant) return false;
        for (long i = 0; i < constant.Count; i++)
            if (constant.GetInt64(i) == 0) return false;
        return true;
    }

    /// <summary>A limit that a term sets: keys behind the query, or further before it than the window.</summary>
    private static (bool IsCausal, long Window)? Limit(Value term, long rows, long keys)
    {
        if (term.Constant is { } constant) return OfConstant(constant, rows, keys);
        if (term.Producer is not { Domain: "" } node) return null;
        if (node.OpType is not ("Less" or "LessOrEqual" or "Greater" or "GreaterOrEqual") || !term.Shape.IsRanked || term.Shape.Rank < 2) return null;
        // Rows and keys that the mask is compared over must be those of the attention: a mask of one row would be broadcast.
        if (term.Shape[term.Shape.Rank - 2] != rows || term.Shape[term.Shape.Rank - 1] != keys || rows == 1 || keys == 1) return null;
        (Value low, Value high) = node.OpType.StartsWith("Less", StringComparison.Ordinal) ? (node.Inputs[0]!, node.Inputs[1]!) : (node.Inputs[1]!, node.Inputs[0]!);
        if (Places(low, 0) is not { } a || Places(high, 0) is not { } b) return null;
        // low <= high + slack
        long slack = node.OpType.EndsWith("OrEqual", StringComparison.Ordinal) ? 0 : -1;
        if (Polynomial.Difference(b.Offset, a.Offset)?.Number is not { } distance) return null;
        distance += slack;
        int rank = term.Shape.Rank, aAxis = a.Axis - a.Rank + rank, bAxis = b.Axis - b.Rank + rank;
        if (aAxis == rank - 1 && bAxis == rank - 2) return distance == 0 ? (true, -1) : null; // key <= query
        return aAxis == rank - 2 && bAxis == rank - 1 && distance >= 0 ? (false, distance) : null; // query <= key + distance
    }

    private static (bool IsCausal, long Window)? OfConstant(Tensor mask, long rows, long keys)
    {
        int rank = mask.Shape.Rank;
        if (rank < 2 || mask.Shape[rank - 2] != rows || mask.Shape[rank - 1] != keys || mask.Count != rows * keys || rows < 2) return null;
        for (long q = 0; q < rows; q++)
            for (long k = 0; k < keys; k++)
                if (mask.GetInt64(q * keys + k) != 0 != k <= q) return null;
        return (true, -1);
    }

    /// <summary>A tensor whose element at a place is the place along one axis plus an offset.</summary>
    private readonly record struct PlacesAlong(int Axis, int Rank, Polynomial Offset);

    private const int MaxDepth = 12;

    private static PlacesAlong? Places(Value value, int depth)
    {
        if (depth > MaxDepth || value.Producer is not { Domain: "" } node || value.Shape is not { IsRanked: true, Rank: > 0 } y || !value.DType.IsInteger()) return null;
        switch (node.OpType)
        {
            case "Range":
                return SymbolicSizes.Of(node.Inputs[0]) is [{ } start] && Match.IsScalar(node.Inputs[2], 1) ? new(0, 1, start) : null;
            case "Identity" or "Cast":
                return node.Inputs[0]!.DType.IsInteger() ? Places(node.Inputs[0]!, depth + 1) : null;
            case "Unsqueeze" or "Squeeze" or "Reshape":
                // The only axis that is not 1 on both sides.
                if (Places(node.Inputs[0]!, depth + 1) is not { } from) return null;
                int[] axes = [.. Enumerable.Range(0, y.Rank).Where(d => y[d] != 1)];
                Shape x = node.Inputs[0]!.Shape;
                return axes is [var axis] && x[from.Axis] == y[axis] && x[from.Axis] != Shape.Unknown && Enumerable.Range(0, x.Rank).All(d => d == from.Axis || x[d] == 1) ? new(axis, y.Rank, from.Offset) : null;
            case "Add" or "Sub":
                for (int side = 0; side < (node.OpType == "Add" ? 2 : 1); side++)
                    if (SymbolicSizes.Of(node.Inputs[1 - side]) is [{ } by] && node.Inputs[1 - side]!.Shape.Rank <= y.Rank && Places(node.Inputs[side]!, depth + 1) is { } along
                        && along.Rank == y.Rank && Polynomial.Sum(along.Offset, by, node.OpType == "Add" ? 1 : -1) is { } offset)
                        return along with { Offset = offset };
                return null;
            default:
                return null;
        }
    }
}
