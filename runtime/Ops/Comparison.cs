using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>Compares two tensors elementwise; a comparison with NaN is false.</summary>
public abstract class Comparison : ElementwiseBinary
{
    public override bool CanRunInPlace(int input) => false;

    protected override DType ResultType(DType type) => DType.Bool;

    protected override void Element(Tensor a, long i, Tensor b, long j, Tensor y, long k) =>
        y.SetInt64(k, Elements.Compare(a, i, b, j) is { } order && Holds(order) ? 1 : 0);

    /// <summary>Whether the relation holds for this sign of a - b.</summary>
    protected abstract bool Holds(int order);
}
