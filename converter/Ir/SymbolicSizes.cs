using EdgeLite.Converter.Passes;
using EdgeLite.Core;
using EdgeLite.Ops;
using static EdgeLite.Converter.Ir.Polynomial;

namespace EdgeLite.Converter.Ir;

/// <summary>
/// What operators' own rules, which know numbers, leave open of sizes: it is told from the symbols of the inputs' dimensions and from the integers
/// that exporters compute of them (Shape, Gather, Concat, arithmetic), which are followed as polynomials. A dimension of which
/// nothing is known gets a symbol of its own, so that what has its size is known to have it. (The analysis is that of
/// onnxruntime/python/tools/symbolic_shape_infer.py, with polynomials in place of a computer algebra system.)
/// </summary>
internal static class SymbolicSizes
{
    /// <summary>Elements of an integer tensor that are followed.</summary>
    private const int MaxElements = 64;

    /// <summary>Completes the types of a node's outputs, which were inferred, and finds the elements of the first.</summary>
    public static void Complete(Node node)
    {
        Graph graph = node.Graph;
        for (int i = 0; i < node.Outputs.Count; i++)
        {
            if (node.Outputs[i] is not { Type.IsList: false, Shape.IsRanked: true } output) continue;
            Shape shape = output.Shape;
            if (shape.AsSpan().Contains(Shape.Unknown))
            {
                Polynomial?[]? sizes = Sizes(graph, node, i, shape.Rank);
                for (int d = 0; d < shape.Rank; d++)
                    if (shape[d] == Shape.Unknown) shape = shape.With(d, sizes != null && graph.Sizes.Dim(sizes[d]) is not Shape.Unknown and var dim ? dim : output.OwnDim(graph, d));
                output.Type = output.Type with { Shape = shape };
            }
        }
        if (node.Outputs.Count > 0 && node.Outputs[0] is { } first) first.Elements = Elements(graph, node, first);
    }

    /// <summary>The elements of an integer tensor as far as they are followed; those that are not known are null.</summary>
    public static Polynomial?[]? Of(Value? value)
    {
        if (value?.Constant is not { } constant) return value?.Elements;
        return constant.DType is DType.Int64 or DType.Int32 or DType.Bool && constant.Shape.Rank <= 1 && constant.Count <= MaxElements
            ? [.. Enumerable.Range(0, (int)constant.Count).Select(i => Polynomial.Of(constant.GetInt64(i)))] : null;
    }

    private static Polynomial?[] Dims(Graph graph, Value value) => [.. value.Shape.AsSpan().ToArray().Select(graph.Sizes.Of)];

    /// <summary>The sizes of an output by the node's operator; null where nothing more is known.</summary>
    private static Polynomial?[]? Sizes(Graph graph, Node node, int output, int rank)
    {
        if (node.Input(0) is not { Type.IsList: false } x || node.Domain.Length > 0 && !node.Is("Conv", "edgelite") && !node.Is("DepthwiseConv", "edgelite")) return null;
        Polynomial?[]? dims = x.Shape.IsRanked ? Dims(graph, x) : null;
        switch (node.OpType)
        {
            case "Reshape" when dims != null && Of(node.Input(1)) is { } target && target.Length == rank && node.Attributes.Int("allowzero", 0) == 0:
                return Reshaped(dims, target);
            case "Flatten" when dims != null:
                int at = Match.Axis(node.Attributes.Int("axis", 1), dims.Length);
                return [Product(dims[..at]), Product(dims[at..])];
            case "Expand" when dims != null && Of(node.Input(1)) is { } sizes:
                return Broadcast(graph, dims, sizes);
            case "Add" or "Sub" or "Mul" or "Div" or "Pow" or "Where" or "And" or "Or" or "Equal" or "Less" or "LessOrEqual" or "Greater" or "GreaterOrEqual" or "Max" or "Min" or "Sum"
                when node.Inputs.All(i => i is { Shape.IsRanked: true }):
                return node.Inputs.Select(i => Dims(graph, i!)).Aggregate((a, b) => Broadcast(graph, a, b));
            case "ConstantOfShape" when Of(x) is { } sizes && sizes.Length == rank:
                return sizes;
            case "Range":
                return Of(x) is [var start] && Of(node.Input(1)) is [var limit] && Match.IsScalar(node.Input(2), 1) && Difference(limit, start) is { IsNotNegative: true } count ? [count] : null;
            case "Concat" when node.Inputs.All(i => i is { Shape.IsRanked: true } && i.Shape.Rank == rank):
                int axis = Match.Axis(node.Attributes.Int("axis", 0), rank);
                Polynomial?[] joined = Dims(graph, node.Output);
                joined[axis] = node.Inputs.Select(i => graph.Sizes.Of(i!.Shape[axis])).Aggregate((Polynomial?)Polynomial.Of(0), (a, b) => Sum(a, b));
                return joined;
            case "Slice" when dims != null:
                return Sliced(node, dims);
            case "Tile" when dims != null && Of(node.Input(1)) is { } repeats && repeats.Length == rank:
                return [.. dims.Zip(repeats, (a, b) => Product(a, b))];
            case "Pad" when dims != null && Of(node.Input(1)) is { } pads && node.Input(3) == null && pads.Length == 2 * rank:
                return [.. dims.Select((d, i) => Sum(Sum(d, pads[i]), pads[rank + i]))];
            case "Split" when dims != null && Of(node.Input(1)) is { } parts && output < parts.Length:
                dims[Match.Axis(node.Attributes.Int("axis", 0), rank)] = parts[output];
                return dims;
            case "Attention" when output > 0 && rank == 4 && Grown(graph, node) is { } total:
                Polynomial?[] kept = Dims(graph, node.Outputs[output]!);
                kept[output == 3 ? 3 : 2] = total;
                return kept;
            case "Conv" or "MaxPool" or "AveragePool" or "DepthwiseConv" when dims != null:
                return Windows(graph, node, dims);
            case "Resize" when dims != null && node.Attributes.Ints("axes") == null:
                return Of(node.Input(3)) is { } given && given.Length == rank ? given : node.Input(2)?.Constant is { } scales && scales.Count == rank
                    ? [.. dims.Select((d, i) => scales.GetDouble(i) is >= 1 and <= int.MaxValue and var s && s == Math.Floor(s) ? Product(d, Polynomial.Of((long)s)) : null)] : null;
            default:
                return null;
        }
    }

