using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>Sum; 0 for no elements.</summary>
[Operator("ReduceSum", "data, axes?", "reduced")]
public sealed partial class ReduceSum : Reduction
{
    protected override double Step(double sum, double x) => sum + x;
    protected override long Step(long sum, long x, DType type) => sum + x;
}
