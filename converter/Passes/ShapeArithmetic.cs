using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Passes;

/// <summary>
/// Follows dimensions from Shape and Size through the small integer arithmetic that exporters write (Gather, Slice, Concat,
/// Squeeze, Unsqueeze, Cast, Equal, Where). What comes out as numbers becomes a constant; a Reshape or Expand target of which one
/// dimension is not a number becomes a constant with 0 (copy) or -1 (the rest) in its place. A Range that counts the places of a
/// dimension has its size.
/// </summary>
public sealed class ShapeArithmetic : IGraphPass
{
    public string Name => "shape-arithmetic";

    public bool Run(Graph graph)
    {
        bool changed = false;
        var known = new Dictionary<Value, long[]>();
        var refined = new HashSet<Value>();
        foreach (Node node in graph.Nodes.ToArray())
        {
            if (node.Inputs.Any(i => i != null && refined.Contains(i))) Refine(node, refined);
            if (node.Domain.Length > 0) continue;
            if (node.Is("Range") && CountOf(node, known) is { } count && node.Output.Shape is { IsRanked: true, Rank: 1 } places && places[0] == NotKnown)
            {
                node.Output.Type = node.Output.Type with { Shape = new Shape(count) };
                refined.Add(node.Output); // no change of the graph: it is found again after each inference
            }
            if (node.Is("Reshape")) changed |= FixTarget(graph, node, known);
            else if (node.Is("Expand")) changed |= FixSizes(graph, node, known);
            if (Evaluate(node, known) is not { } dims) continue;
            known[node.Output] = dims;
            if (dims.Any(d => d < 0) || !node.Output.Shape.IsRanked || !(node.Output.DType.IsInteger() || node.Output.DType == DType.Bool)) continue;
            var tensor = new Tensor(node.Output.DType, node.Output.Shape.Rank == 0 ? Shape.Scalar : new Shape(dims.Length));
            for (int i = 0; i < dims.Length; i++) tensor.SetInt64(i, dims[i]);
            Value old = node.Output;
            if (Match.IsOutput(graph, old)) continue;
            Value constant = graph.AddConstant(old.Name, tensor);
            known[constant] = dims;
            Rewrite.Replace(graph, old, constant, keepName: true);
            changed = true;
        }
        return changed;
    }

    private const long NotKnown = Shape.Unknown;

    /// <summary>The dimension whose places a Range counts: from 0 to below it in steps of 1.</summary>
    private static long? CountOf(Node range, Dictionary<Value, long[]> known) =>
        Match.IsScalar(range.Input(0), 0) && Match.IsScalar(range.Input(2), 1) && range.Input(1) is { } end && known.TryGetValue(end, out long[]? dims) && dims is [< NotKnown and not TheRest and var dim] ? dim : null;

    /// <summary>Infers the results' types again, of which an input is known better now; what they told themselves stays.</summary>
    private static void Refine(Node node, HashSet<Value> refined)
    {
        TensorType[] before = [.. node.Outputs.Select(o => o?.Type ?? default)];
        ShapeInference.Infer(node);
        for (int i = 0; i < before.Length; i++)
        {
            if (node.Outputs[i] is not { } output || !before[i].Shape.IsRanked || !output.Shape.IsRanked || before[i].Shape.Rank != output.Shape.Rank) continue;
            for (int d = 0; d < output.Shape.Rank; d++)
                if (output.Shape[d] == NotKnown && before[i].Shape[d] != NotKnown) output.Type = output.Type with { Shape = output.Shape.With(d, before[i].Shape[d]) };
            if (output.Shape != before[i].Shape) refined.Add(output);
        }
    }

    /// <summary>The elements of the output, dimensions that are not numbers as negative symbols; null where it is no such thing.
    /// Only values that can be told from symbols are followed: a computed negative number ends the chain.</summary>
    private static long[]? Evaluate(Node node, Dictionary<Value, long[]> known)
    {
        switch (node.OpType)
        {
            case "Shape":
                if (node.Inputs[0] is not { Shape.IsRanked: true } x) return null;
                int rank = x.Shape.Rank;
                int start = Bound(node.Attributes.Int("start", 0)), end = Bound(node.Attributes.Int("end", rank));
                return start < end ? x.Shape.AsSpan()[start..end].ToArray() : [];
                int Bound(long i) => (int)Math.Clamp(i < 0 ? i + rank : i, 0, rank);
            case "Size":
                return node.Inputs[0] is { Shape.IsKnown: true } sized ? [sized.Shape.Count] : null;
            case "Gather":
                if (Of(node.Input(0)) is not { } data || Match.Ints(node.Input(1)) is not { } indices || node.Inputs[0]!.Shape.Rank != 1) return null;
                if (node.Inputs[1]!.Shape.Rank > 1) return null;
                return indices.All(i => i >= -data.Length && i < data.Length) ? [.. indices.Select(i => data[i < 0 ? i + data.Length : i])] : null;
            case "Slice":
                if (Of(node.Input(0)) is not { } sliced || node.Inputs[0]!.Shape.Rank != 1) return null;
                if (Match.Ints(node.Input(1)) is not [var from] || Match.Ints(node.Input(2)) is not [var to]) return null;
                if (node.Input(4) != null && Match.Ints(node.Input(4)) is not [1]) return null;
                from = Math.Clamp(from < 0 ? from + sliced.Length : from, 0, sliced.Length);
                to = Math.Clamp(to < 0 ? to + sliced.Length : to, 0, sliced.Length);
                return from < to ? sliced[(int)from..(int)to] : [];
            case "Concat":
                long[]?[] parts = [.. node.Inputs.Select(Of)];
                if (node.Inputs.Any(i => i is not { Shape: { IsRanked: true, Rank: 1 } }) || parts.Any(p => p == null)) return null;
                return [.. parts.SelectMany(p => p!)];
            case "Unsqueeze" or "Squeeze" or "Identity" or "Reshape":
                return node.Output.Shape is { IsRanked: true, Rank: <= 1 } && node.Inputs[0] is { Shape: { IsRanked: true, Rank: <= 1 } } ? Of(node.Input(0)) : null;
            case "Equal" when Of(node.Input(0)) is { } a && Of(node.Input(1)) is { } b && a.Length == b.Length:
                // No dimension, known or not, is -1.
                return a.Zip(b).All(p => p.First == p.Second ? p.First != NotKnown : p.First == TheRest || p.Second == TheRest || p is { First: >= 0, Second: >= 0 })
                    ? [.. a.Zip(b, (x, y) => x == y ? 1L : 0L)] : null;
            case "Where" when Of(node.Input(0)) is { } chosen && Of(node.Input(1)) is { } then && Of(node.Input(2)) is { } otherwise && then.Length == chosen.Length && otherwise.Length == chosen.Length:
                return [.. chosen.Select((c, i) => c != 0 ? then[i] : otherwise[i])];
            case "Cast":
                return node.Output.DType is DType.Int64 or DType.Int32 ? Of(node.Input(0)) : null;
            default:
                return null;
        }

        long[]? Of(Value? value) =>
            value == null ? null
            : known.TryGetValue(value, out long[]? dims) ? dims
            : Match.Ints(value) is { } ints && value.Shape.Rank <= 1 && value.Constant!.Count <= 64 ? Marked(ints) : null;
    }