    /// <summary>Sizes that a Reshape gives: 0 keeps a dimension, -1 takes the rest, for which equal sizes on both sides cancel.</summary>
    private static Polynomial?[]? Reshaped(Polynomial?[] dims, Polynomial?[] target)
    {
        var sizes = new Polynomial?[target.Length];
        int open = -1;
        for (int i = 0; i < target.Length; i++)
        {
            if (target[i]?.Number == -1) open = open < 0 ? i : -2;
            sizes[i] = target[i]?.Number == 0 ? i < dims.Length ? dims[i] : null : target[i]?.Number == -1 ? null : target[i];
        }
        if (open >= 0)
        {
            var above = new List<Polynomial?>(dims);
            var below = new List<Polynomial?>(sizes.Where((_, i) => i != open));
            foreach (Polynomial? size in below.ToArray())
                if (size is { Number: not 0 } && above.Remove(size)) below.Remove(size);
            sizes[open] = Quotient(Product(above), Product(below));
        }
        return sizes;
    }

    private static Polynomial?[] Broadcast(Graph graph, Polynomial?[] a, Polynomial?[] b)
    {
        int rank = Math.Max(a.Length, b.Length);
        return [.. Enumerable.Range(0, rank).Select(i => Both(i < rank - a.Length ? Polynomial.Of(1) : a[i - rank + a.Length], i < rank - b.Length ? Polynomial.Of(1) : b[i - rank + b.Length]))];

        Polynomial? Both(Polynomial? x, Polynomial? y) =>
            x == null || y == null ? x?.Number > 1 ? x : y?.Number > 1 ? y : null
            : x.Equals(y) || y.Number == 1 ? x
            : x.Number == 1 ? y
            : x.Number > 1 ? x
            : y.Number > 1 || graph.Sizes.IsLeast(x, y) ? y
            : graph.Sizes.IsLeast(y, x) ? x : null;
    }

    /// <summary>Sizes of a Slice in steps of 1 whose starts and ends are known to lie inside, or behind the end.</summary>
    private static Polynomial?[]? Sliced(Node node, Polynomial?[] dims)
    {
        if (Of(node.Input(1)) is not { } starts || Of(node.Input(2)) is not { } ends || starts.Length != ends.Length || starts.Length > dims.Length) return null;
        long[]? axes = node.Input(3) == null ? [.. Enumerable.Range(0, starts.Length)] : Match.Ints(node.Input(3));
        if (axes == null || axes.Length != starts.Length || node.Input(4) != null && Match.Ints(node.Input(4)) is not { } steps) return null;
        var sizes = (Polynomial?[])dims.Clone();
        for (int i = 0; i < axes.Length; i++)
        {
            int axis = Match.Axis(axes[i], dims.Length);
            if (axis < 0 || axis >= dims.Length) return null;
            bool isStep1 = node.Input(4) == null || Match.Ints(node.Input(4))![i] == 1;
            sizes[axis] = !isStep1 ? null
                : starts[i]?.Number == 0 && ends[i] is { IsNotNegative: true } && dims[axis]?.Number is { } number ? node.Graph.Sizes.Least(ends[i], number)
                : Difference(Place(ends[i], dims[axis]), Place(starts[i], dims[axis])) is { IsNotNegative: true } size ? size : null;
        }
        return sizes;

        // A place of an axis, counted from its end where it is negative; null where it is not known to lie on the axis.
        static Polynomial? Place(Polynomial? place, Polynomial? dim)
        {
            if (place == null || dim == null) return null;
            if (place.Number >= int.MaxValue) return dim;
            if (!place.IsNotNegative) place = Sum(place, dim);
            return place is { IsNotNegative: true } && Difference(dim, place) is { IsNotNegative: true } ? place : null;
        }
    }

