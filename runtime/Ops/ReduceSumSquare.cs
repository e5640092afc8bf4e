using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>Sum of squares.</summary>
[Operator("ReduceSumSquare", "data, axes?", "reduced")]
public sealed partial class ReduceSumSquare : Reduction
{
    protected override double Step(double sum, double x) => sum + x * x;
    protected override long Step(long sum, long x, DType type) => sum + x * x;
}
