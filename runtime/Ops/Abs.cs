namespace EdgeLite.Ops;

/// <summary>y = |x|.</summary>
[Operator("Abs", "X", "Y")]
public sealed partial class Abs : NumericUnary
{
    protected override double Apply(double x) => Math.Abs(x);
    protected override long Apply(long x, bool isUnsigned) => isUnsigned || x >= 0 ? x : -x;
}
