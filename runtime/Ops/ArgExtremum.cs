using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>The int64 index of the largest or smallest element along an axis; the first of equals unless select_last_index. NaN is both, as in NumPy.</summary>
public abstract class ArgExtremum : Operator
{
    [Attr] public long Axis { get; set; }
    [Attr("keepdims")] public bool KeepDims { get; set; } = true;
    [Attr] public bool SelectLastIndex { get; set; }

    public override void Infer(InferContext context)
    {
        Shape x = context.Shape(0);
        Shape result = x;
        if (x.IsRanked)
        {
            int axis = context.Axis(Axis, x.Rank);
            Span<long> dims = stackalloc long[Shape.MaxRank];
            int rank = 0;
            for (int d = 0; d < x.Rank; d++)
            {
                if (d != axis) dims[rank++] = x[d];
                else if (KeepDims) dims[rank++] = 1;
            }
            if (x[axis] == 0) throw context.Error($"dimension {axis} of {x} is empty");
            result = new Shape(dims[..rank]);
        }
        context.SetOutput(0, DType.Int64, result);
    }

    public override void Compute(ComputeContext context)
    {
        Tensor x = context.Input(0), y = context.Output(0);
        int axis = context.Axis(Axis, x.Shape.Rank);
        long outer = x.Shape.Product(0, axis), dim = x.Shape[axis], inner = x.Shape.Product(axis + 1, x.Shape.Rank);
        for (long o = 0; o < outer; o++)
            for (long i = 0; i < inner; i++)
            {
                long best = 0, start = o * dim * inner + i;
                for (long d = 1; d < dim; d++)
                {
                    long at = start + d * inner, bestAt = start + best * inner;
                    bool wins = Elements.Compare(x, at, x, bestAt) is { } order ? Wins(order) || (order == 0 && SelectLastIndex) : IsNaN(x, at) && (SelectLastIndex || !IsNaN(x, bestAt));
                    if (wins) best = d;
                }
                y.SetInt64(o * inner + i, best);
            }
    }

    private static bool IsNaN(Tensor x, long i) => Elements.Compare(x, i, x, i) == null;

    /// <summary>Whether a candidate of this order against the best so far replaces it.</summary>
    protected abstract bool Wins(int order);
}
