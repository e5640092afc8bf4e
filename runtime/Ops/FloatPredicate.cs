using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>An elementwise question about a float: the output is bool.</summary>
public abstract class FloatPredicate : Operator
{
    public override void Infer(InferContext context)
    {
        context.ExpectFloat(0);
        context.SetOutput(0, DType.Bool, context.Shape(0));
    }

    public override void Compute(ComputeContext context)
    {
        Tensor x = context.Input(0), y = context.Output(0);
        for (long i = 0, n = y.Count; i < n; i++) y.SetInt64(i, Holds(x.GetDouble(i)) ? 1 : 0);
    }

    protected abstract bool Holds(double x);
}
