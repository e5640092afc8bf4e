namespace EdgeLite.Ops;

/// <summary>Inverse hyperbolic tangent.</summary>
[Operator("Atanh", "input", "output")]
public sealed partial class Atanh : ElementwiseUnary
{
    protected override double Apply(double x) => Math.Atanh(x);
}
