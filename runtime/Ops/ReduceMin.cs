using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>The smallest element; NaN wins; the largest value of the type for no elements.</summary>
[Operator("ReduceMin", "data, axes?", "reduced")]
public sealed partial class ReduceMin : Reduction
{
    protected override bool AcceptsBool => true;
    protected override double Start => double.PositiveInfinity;
    protected override double Step(double sum, double x) => Math.Min(sum, x);

    protected override long StartInteger(DType type) =>
        type == DType.Bool ? 1 : (long)(ulong.MaxValue >> (64 - type.Bits()) >> (type.IsSigned() ? 1 : 0));

    protected override long Step(long sum, long x, DType type) =>
        type == DType.UInt64 ? (long)Math.Min((ulong)sum, (ulong)x) : Math.Min(sum, x);
}