    /// <summary>Past and new keys of an Attention together.</summary>
    private static Polynomial? Grown(Graph graph, Node attention)
    {
        if (attention.Inputs[1] is not { Shape.IsRanked: true } k) return null;
        Polynomial? rows = graph.Sizes.Of(k.Shape[k.Shape.Rank - 2]);
        return attention.Input(4) is not { } past ? rows : past.Shape is { IsRanked: true, Rank: 4 } ? Sum(graph.Sizes.Of(past.Shape[2]), rows) : null;
    }

    /// <summary>floor((size + pads - extent of the window) / stride) + 1</summary>
    private static Polynomial?[]? Windows(Graph graph, Node node, Polynomial?[] dims)
    {
        AttributeSet a = node.Attributes;
        bool isLast = node.Domain.Length > 0 || a.Int("channels_last", 0) != 0;
        int spatial = dims.Length - 2;
        long[]? kernel = a.Ints("kernel_shape") ?? (node.Inputs.Count > 1 && node.Inputs[1] is { Shape.IsKnown: true } w && w.Shape.Rank == dims.Length ? w.Shape.AsSpan()[2..].ToArray() : null);
        if (kernel == null || kernel.Length != spatial || a.Int("ceil_mode", 0) != 0 || a.String("auto_pad", "NOTSET") is not ("NOTSET" or "")) return null;
        Polynomial?[] sizes = Dims(graph, node.Output);
        for (int i = 0; i < spatial; i++)
        {
            int axis = isLast ? i + 1 : i + 2;
            long pads = (a.Ints("pads") is { } p ? p[i] + p[spatial + i] : 0), extent = (kernel[i] - 1) * (a.Ints("dilations")?[i] ?? 1) + 1;
            sizes[axis] = Sum(graph.Sizes.Floor(Sum(dims[axis], Polynomial.Of(pads - extent)), a.Ints("strides")?[i] ?? 1), Polynomial.Of(1));
        }
        return sizes;
    }

    /// <summary>The elements of an integer vector or number that the node computes; null where they are not followed.</summary>
    private static Polynomial?[]? Elements(Graph graph, Node node, Value y)
    {
        if (node.Domain.Length > 0 || y.DType is not (DType.Int64 or DType.Int32 or DType.Bool) || y.Shape is not { IsRanked: true, Rank: <= 1 } || y.Shape is { IsKnown: true, Count: > MaxElements }) return null;
        Polynomial?[]? result = Computed(graph, node, y);
        return result == null || !y.Shape.IsKnown || result.Length != y.Shape.Count || result.All(e => e == null) ? null : result;
    }

