namespace EdgeLite.Ops;

/// <summary>Hyperbolic sine.</summary>
[Operator("Sinh", "input", "output")]
public sealed partial class Sinh : ElementwiseUnary
{
    protected override double Apply(double x) => Math.Sinh(x);
}
