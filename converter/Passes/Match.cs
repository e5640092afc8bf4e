using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Passes;

/// <summary>Questions that patterns ask of a graph.</summary>
public static class Match
{
    private static readonly HashSet<string> s_movement =
    [
        "Concat", "DepthToSpace", "Expand", "Flatten", "Gather", "GatherElements", "GatherND", "Identity", "Pad", "Reshape", "Slice", "SpaceToDepth", "Split", "Squeeze", "Tile", "Transpose",
        "Unsqueeze",
    ];

    /// <summary>True for an operator whose results are elements of its data inputs (all of Concat's, otherwise the first) at other places: it computes
    /// nothing, so that it serves any type of element. Pad adds its padding value.</summary>
    public static bool IsMovement(Node node) => node.Domain.Length == 0 && s_movement.Contains(node.OpType);

    public static bool IsOutput(Graph graph, Value value)
    {
        foreach (Value output in graph.Outputs)
            if (ReferenceEquals(output, value)) return true;
        return false;
    }

    /// <summary>True where a node or the caller reads <paramref name="value"/>.</summary>
    public static bool IsRead(Graph graph, Value value) => value.Consumers.Count > 0 || IsOutput(graph, value);

    /// <summary>The one node that reads <paramref name="value"/>, once, or null when there are others or it is a graph output.</summary>
    public static Node? SoleConsumer(Graph graph, Value value) =>
        value.Consumers.Count == 1 && !IsOutput(graph, value) ? value.Consumers[0] : null;

    /// <summary>The producer of <paramref name="value"/> when it is this operator.</summary>
    public static Node? Producer(Value? value, string opType, string domain = "") =>
        value?.Producer is { } node && node.Is(opType, domain) ? node : null;

    /// <summary>The value of a constant of one element, a float or an integer.</summary>
    public static bool Scalar(Value? value, out double scalar)
    {
        scalar = 0;
        if (value?.Constant is not { } tensor || tensor.Strings != null || tensor.DType.IsComplex() || tensor.Count != 1) return false;
        scalar = tensor.GetDouble(0);
        return true;
    }

    /// <summary>True for a constant of one element that equals <paramref name="expected"/> up to float32 rounding.</summary>
    public static bool IsScalar(Value? value, double expected) =>
        Scalar(value, out double scalar) && Math.Abs(scalar - expected) <= 1e-6 * Math.Max(1e-3, Math.Abs(expected));

    /// <summary>The elements of a constant integer tensor, or null.</summary>
    public static long[]? Ints(Value? value) => value?.Constant is { } t && t.DType.IsInteger() ? t.ToInt64Array() : null;

    /// <summary>For a node of two inputs in either order: the other one, where one of them satisfies the condition.</summary>
    public static Value? OtherInput(Node node, Func<Value, bool> condition)
    {
        if (node.Inputs.Count != 2 || node.Inputs[0] is not { } a || node.Inputs[1] is not { } b) return null;
        return condition(a) ? b : condition(b) ? a : null;
    }

    /// <summary>Equal shapes, dimension for dimension, unknown ones excluded (equal symbols are equal sizes).</summary>
    public static bool SameShape(Shape a, Shape b)
    {
        if (!a.IsRanked || a != b) return false;
        foreach (long dim in a.AsSpan())
            if (dim == Shape.Unknown) return false;
        return true;
    }

    /// <summary>The axes of two ranked shapes that belong together where they have the same known dimensions in the same order, those of 1 aside; null
    /// where they do not.</summary>
    public static (int A, int B)[]? AxesBeside1(Shape a, Shape b)
    {
        (int A, int B)[] axes = [.. Beside1(a).Zip(Beside1(b))];
        return Beside1(a).Count() == Beside1(b).Count() && axes.All(p => a[p.A] == b[p.B] && a[p.A] != Shape.Unknown) ? axes : null;

        static IEnumerable<int> Beside1(Shape shape) => Enumerable.Range(0, shape.Rank).Where(d => shape[d] != 1);
    }

    /// <summary>True for two values whose numbers of dimensions are known and equal.</summary>
    public static bool SameRank(Value a, Value b) => a.Shape.IsRanked && b.Shape.IsRanked && a.Shape.Rank == b.Shape.Rank;

    /// <summary>An axis counted from the start.</summary>
    public static int Axis(long axis, int rank) => (int)(axis < 0 ? axis + rank : axis);

    /// <summary>The permutation of a Transpose (the reversal where the attribute is absent), or null when the rank is not known.</summary>
    public static int[]? Permutation(Node transpose)
    {
        if (transpose.Attributes.Ints("perm") is { } perm) return [.. perm.Select(p => (int)p)];
        if (transpose.Input(0) is not { Shape.IsRanked: true } x) return null;
        return [.. Enumerable.Range(0, x.Shape.Rank).Reverse()];
    }

    public static bool IsIdentity(ReadOnlySpan<int> perm)
    {
        for (int i = 0; i < perm.Length; i++)
            if (perm[i] != i) return false;
        return true;
    }

    public static int[] Inverse(ReadOnlySpan<int> perm)
    {
        var inverse = new int[perm.Length];
        for (int i = 0; i < perm.Length; i++) inverse[perm[i]] = i;
        return inverse;
    }

    public static long[] ToLongs(ReadOnlySpan<int> values)
    {
        var result = new long[values.Length];
        for (int i = 0; i < result.Length; i++) result[i] = values[i];
        return result;
    }
}
