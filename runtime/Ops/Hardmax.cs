using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>1 at the first largest element along an axis, 0 elsewhere.</summary>
[Operator("Hardmax", "input", "output")]
public sealed partial class Hardmax : Operator
{
    [Attr] public long Axis { get; set; } = -1;

    public override void Infer(InferContext context)
    {
        context.ExpectFloat(0);
        if (context.Shape(0).IsRanked) context.Axis(Axis, context.Shape(0).Rank);
        context.SetOutput(0, context.DType(0), context.Shape(0));
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
                    if (x.GetDouble(start + d * inner) > x.GetDouble(start + best * inner)) best = d;
                for (long d = 0; d < dim; d++) y.SetDouble(start + d * inner, d == best ? 1 : 0);
            }
    }
}
