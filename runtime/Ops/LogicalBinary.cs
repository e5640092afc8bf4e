using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>A boolean function of two bool tensors.</summary>
public abstract class LogicalBinary : ElementwiseBinary
{
    private protected override void CheckTypes(InferContext context) => context.ExpectBool(0);

    protected override void Element(Tensor a, long i, Tensor b, long j, Tensor y, long k) =>
        y.SetInt64(k, Apply(a.GetInt64(i) != 0, b.GetInt64(j) != 0) ? 1 : 0);

    protected abstract bool Apply(bool a, bool b);
}
