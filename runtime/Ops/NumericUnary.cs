using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>An elementwise operator on floats and integers; integers are computed exactly and wrap.</summary>
public abstract class NumericUnary : ElementwiseUnary
{
    private protected override void CheckType(InferContext context) =>
        context.ExpectType(0, context.DType(0).IsFloat() || context.DType(0).IsInteger(), "a number");

    public override void Compute(ComputeContext context)
    {
        Tensor x = context.Input(0), y = context.Output(0);
        if (x.DType.IsFloat())
        {
            base.Compute(context);
            return;
        }
        bool isUnsigned = x.DType.IsUnsigned();
        for (long i = 0, n = y.Count; i < n; i++) y.SetInt64(i, Apply(x.GetInt64(i), isUnsigned));
    }

    /// <summary>The function on integers; the bits are those of a uint64 when <paramref name="isUnsigned"/>.</summary>
    protected abstract long Apply(long x, bool isUnsigned);
}
