using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>An operator that folds the elements along some axes into one: all axes where the axes input is missing or empty
/// (none with noop_with_empty_axes).</summary>
public abstract class Reduction : Operator
{
    [Attr("keepdims")] public bool KeepDims { get; set; } = true;
    [Attr] public bool NoopWithEmptyAxes { get; set; }

    public override void Infer(InferContext context)
    {
        DType type = context.DType(0);
        context.ExpectType(0, type.IsFloat() || type.IsInteger() || (type == DType.Bool && AcceptsBool), "a number");
        context.ExpectIndex(1);
        Shape x = context.Shape(0);
        long[]? axes = context.ConstantInts(1);
        if (!x.IsRanked || (context.HasInput(1) && axes == null))
        {
            bool counted = x.IsRanked && context.Shape(1).IsKnown && context.Shape(1).Count > 0;
            context.SetOutput(0, type, !x.IsRanked ? Shape.Unranked : KeepDims ? Shape.OfRank(x.Rank)
                : counted ? Shape.OfRank(Math.Max(0, x.Rank - (int)context.Shape(1).Count)) : Shape.Unranked);
            return;
        }
        int reduced = axes is { Length: > 0 } ? 0 : NoopWithEmptyAxes ? 0 : ~0;
        foreach (long axis in axes ?? []) reduced |= 1 << context.Axis(axis, x.Rank);
        context.SetOutput(0, type, Reduced(x, reduced, KeepDims));
    }

    public override void Compute(ComputeContext context)
    {
        Tensor x = context.Input(0), y = context.Output(0);
        Tensor? axes = context.OptionalInput(1);
        int rank = x.Shape.Rank, outerRank = 0, innerRank = 0;
        int reduced = axes is { Count: > 0 } ? 0 : NoopWithEmptyAxes ? 0 : ~0;
        for (int i = 0; axes != null && i < axes.Count; i++) reduced |= 1 << context.Axis(axes.GetInt64(i), rank);
        Span<long> strides = stackalloc long[Shape.MaxRank];
        Span<long> outerDims = stackalloc long[Shape.MaxRank], outerStrides = stackalloc long[Shape.MaxRank];
        Span<long> innerDims = stackalloc long[Shape.MaxRank], innerStrides = stackalloc long[Shape.MaxRank];
        StridedCursor.RowMajor(x.Shape.AsSpan(), strides);
        long count = 1;
        for (int d = 0; d < rank; d++)
        {
            if ((reduced >> d & 1) != 0)
            {
                (innerDims[innerRank], innerStrides[innerRank++]) = (x.Shape[d], strides[d]);
                count *= x.Shape[d];
            }
            else (outerDims[outerRank], outerStrides[outerRank++]) = (x.Shape[d], strides[d]);
        }
        var outer = new StridedCursor(outerDims[..outerRank], outerStrides[..outerRank]);
        for (long k = 0, n = y.Count; k < n; k++, outer.Next())
        {
            var inner = new StridedCursor(innerDims[..innerRank], innerStrides[..innerRank], outer.Offset);
            if (x.DType.IsFloat() || !IsExactOnIntegers) y.SetDouble(k, Fold(x, inner, count));
            else y.SetInt64(k, FoldIntegers(x, inner, count));
        }
    }

    /// <summary>Whether bool is a type of this operator.</summary>
    protected virtual bool AcceptsBool => false;

    /// <summary>Whether integers are folded as integers by <see cref="Step(long, long, DType)"/>.</summary>
    protected virtual bool IsExactOnIntegers => true;

    protected virtual double Start => 0;
    protected abstract double Step(double sum, double x);
    protected virtual double Finish(double sum, long count) => sum;

    protected virtual long StartInteger(DType type) => 0;
    protected virtual long Step(long sum, long x, DType type) => sum;

    /// <summary>Folds <paramref name="count"/> elements that the cursor walks over.</summary>
    private protected virtual double Fold(Tensor x, StridedCursor at, long count)
    {
        double sum = Start;
        for (long i = 0; i < count; i++, at.Next()) sum = Step(sum, x.GetDouble(at.Offset));
        return Finish(sum, count);
    }

    private long FoldIntegers(Tensor x, StridedCursor at, long count)
    {
        long sum = StartInteger(x.DType);
        for (long i = 0; i < count; i++, at.Next()) sum = Step(sum, x.GetInt64(at.Offset), x.DType);
        return sum;
    }

    /// <summary>A shape without (or with 1 for) the dimensions whose bit is set.</summary>
    private protected static Shape Reduced(Shape x, int reduced, bool keepDims)
    {
        Span<long> dims = stackalloc long[Shape.MaxRank];
        int rank = 0;
        for (int d = 0; d < x.Rank; d++)
        {
            if ((reduced >> d & 1) == 0) dims[rank++] = x[d];
            else if (keepDims) dims[rank++] = 1;
        }
        return new Shape(dims[..rank]);
    }
}
