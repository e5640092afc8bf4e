namespace EdgeLite.Ops;

/// <summary>y = 1 / (1 + e^-x).</summary>
[Operator("Sigmoid", "X", "Y")]
public sealed partial class Sigmoid : ElementwiseUnary
{
    protected override double Apply(double x) => 1 / (1 + Math.Exp(-x));
}
