using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>An operator that maps each element of a float tensor by itself, type and shape unchanged.</summary>
public abstract class ElementwiseUnary : Operator
{
    public override bool CanRunInPlace(int input) => input == 0;

    public override void Infer(InferContext context)
    {
        CheckType(context);
        context.SetOutput(0, context.DType(0), context.Shape(0));
    }

    public override void Compute(ComputeContext context)
    {
        Tensor x = context.Input(0), y = context.Output(0);
        for (long i = 0, n = y.Count; i < n; i++) y.SetDouble(i, Apply(x.GetDouble(i)));
    }

    private protected virtual void CheckType(InferContext context) => context.ExpectFloat(0);

    /// <summary>The function, in double precision; the result is rounded once to the tensor's type.</summary>
    protected abstract double Apply(double x);
}
