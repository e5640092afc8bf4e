using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>Checks that many shape rules share. An undefined type (not inferred yet) passes.</summary>
internal static class InputChecks
{
    public static void ExpectType(this InferContext c, int i, bool accepted, string expected)
    {
        if (c.HasInput(i) && c.DType(i) != DType.Undefined && !accepted)
            throw c.Error($"input {i} has type {c.DType(i).Name()}, expected {expected}");
    }

    public static void ExpectFloat(this InferContext c, int i) => c.ExpectType(i, c.HasInput(i) && c.DType(i).IsFloat(), "a float type");
    public static void ExpectInteger(this InferContext c, int i) => c.ExpectType(i, c.HasInput(i) && c.DType(i).IsInteger(), "an integer type");
    public static void ExpectBool(this InferContext c, int i) => c.ExpectType(i, c.HasInput(i) && c.DType(i) == DType.Bool, "bool");

    public static void ExpectIndex(this InferContext c, int i) =>
        c.ExpectType(i, c.HasInput(i) && c.DType(i) is DType.Int64 or DType.Int32, "int64 or int32");

    /// <summary>The type that inputs <paramref name="a"/> and <paramref name="b"/> must share.</summary>
    public static DType SameType(this InferContext c, int a, int b)
    {
        DType x = c.DType(a), y = c.DType(b);
        if (x == y || y == DType.Undefined) return x;
        if (x == DType.Undefined) return y;
        throw c.Error($"inputs {a} and {b} must have one type, got {x.Name()} and {y.Name()}");
    }

    /// <summary>Checks the number of elements of an input, where it is known.</summary>
    public static void ExpectCount(this InferContext c, int i, long count)
    {
        if (c.HasInput(i) && c.Shape(i).IsKnown && c.Shape(i).Count != count) throw c.Error($"input {i} has shape {c.Shape(i)}, expected {count} elements");
    }

    /// <summary>Checks the shape of an input, as far as it is known: negative dimensions may be any.</summary>
    public static void ExpectShape(this InferContext c, int i, params ReadOnlySpan<long> dims)
    {
        if (!c.HasInput(i) || !c.Shape(i).IsRanked) return;
        Shape shape = c.Shape(i);
        bool fits = shape.Rank == dims.Length;
        for (int d = 0; fits && d < dims.Length; d++) fits = shape[d] < 0 || dims[d] < 0 || shape[d] == dims[d];
        if (!fits) throw c.Error($"input {i} has shape {shape}, expected {new Shape(dims)}");
    }

    /// <summary>Checks that an input broadcasts to a shape, as far as both are known, and does not make it larger.</summary>
    public static void ExpectBroadcastTo(this InferContext c, int i, Shape full)
    {
        if (!c.HasInput(i) || !c.Shape(i).IsRanked || !full.IsRanked) return;
        Shape part = c.Shape(i);
        bool fits = part.Rank <= full.Rank;
        for (int d = 1; fits && d <= part.Rank; d++)
            fits = part[part.Rank - d] is < 0 or 1 || full[full.Rank - d] < 0 || part[part.Rank - d] == full[full.Rank - d];
        if (!fits) throw c.Error($"input {i} has shape {part}, which does not broadcast to {full}");
    }

    /// <summary>Checks the rank of an input, where it is known.</summary>
    public static void ExpectRank(this InferContext c, int i, int rank)
    {
        if (c.HasInput(i) && c.Shape(i).IsRanked && c.Shape(i).Rank != rank)
            throw c.Error($"input {i} must have {rank} dimension(s), got shape {c.Shape(i)}");
    }

    /// <summary>Checks that an index lies in [-size, size) and counts negative ones from the end.</summary>
    public static long Wrap(this ComputeContext c, long index, long size)
    {
        if (index < -size || index >= size) throw c.Error($"index {index} is outside a dimension of {size}");
        return index < 0 ? index + size : index;
    }

    /// <summary>An axis counted from the end when negative, checked against the rank.</summary>
    public static int Axis(this ComputeContext c, long axis, int rank)
    {
        if (axis < -rank || axis >= rank) throw c.Error($"axis {axis} is outside a tensor of {rank} dimensions");
        return (int)(axis < 0 ? axis + rank : axis);
    }
}
