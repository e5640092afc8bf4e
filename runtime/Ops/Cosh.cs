namespace EdgeLite.Ops;

/// <summary>Hyperbolic cosine.</summary>
[Operator("Cosh", "input", "output")]
public sealed partial class Cosh : ElementwiseUnary
{
    protected override double Apply(double x) => Math.Cosh(x);
}
