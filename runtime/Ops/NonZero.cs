using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>The coordinates of the elements that are not zero: int64 [rank, count], in row-major order.</summary>
[Operator("NonZero", "X", "Y")]
public sealed partial class NonZero : Operator
{
    public override bool HasDataDependentShape => true;

    public override void Infer(InferContext context) =>
        context.SetOutput(0, DType.Int64, context.Shape(0).IsRanked ? new Shape(context.Shape(0).Rank, Shape.Unknown) : Shape.OfRank(2));

    public override void Compute(ComputeContext context)
    {
        Tensor x = context.Input(0), parts = Elements.Parts(x);
        int rank = x.Shape.Rank;
        long count = 0;
        for (long i = 0; i < x.Count; i++) count += IsZero(x, parts, i) ? 0 : 1;
        Tensor y = context.Allocate(0, DType.Int64, new Shape(rank, count));
        Span<long> zero = stackalloc long[Shape.MaxRank];
        zero.Clear();
        var at = new StridedCursor(x.Shape.AsSpan(), zero[..rank]);
        long next = 0;
        for (long i = 0; i < x.Count; i++, at.Next())
        {
            if (IsZero(x, parts, i)) continue;
            for (int d = 0; d < rank; d++) y.SetInt64(d * count + next, at.Index(d));
            next++;
        }
    }

    private static bool IsZero(Tensor x, Tensor parts, long i) =>
        x != parts ? parts.GetDouble(2 * i) == 0 && parts.GetDouble(2 * i + 1) == 0 : x.DType == DType.String ? x.Strings![i].Length == 0 : x.DType.IsFloat() ? x.GetDouble(i) == 0 : x.GetInt64(i) == 0;
}
