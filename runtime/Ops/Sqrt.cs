namespace EdgeLite.Ops;

/// <summary>Square root; NaN for a negative number.</summary>
[Operator("Sqrt", "X", "Y")]
public sealed partial class Sqrt : ElementwiseUnary
{
    protected override double Apply(double x) => Math.Sqrt(x);
}
