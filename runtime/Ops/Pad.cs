using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>Elements added (or, with negative pads, removed) at the edges: a constant, the edge element, the reflection about
/// the edge element, or the other side (wrap).</summary>
[Operator("Pad", "data, pads, constant_value?, axes?", "output")]
public sealed partial class Pad : Operator
{
    /// <summary>"constant", "reflect", "edge" or "wrap".</summary>
    [Attr] public string Mode { get; set; } = "constant";

    public override void Infer(InferContext context)
    {
        if (Mode is not ("constant" or "reflect" or "edge" or "wrap")) throw context.Error($"mode '{Mode}' is not known");
        if (context.HasInput(2)) context.SameType(0, 2);
        Shape x = context.Shape(0);
        long[]? pads = context.ConstantInts(1), axes = context.ConstantInts(3);
        if (x.IsRanked && (pads == null || (axes == null && context.HasInput(3)))) x = Shape.OfRank(x.Rank);
        else if (x.IsRanked)
        {
            int count = axes?.Length ?? x.Rank;
            if (pads!.Length != 2 * count) throw context.Error($"pads has {pads.Length} entries, expected {2 * count}");
            for (int i = 0; i < count; i++)
            {
                int axis = context.Axis(axes?[i] ?? i, x.Rank);
                long extra = pads[i] + pads[count + i];
                if (extra == 0) continue;
                if (x[axis] >= 0 && x[axis] + extra < 0) throw context.Error($"pads remove more than dimension {axis} of {x} has");
                if (x[axis] == 0 && extra > 0 && Mode != "constant") throw context.Error($"dimension {axis} is empty and cannot be padded by mode {Mode}");
                x = x.With(axis, x[axis] < 0 ? Shape.Unknown : x[axis] + extra);
            }
        }
        context.SetOutput(0, context.DType(0), x);
    }

    public override void Compute(ComputeContext context)
    {
        Tensor x = context.Input(0), y = context.Output(0), pads = context.Input(1);
        Tensor? value = context.OptionalInput(2), axes = context.OptionalInput(3);
        int rank = x.Shape.Rank, count = (int)(axes?.Count ?? rank);
        Span<long> strides = stackalloc long[Shape.MaxRank], before = stackalloc long[Shape.MaxRank], zero = stackalloc long[Shape.MaxRank];
        StridedCursor.RowMajor(x.Shape.AsSpan(), strides);
        before.Clear();
        zero.Clear();
        for (int i = 0; i < count; i++) before[context.Axis(axes?.GetInt64(i) ?? i, rank)] = pads.GetInt64(i);
        var at = new StridedCursor(y.Shape.AsSpan(), zero[..rank]);
        for (long k = 0, n = y.Count; k < n; k++, at.Next())
        {
            long from = 0;
            for (int d = 0; d < rank && from >= 0; d++)
            {
                long source = Source(at.Index(d) - before[d], x.Shape[d]);
                from = source < 0 ? -1 : from + source * strides[d];
            }
            if (from >= 0) Elements.Copy(x, from, y, k);
            else if (value != null) Elements.Copy(value, 0, y, k);
            else Elements.Clear(y, k);
        }
    }

    /// <summary>Where coordinate <paramref name="i"/> (may lie outside) reads from; -1 for the constant.</summary>
    internal long Source(long i, long size)
    {
        if (i >= 0 && i < size) return i;
        switch (Mode)
        {
            case "edge": return Math.Clamp(i, 0, size - 1);
            case "wrap": return (i % size + size) % size;
            case "reflect":
                if (size == 1) return 0;
                long period = 2 * (size - 1);
                i = (i % period + period) % period;
                return i < size ? i : period - i;
            default: return -1;
        }
    }
}
