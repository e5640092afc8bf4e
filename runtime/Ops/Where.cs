using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>output = X where condition, otherwise Y; all three broadcast.</summary>
[Operator("Where", "condition, X, Y", "output")]
public sealed partial class Where : Operator
{
    public override bool CanRunInPlace(int input) => input != 0;

    public override void Infer(InferContext context)
    {
        context.ExpectBool(0);
        context.SetOutput(0, context.SameType(1, 2),
            context.Broadcast(context.Broadcast(context.Shape(0), context.Shape(1)), context.Shape(2)));
    }

    public override void Compute(ComputeContext context)
    {
        Tensor condition = context.Input(0), x = context.Input(1), y = context.Input(2), z = context.Output(0);
        var h = StridedCursor.Broadcast(condition.Shape, z.Shape);
        var i = StridedCursor.Broadcast(x.Shape, z.Shape);
        var j = StridedCursor.Broadcast(y.Shape, z.Shape);
        for (long k = 0, n = z.Count; k < n; k++, h.Next(), i.Next(), j.Next())
        {
            if (condition.GetInt64(h.Offset) != 0) Elements.Copy(x, i.Offset, z, k);
            else Elements.Copy(y, j.Offset, z, k);
        }
    }
}
