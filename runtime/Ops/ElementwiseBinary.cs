using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>An operator on two tensors under NumPy broadcasting.</summary>
public abstract class ElementwiseBinary : Operator
{
    public override bool CanRunInPlace(int input) => true;

    public override void Infer(InferContext context)
    {
        DType type = context.SameType(0, 1);
        CheckTypes(context);
        context.SetOutput(0, ResultType(type), context.Broadcast(context.Shape(0), context.Shape(1)));
    }

    public override void Compute(ComputeContext context)
    {
        Tensor a = context.Input(0), b = context.Input(1), y = context.Output(0);
        var i = StridedCursor.Broadcast(a.Shape, y.Shape);
        var j = StridedCursor.Broadcast(b.Shape, y.Shape);
        for (long k = 0, n = y.Count; k < n; k++, i.Next(), j.Next()) Element(a, i.Offset, b, j.Offset, y, k);
    }

    private protected virtual void CheckTypes(InferContext context) =>
        context.ExpectType(0, context.DType(0).IsFloat() || context.DType(0).IsInteger(), "a number");

    /// <summary>Type of the output for this type of the inputs.</summary>
    protected virtual DType ResultType(DType type) => type;

    /// <summary>Computes element <paramref name="k"/> of the output.</summary>
    protected abstract void Element(Tensor a, long i, Tensor b, long j, Tensor y, long k);
}
