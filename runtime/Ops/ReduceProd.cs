using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>Product; 1 for no elements.</summary>
[Operator("ReduceProd", "data, axes?", "reduced")]
public sealed partial class ReduceProd : Reduction
{
    protected override double Start => 1;
    protected override double Step(double sum, double x) => sum * x;
    protected override long StartInteger(DType type) => 1;
    protected override long Step(long sum, long x, DType type) => sum * x;
}
