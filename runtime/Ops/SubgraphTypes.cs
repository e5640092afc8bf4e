using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>What two possible results of a subgraph have in common.</summary>
internal static class SubgraphTypes
{
    /// <summary>The shape that describes both: dimensions on which they differ are unknown.</summary>
    public static Shape Common(in Shape a, in Shape b)
    {
        if (!a.IsRanked || !b.IsRanked || a.Rank != b.Rank) return Shape.Unranked;
        Shape common = a;
        for (int i = 0; i < a.Rank; i++)
            if (a[i] != b[i]) common = common.With(i, Shape.Unknown);
        return common;
    }

    /// <summary>The shape with one more dimension at <paramref name="axis"/>.</summary>
    public static Shape Insert(in Shape shape, int axis, long dim)
    {
        if (!shape.IsRanked) return shape;
        Span<long> dims = stackalloc long[Shape.MaxRank];
        shape.AsSpan()[..axis].CopyTo(dims);
        dims[axis] = dim;
        shape.AsSpan()[axis..].CopyTo(dims[(axis + 1)..]);
        return new Shape(dims[..(shape.Rank + 1)]);
    }

    /// <summary>The shape without dimension <paramref name="axis"/>.</summary>
    public static Shape Without(in Shape shape, int axis)
    {
        if (!shape.IsRanked) return shape;
        Span<long> dims = stackalloc long[Shape.MaxRank];
        shape.AsSpan()[..axis].CopyTo(dims);
        shape.AsSpan()[(axis + 1)..].CopyTo(dims[axis..]);
        return new Shape(dims[..(shape.Rank - 1)]);
    }
}
