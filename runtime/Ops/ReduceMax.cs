using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>The largest element; NaN wins; the smallest value of the type for no elements.</summary>
[Operator("ReduceMax", "data, axes?", "reduced")]
public sealed partial class ReduceMax : Reduction
{
    protected override bool AcceptsBool => true;
    protected override double Start => double.NegativeInfinity;
    protected override double Step(double sum, double x) => Math.Max(sum, x);
    protected override long StartInteger(DType type) => type.IsSigned() ? long.MinValue >> (64 - type.Bits()) : 0;

    protected override long Step(long sum, long x, DType type) =>
        type == DType.UInt64 ? (long)Math.Max((ulong)sum, (ulong)x) : Math.Max(sum, x);
}
