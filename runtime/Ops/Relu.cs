namespace EdgeLite.Ops;

/// <summary>y = max(x, 0); NaN stays NaN.</summary>
[Operator("Relu", "X", "Y")]
public sealed partial class Relu : NumericUnary
{
    protected override double Apply(double x) => x < 0 ? 0 : x;
    protected override long Apply(long x, bool isUnsigned) => isUnsigned ? x : Math.Max(x, 0);
}