    // -1 in a constant is a number ("the rest" of a Reshape), not an unknown dimension: shown as the smallest number.
    private const long TheRest = long.MinValue;

    private static long[]? Marked(long[] ints)
    {
        if (ints.Any(i => i < -1)) return null;
        return [.. ints.Select(i => i == -1 ? TheRest : i)];
    }

    private static bool FixTarget(Graph graph, Node node, Dictionary<Value, long[]> known)
    {
        if (node.Input(1) is not { IsConstant: false } target || !known.TryGetValue(target, out long[]? dims)) return false;
        if (node.Attributes.Int("allowzero", 0) != 0 || node.Inputs[0] is not { Shape.IsRanked: true } x) return false;
        long[] sizes = x.Shape.AsSpan().ToArray();
        if (Target(sizes, dims) is { } shape)
        {
            graph.SetInput(node, 1, Rewrite.Ints(graph, node.Output.Name + ".shape", shape));
            ShapeInference.Infer(node);
        }
        // Dimensions of 1 aside, more may keep their place.
        else if (Target([.. sizes.Where(d => d != 1)], [.. dims.Where(d => d != 1)]) is { } inner)
        {
            string name = node.Output.Name;
            Value y = x;
            if (Ones(sizes) is { Length: > 0 } gone) y = Rewrite.Insert(graph, node, "Squeeze", name + ".squeezed", [y, Rewrite.Ints(graph, name + ".ones", gone)]);
            y = Rewrite.Insert(graph, node, "Reshape", name + ".inner", [y, Rewrite.Ints(graph, name + ".shape", inner)]);
            if (Ones(dims) is { Length: > 0 } added) y = Rewrite.Insert(graph, node, "Unsqueeze", name, [y, Rewrite.Ints(graph, name + ".added", added)]);
            Rewrite.Replace(graph, node.Output, y, keepName: true);
            return true;
        }
        else return false;
        if (target.Producer != null) Rewrite.RemoveIfDead(graph, target.Producer);
        return true;
    }

    /// <summary>The sizes of an Expand as a constant: 1 where the input's own dimension stays.</summary>
    private static bool FixSizes(Graph graph, Node node, Dictionary<Value, long[]> known)
    {
        if (node.Input(1) is not { IsConstant: false } target || !known.TryGetValue(target, out long[]? dims) || node.Inputs[0] is not { Shape.IsRanked: true } x) return false;
        var sizes = new long[dims.Length];
        for (int i = 0; i < dims.Length; i++)
        {
            int at = i - dims.Length + x.Shape.Rank;
            if (dims[i] >= 0) sizes[i] = dims[i];
            else if (dims[i] < NotKnown && dims[i] != TheRest && at >= 0 && x.Shape[at] == dims[i]) sizes[i] = 1;
            else return false;
        }
        graph.SetInput(node, 1, Rewrite.Ints(graph, node.Output.Name + ".sizes", sizes));
        ShapeInference.Infer(node);
        if (target.Producer != null) Rewrite.RemoveIfDead(graph, target.Producer);
        return true;
    }

    private static long[] Ones(long[] dims) => [.. Enumerable.Range(0, dims.Length).Where(i => dims[i] == 1).Select(i => (long)i)];

    /// <summary>The dimensions as a constant for Reshape: 0 where one keeps its place, -1 for one that does not. Null where that does not tell
    /// them all: more than one moves, or one beside others that may be 0, which leave the rest open.</summary>
    private static long[]? Target(long[] sizes, long[] dims)
    {
        var shape = new long[dims.Length];
        int rest = 0, kept = 0, moved = 0;
        for (int i = 0; i < dims.Length; i++)
        {
            if (dims[i] > 0) shape[i] = dims[i];
            else if (dims[i] == 0) return null;
            else if (dims[i] < NotKnown && dims[i] != TheRest && i < sizes.Length && sizes[i] == dims[i]) kept++;
            else
            {
                shape[i] = -1;
                rest++;
                if (dims[i] != TheRest) moved++;
            }
        }
        return rest > 1 || moved > 0 && kept > 0 ? null : shape;
    }
}
