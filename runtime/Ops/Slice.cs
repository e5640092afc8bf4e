using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>A strided box of the input: starts, ends (exclusive, clamped), axes and steps (negative steps go backwards).</summary>
[Operator("Slice", "data, starts, ends, axes?, steps?", "output")]
public sealed partial class Slice : Operator
{
    public override void Infer(InferContext context)
    {
        for (int i = 1; i <= 4; i++) context.ExpectIndex(i);
        Shape x = context.Shape(0);
        if (!x.IsRanked)
        {
            context.SetOutput(0, context.DType(0), x);
            return;
        }
        long[]? starts = context.ConstantInts(1), ends = context.ConstantInts(2), axes = context.ConstantInts(3), steps = context.ConstantInts(4);
        long count = axes?.Length ?? (context.Shape(1).IsKnown ? context.Shape(1).Count : -1);
        if ((axes == null && context.HasInput(3)) || count < 0)
        {
            context.SetOutput(0, context.DType(0), Shape.OfRank(x.Rank));
            return;
        }
        if (count > x.Rank || (starts != null && starts.Length != count) || (ends != null && ends.Length != count) || (steps != null && steps.Length != count))
            throw context.Error($"starts, ends, axes and steps must have one length, at most {x.Rank}");
        for (int i = 0; i < count; i++)
        {
            int axis = context.Axis(axes?[i] ?? i, x.Rank);
            long dim = x[axis], size = Shape.Unknown;
            long? step = steps != null ? steps[i] : context.HasInput(4) ? null : 1;
            if (step == 0) throw context.Error("a step is 0");
            if (starts != null && ends != null && step is { } s)
            {
                if (dim >= 0) size = Extent(starts[i], ends[i], s, dim).Size;
                else if (s == 1 && starts[i] == 0 && ends[i] >= int.MaxValue) size = dim;
                else if (s == -1 && starts[i] == -1 && ends[i] <= -int.MaxValue) size = dim;
                else if (s > 0 && starts[i] >= ends[i] && starts[i] < 0 == ends[i] < 0) size = 0;
            }
            x = x.With(axis, size);
        }
        context.SetOutput(0, context.DType(0), x);
    }

    public override void Compute(ComputeContext context)
    {
        Tensor x = context.Input(0), y = context.Output(0), starts = context.Input(1), ends = context.Input(2);
        Tensor? axes = context.OptionalInput(3), steps = context.OptionalInput(4);
        int rank = x.Shape.Rank;
        Span<long> strides = stackalloc long[Shape.MaxRank];
        StridedCursor.RowMajor(x.Shape.AsSpan(), strides);
        long origin = 0;
        for (int i = 0; i < starts.Count; i++)
        {
            int axis = context.Axis(axes?.GetInt64(i) ?? i, rank);
            long step = steps?.GetInt64(i) ?? 1;
            origin += Extent(starts.GetInt64(i), ends.GetInt64(i), step, x.Shape[axis]).Start * strides[axis];
            strides[axis] *= step;
        }
        var from = new StridedCursor(y.Shape.AsSpan(), strides[..rank], origin);
        for (long k = 0, n = y.Count; k < n; k++, from.Next()) Elements.Copy(x, from.Offset, y, k);
    }

    /// <summary>The first index that is taken of a dimension, and how many are.</summary>
    internal static (long Start, long Size) Extent(long start, long end, long step, long dim)
    {
        if (start < 0) start += dim;
        if (end < 0) end = end < -dim ? -1 : end + dim;
        if (step > 0)
        {
            start = Math.Clamp(start, 0, dim);
            end = Math.Clamp(end, 0, dim);
            return (start, end > start ? (end - start - 1) / step + 1 : 0);
        }
        if (dim == 0) return (0, 0);
        start = Math.Clamp(start, 0, dim - 1);
        end = Math.Clamp(end, -1, dim - 1);
        return (start, start > end ? (step == long.MinValue ? 1 : (start - end - 1) / -step + 1) : 0);
    }
}
