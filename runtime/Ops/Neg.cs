namespace EdgeLite.Ops;

/// <summary>y = -x.</summary>
[Operator("Neg", "X", "Y")]
public sealed partial class Neg : NumericUnary
{
    protected override double Apply(double x) => -x;
    protected override long Apply(long x, bool isUnsigned) => -x;
}
