using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>The slices along an axis (or the elements of the flattened input) where the condition is true.</summary>
[Operator("Compress", "input, condition", "output")]
public sealed partial class Compress : Operator
{
    [Attr] public long? Axis { get; set; }

    public override bool HasDataDependentShape => true;

    public override void Infer(InferContext context)
    {
        context.ExpectBool(1);
        context.ExpectRank(1, 1);
        Shape x = context.Shape(0);
        if (Axis is { } axis) context.SetOutput(0, context.DType(0), x.IsRanked ? x.With(context.Axis(axis, x.Rank), Shape.Unknown) : x);
        else context.SetOutput(0, context.DType(0), Shape.OfRank(1));
    }

    public override void Compute(ComputeContext context)
    {
        Tensor x = context.Input(0), condition = context.Input(1);
        int axis = Axis is { } a ? context.Axis(a, x.Shape.Rank) : 0;
        long outer = Axis == null ? 1 : x.Shape.Product(0, axis), dim = Axis == null ? x.Count : x.Shape[axis];
        long inner = Axis == null ? 1 : x.Shape.Product(axis + 1, x.Shape.Rank), limit = Math.Min(dim, condition.Count), kept = 0;
        for (long d = 0; d < limit; d++) kept += condition.GetInt64(d);
        Tensor y = context.Allocate(0, x.DType, Axis == null ? new Shape(kept) : x.Shape.With(axis, kept));
        long next = 0;
        for (long d = 0; d < limit; d++)
        {
            if (condition.GetInt64(d) == 0) continue;
            for (long o = 0; o < outer; o++) Elements.Copy(x, (o * dim + d) * inner, y, (o * kept + next) * inner, inner);
            next++;
        }
    }
}