    private static Polynomial?[]? Computed(Graph graph, Node node, Value y)
    {
        Polynomial?[]? a = Of(node.Input(0)), b = Of(node.Input(1));
        switch (node.OpType)
        {
            case "Shape" when node.Inputs[0] is { Shape.IsRanked: true } x:
                int rank = x.Shape.Rank;
                int start = Bound(node.Attributes.Int("start", 0)), end = Bound(node.Attributes.Int("end", rank));
                return start < end ? Dims(graph, x)[start..end] : [];
                int Bound(long i) => (int)Math.Clamp(i < 0 ? i + rank : i, 0, rank);
            case "Size" when node.Inputs[0] is { Shape.IsRanked: true } x:
                return [Product(Dims(graph, x))];
            case "Gather" when a != null && node.Inputs[0]!.Shape.Rank == 1 && Match.Ints(node.Input(1)) is { } indices:
                return indices.All(i => i >= -a.Length && i < a.Length) ? [.. indices.Select(i => a[i < 0 ? i + a.Length : i])] : null;
            case "Slice" when a != null && node.Inputs[0]!.Shape.Rank == 1 && Match.Ints(node.Input(1)) is [var from] && Match.Ints(node.Input(2)) is [var to]:
                if (node.Input(4) != null && Match.Ints(node.Input(4)) is not [1]) return null;
                from = Math.Clamp(from < 0 ? from + a.Length : from, 0, a.Length);
                to = Math.Clamp(to < 0 ? to + a.Length : to, 0, a.Length);
                return from < to ? a[(int)from..(int)to] : [];
            case "Concat":
                Polynomial?[]?[] parts = [.. node.Inputs.Select(i => Of(i) ?? (i is { Shape: { IsKnown: true, Rank: 1, Count: <= MaxElements } } ? new Polynomial?[i.Shape.Count] : null))];
                return parts.Any(p => p == null) ? null : [.. parts.SelectMany(p => p!)];
            case "Unsqueeze" or "Squeeze" or "Identity" or "Reshape" or "Flatten":
                return a;
            case "Cast":
                return node.Inputs[0]!.DType is DType.Int64 or DType.Int32 && y.DType != DType.Bool ? a : null;
            case "ConstantOfShape" when y.Shape.IsKnown:
                return node.Attributes.Find("value") is { Kind: AttributeKind.Tensor } fill ? [.. Enumerable.Repeat(Polynomial.Of(fill.Tensor.GetInt64(0)), (int)y.Shape.Count)] : [.. Enumerable.Repeat(Polynomial.Of(0), (int)y.Shape.Count)];
            case "Expand" when a is [var one] && y.Shape.IsKnown:
                return [.. Enumerable.Repeat(one, (int)y.Shape.Count)];
            case "Range" when y.Shape.IsKnown && a is [{ } origin] && Match.IsScalar(node.Input(2), 1):
                return [.. Enumerable.Range(0, (int)y.Shape.Count).Select(i => Sum(origin, Polynomial.Of(i)))];
            case "Neg" when a != null:
                return [.. a.Select(e => Difference(Polynomial.Of(0), e))];
            case "ReduceProd" when a != null && y.Shape.IsKnown && y.Shape.Count == 1:
                return [Product(a)];
            case "ReduceSum" when a != null && y.Shape.IsKnown && y.Shape.Count == 1:
                return [a.Aggregate((Polynomial?)Polynomial.Of(0), (s, e) => Sum(s, e))];
            case "Add":
                return Pairs((s, t) => Sum(s, t));
            case "Sub":
                return Pairs(Difference);
            case "Mul":
                return Pairs(Product);
            case "Div":
                return Pairs((s, t) => s is { IsNotNegative: true } && t?.Number is > 0 and var n ? graph.Sizes.Floor(s, n) : s is { IsNotNegative: true } && t is { IsNotNegative: true } ? Quotient(s, t) : null);
            case "Mod":
                return Pairs((s, t) => t?.Number is > 0 and var n && s is { IsNotNegative: true } && Difference(s, Product(graph.Sizes.Floor(s, n), t))?.Number is { } left ? Polynomial.Of(left) : null);
            case "Max" when node.Inputs.Count == 2:
                return Pairs((s, t) => Difference(s, t) is { IsNotNegative: true } ? s : Difference(t, s) is { IsNotNegative: true } ? t : null);
            case "Min" when node.Inputs.Count == 2:
                return Pairs((s, t) => Difference(s, t) is { IsNotNegative: true } ? t : Difference(t, s) is { IsNotNegative: true } ? s : null);
            case "Equal":
                return Pairs((s, t) => Decided(Difference(s, t) is { } d ? d.Number == 0 ? true : d.Number != null || d.IsPositive || Difference(t, s)!.IsPositive ? false : null : null));
            case "Less":
                return Pairs((s, t) => Decided(Difference(t, s) is { } d ? d.IsPositive ? true : Difference(s, t)!.IsNotNegative ? false : null : null));
            case "Greater":
                return Pairs((s, t) => Decided(Difference(s, t) is { } d ? d.IsPositive ? true : Difference(t, s)!.IsNotNegative ? false : null : null));
            case "Not" when a != null:
                return [.. a.Select(e => Decided(e?.Number is { } n ? n == 0 : null))];
            case "Where" when a != null && b != null && Of(node.Input(2)) is { } otherwise:
                int length = new[] { a.Length, b.Length, otherwise.Length }.Max();
                if (new[] { a, b, otherwise }.Any(p => p.Length != length && p.Length != 1)) return null;
                return [.. Enumerable.Range(0, length).Select(i => At(a, i)?.Number is not { } chosen ? null : At(chosen != 0 ? b : otherwise, i))];
            default:
                return null;
        }

        Polynomial?[]? Pairs(Func<Polynomial?, Polynomial?, Polynomial?> combine) =>
            a == null || b == null || a.Length != b.Length && a.Length != 1 && b.Length != 1 ? null
            : [.. Enumerable.Range(0, a.Length == 1 ? b.Length : a.Length).Select(i => combine(At(a, i), At(b, i)))];
        static Polynomial? At(Polynomial?[] values, int i) => values[values.Length == 1 ? 0 : i];
        static Polynomial? Decided(bool? value) => value is { } known ? Polynomial.Of(known ? 1 : 0) : null;
    }
}
