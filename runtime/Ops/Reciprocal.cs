namespace EdgeLite.Ops;

/// <summary>y = 1 / x.</summary>
[Operator("Reciprocal", "X", "Y")]
public sealed partial class Reciprocal : ElementwiseUnary
{
    protected override double Apply(double x) => 1 / x;
}
