using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>Inserts dimensions of size 1; axes count in the result.</summary>
[Operator("Unsqueeze", "data, axes", "expanded")]
public sealed partial class Unsqueeze : ViewOperator
{
    public override void Infer(InferContext context)
    {
        Shape x = context.Shape(0);
        if (!x.IsRanked || context.ConstantInts(1) is not { } axes)
        {
            bool counted = x.IsRanked && context.Shape(1).IsKnown;
            context.SetOutput(0, context.DType(0), counted ? Shape.OfRank(x.Rank + (int)context.Shape(1).Count) : Shape.Unranked);
            return;
        }
        int rank = x.Rank + axes.Length;
        if (rank > Shape.MaxRank) throw context.Error($"the result would have {rank} dimensions, at most {Shape.MaxRank} are supported");
        int places = 0;
        foreach (long axis in axes)
        {
            int place = 1 << context.Axis(axis, rank);
            if ((places & place) != 0) throw context.Error($"axis {axis} is given twice");
            places |= place;
        }
        Span<long> dims = stackalloc long[Shape.MaxRank];
        for (int i = 0, next = 0; i < rank; i++) dims[i] = (places >> i & 1) != 0 ? 1 : x[next++];
        context.SetOutput(0, context.DType(0), new Shape(dims[..rank]));
    }
}
