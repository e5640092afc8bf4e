using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>Arithmetic on two tensors of one number type: floats in double rounded once, integers exact and wrapping.</summary>
public abstract class ArithmeticBinary : ElementwiseBinary
{
    protected override void Element(Tensor a, long i, Tensor b, long j, Tensor y, long k)
    {
        if (y.DType.IsFloat()) y.SetDouble(k, Apply(a.GetDouble(i), b.GetDouble(j)));
        else y.SetInt64(k, Apply(a.GetInt64(i), b.GetInt64(j), y.DType.IsUnsigned()));
    }

    protected abstract double Apply(double a, double b);

    /// <summary>The function on integers; the bits are those of uint64 when <paramref name="isUnsigned"/>.</summary>
    protected abstract long Apply(long a, long b, bool isUnsigned);
}
