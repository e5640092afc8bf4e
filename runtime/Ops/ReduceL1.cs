using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>Sum of absolute values.</summary>
[Operator("ReduceL1", "data, axes?", "reduced")]
public sealed partial class ReduceL1 : Reduction
{
    protected override double Step(double sum, double x) => sum + Math.Abs(x);
    protected override long Step(long sum, long x, DType type) => sum + (x < 0 && type.IsSigned() ? -x : x);
}
