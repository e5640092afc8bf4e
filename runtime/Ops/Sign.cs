namespace EdgeLite.Ops;

/// <summary>y = -1, 0 or 1 by the sign of x; NaN stays NaN.</summary>
[Operator("Sign", "input", "output")]
public sealed partial class Sign : NumericUnary
{
    protected override double Apply(double x) => x > 0 ? 1 : x < 0 ? -1 : double.IsNaN(x) ? x : 0;
    protected override long Apply(long x, bool isUnsigned) => x == 0 ? 0 : isUnsigned || x > 0 ? 1 : -1;
}
