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

    /// <summary>The type that describes both: optional when one is, else the kind of <paramref name="a"/>. Kinds and element types that
    /// exclude each other are for the caller to refuse (<see cref="Exclude"/>).</summary>
    public static TensorType Common(in TensorType a, in TensorType b) =>
        new(a.DType == DType.Undefined ? b.DType : a.DType, Common(a.Shape, b.Shape), a.Kind | b.Kind);

    /// <summary>True when no value is of both types.</summary>
    public static bool Exclude(in TensorType a, in TensorType b) =>
        a.DType != b.DType && a.DType != DType.Undefined && b.DType != DType.Undefined || ((a.Kind ^ b.Kind) & ValueKind.Sequence) != 0;

    /// <summary>The value itself, or where <paramref name="kind"/> says so an optional value that holds it.</summary>
    public static Tensor As(ValueKind kind, Tensor value) => value.Kind == (kind & ~ValueKind.Optional) && value.Kind != kind ? Tensor.Optional(value) : value;

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
