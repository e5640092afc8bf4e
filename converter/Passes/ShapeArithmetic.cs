using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Passes;

/// <summary>
/// Uses what is known of integers that exporters compute from dimensions (<see cref="SymbolicSizes"/>). What comes out as numbers becomes a
/// constant; what comes out as the same sizes is computed once; a Reshape or Expand target of which one dimension is not a number
/// becomes a constant with 0 (copy) or -1 (the rest) in its place.
/// </summary>
public sealed class ShapeArithmetic : IGraphPass
{
    public string Name => "shape-arithmetic";

    public bool Run(Graph graph)
    {
        bool changed = false;
        var first = new Dictionary<string, Value>();
        foreach (Node node in graph.Nodes.ToArray())
        {
            if (node.Domain.Length > 0 || node.Outputs.Count == 0 || node.Outputs[0] is not { } old || graph.Find(old.Name) != old) continue;
            if (node.Is("Reshape")) changed |= FixTarget(graph, node);
            else if (node.Is("Expand")) changed |= FixSizes(graph, node);
            if (old.Elements is not { } elements || elements.Any(e => e == null) || graph.Find(old.Name) != old || Match.IsOutput(graph, old)) continue;
            if (elements.All(e => e!.Number != null))
            {
                var tensor = new Tensor(old.DType, old.Shape.Rank == 0 ? Shape.Scalar : new Shape(elements.Length));
                for (int i = 0; i < elements.Length; i++) tensor.SetInt64(i, elements[i]!.Number!.Value);
                Rewrite.Replace(graph, old, graph.AddConstant(old.Name, tensor), keepName: true);
                changed = true;
                continue;
            }
            string key = $"{old.DType}{old.Shape.Rank}:{string.Join(',', elements.Select(e => e!.Text(dim => $"{dim}")))}";
            if (first.TryGetValue(key, out Value? same) && graph.Find(same.Name) == same)
            {
                Rewrite.Replace(graph, old, same);
                changed = true;
            }
            else first[key] = old;
        }
        return changed;
    }

    private const long NotKnown = Shape.Unknown;

    /// <summary>-1 in a target, "the rest" of a Reshape, is no unknown dimension: shown as the smallest number.</summary>
    private const long TheRest = long.MinValue;

    /// <summary>The elements of a computed target as dimensions, or null where they are not followed.</summary>
    private static long[]? Target(Graph graph, Value? target) =>
        target is { IsConstant: false, Elements: { } elements } ? [.. elements.Select(e => e?.Number == -1 ? TheRest : graph.Sizes.Dim(e))] : null;

    private static bool FixTarget(Graph graph, Node node)
    {
        if (node.Input(1) is not { } target || Target(graph, target) is not { } dims) return false;
        if (node.Attributes.Int("allowzero", 0) != 0 || node.Inputs[0] is not { Shape.IsRanked: true } x) return false;
        long[] sizes = x.Shape.AsSpan().ToArray();
        if (Target(sizes, dims) is { } shape) return SetTarget(graph, node, target, ".shape", shape);
        if (View(graph, node, x, dims, node.Output.Name, most: 3) is not { } y) return false;
        Rewrite.Replace(graph, node.Output, y, keepName: true);
        return true;
    }

    /// <summary>x under a shape of which constants tell the way: with Squeeze and Unsqueeze of dimensions of 1, which aside more dimensions may keep their
    /// place. Null where there is none of at most so many nodes.</summary>
    public static Value? View(Graph graph, Node before, Value x, long[] dims, string name, int most)
    {
        long[] sizes = x.Shape.AsSpan().ToArray(), gone = Ones(sizes), added = Ones(dims);
        if (Target(sizes, dims) is { } shape) return Rewrite.Insert(graph, before, "Reshape", name, [x, Rewrite.Ints(graph, name + ".shape", shape)]);
        long[] from = [.. sizes.Where(d => d != 1)], to = [.. dims.Where(d => d != 1)];
        bool isSame = from.SequenceEqual(to) && !from.Contains(NotKnown);
        if (Target(from, to) is not { } inner || (gone.Length > 0 ? 1 : 0) + (isSame ? 0 : 1) + (added.Length > 0 ? 1 : 0) > most) return null;
        Value y = x;
        if (gone.Length > 0) y = Rewrite.Insert(graph, before, "Squeeze", name + ".squeezed", [y, Rewrite.Ints(graph, name + ".ones", gone)]);
        if (!isSame) y = Rewrite.Insert(graph, before, "Reshape", name + ".inner", [y, Rewrite.Ints(graph, name + ".shape", inner)]);
        return added.Length > 0 ? Rewrite.Insert(graph, before, "Unsqueeze", name, [y, Rewrite.Ints(graph, name + ".added", added)]) : y;
    }

    /// <summary>The sizes of an Expand as a constant: 1 where the input's own dimension stays.</summary>
    private static bool FixSizes(Graph graph, Node node)
    {
        if (node.Input(1) is not { } target || Target(graph, target) is not { } dims || node.Inputs[0] is not { Shape.IsRanked: true } x) return false;
        var sizes = new long[dims.Length];
        for (int i = 0; i < dims.Length; i++)
        {
            int at = i - dims.Length + x.Shape.Rank;
            if (dims[i] >= 0) sizes[i] = dims[i];
            else if (dims[i] < NotKnown && dims[i] != TheRest && at >= 0 && x.Shape[at] == dims[i]) sizes[i] = 1;
            else return false;
        }
        return SetTarget(graph, node, target, ".sizes", sizes);
    }

    /// <summary>Puts a constant in the place of a computed target.</summary>
    private static bool SetTarget(Graph graph, Node node, Value computed, string suffix, long[] dims)
    {
        graph.SetInput(node, 1, Rewrite.Ints(graph, node.Output.Name + suffix, dims));
        ShapeInference.Infer(node);
        if (computed.Producer != null) Rewrite.RemoveIfDead(graph, computed.Producer);
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
