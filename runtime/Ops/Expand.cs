using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>The input broadcast against a shape (both ways: a dimension of 1 in the shape keeps the input's).</summary>
[Operator("Expand", "input, shape", "output")]
public sealed partial class Expand : Operator
{
    public override void Infer(InferContext context)
    {
        Shape result = Shape.Unranked;
        if (context.ConstantInts(1) is { } shape)
        {
            if (Array.Exists(shape, d => d < 0)) throw context.Error("the shape has a negative dimension");
            result = context.Broadcast(context.Shape(0), new Shape(shape));
        }
        else if (context.Shape(0).IsRanked && context.Shape(1).IsKnown)
            result = Shape.OfRank(Math.Max(context.Shape(0).Rank, checked((int)context.Shape(1).Count)));
        context.SetOutput(0, context.DType(0), result);
    }

    public override void Compute(ComputeContext context)
    {
        Tensor x = context.Input(0), y = context.Output(0);
        var from = StridedCursor.Broadcast(x.Shape, y.Shape);
        for (long k = 0, n = y.Count; k < n; k++, from.Next()) Elements.Copy(x, from.Offset, y, k);
    }
}
