using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>A function of the bits of two integer tensors.</summary>
public abstract class BitwiseBinary : ElementwiseBinary
{
    private protected override void CheckTypes(InferContext context) => context.ExpectInteger(0);

    protected override void Element(Tensor a, long i, Tensor b, long j, Tensor y, long k) =>
        y.SetInt64(k, Apply(a.GetInt64(i), b.GetInt64(j)));

    protected abstract long Apply(long a, long b);
}
