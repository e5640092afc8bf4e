namespace EdgeLite.Ops;

/// <summary>Inverse hyperbolic sine.</summary>
[Operator("Asinh", "input", "output")]
public sealed partial class Asinh : ElementwiseUnary
{
    protected override double Apply(double x) => Math.Asinh(x);
}
