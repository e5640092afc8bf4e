namespace EdgeLite.Ops;

/// <summary>Hyperbolic tangent.</summary>
[Operator("Tanh", "input", "output")]
public sealed partial class Tanh : ElementwiseUnary
{
    protected override double Apply(double x) => Math.Tanh(x);
}
