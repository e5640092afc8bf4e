using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Passes;
using EdgeLite.Core;
using EdgeLite.Ops;

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
        foreach (Value term in Terms(mask, keys))
        {
            if (SeesAll(graph, term, keys)) found = true;
            else if (Limit(term, rows, keys) is { } limit)
            {
                found = true;
                isCausal |= limit.IsCausal;
                if (!limit.IsCausal) window = window < 0 ? limit.Window : Math.Min(window, limit.Window);
            }
            else rest.Add(term);
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

    /// <summary>What must hold all together, Expands over all keys aside, which add nothing.</summary>
    private static IEnumerable<Value> Terms(Value mask, long keys) => mask.Producer switch
    {
        { Domain: "", OpType: "And" } and => and.Inputs.SelectMany(i => Terms(i!, keys)),
        { Domain: "", OpType: "Expand" } expand when expand.Inputs[0]!.Shape.IsRanked && IsOverAll(mask.Shape, keys) => Terms(expand.Inputs[0]!, keys),
        _ => [mask],
    };

    /// <summary>A mask of fewer keys than there are hides the others.</summary>
    private static bool IsOverAll(Shape mask, long keys) => mask.IsRanked && (mask.Rank == 0 || mask[mask.Rank - 1] == 1 || mask[mask.Rank - 1] == keys);

    private static bool SeesAll(Graph graph, Value term, long keys)
    {
        if (!IsOverAll(term.Shape, keys)) return false;
        if (term.Constant is not { } constant)
            return Excess(term)?.Largest(d => graph.Sizes.Of(term.Shape[d])) is { } largest && Polynomial.Difference(Polynomial.Of(0), largest) is { IsNotNegative: true };
        for (long i = 0; i < constant.Count; i++)
            if (constant.GetInt64(i) == 0) return false;
        return true;
    }

    /// <summary>A limit that a term sets: keys behind the query, or further before it than the window.</summary>
    private static (bool IsCausal, long Window)? Limit(Value term, long rows, long keys)
    {
        if (term.Constant is { } constant) return OfConstant(constant, rows, keys);
        if (Excess(term) is not { } excess) return null;
        (int key, int query) = (excess.Steps.Length - 1, excess.Steps.Length - 2);
        if (query < 0 || excess.Steps[..query].Any(s => s.Number != 0) || term.Shape[key] != keys || term.Shape[query] != rows) return null;
        if (excess.Offset.Number is not { } offset) return null;
        return (excess.Steps[key].Number, excess.Steps[query].Number) switch
        {
            (1, -1) when offset == 0 => (true, -1L),
            (-1, 1) when offset <= 0 => (false, -offset),
            _ => ((bool, long)?)null,
        };
    }

    /// <summary>What must not be above 0 for a comparison to hold.</summary>
    private static PlaceArithmetic? Excess(Value term)
    {
        if (term.Producer is not { Domain: "" } node || !term.Shape.IsRanked) return null;
        PlaceArithmetic? excess = node.OpType switch
        {
            "Less" or "LessOrEqual" => PlaceArithmetic.Difference(PlaceArithmetic.Of(node.Inputs[0]), PlaceArithmetic.Of(node.Inputs[1])),
            "Greater" or "GreaterOrEqual" => PlaceArithmetic.Difference(PlaceArithmetic.Of(node.Inputs[1]), PlaceArithmetic.Of(node.Inputs[0])),
            _ => null,
        };
        bool isStrict = node.OpType is "Less" or "Greater";
        return isStrict && excess != null ? Polynomial.Sum(excess.Offset, Polynomial.Of(1)) is { } above ? excess with { Offset = above } : null : excess;
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
}
