namespace EdgeLite.Ops;

/// <summary>Inverse hyperbolic cosine.</summary>
[Operator("Acosh", "input", "output")]
public sealed partial class Acosh : ElementwiseUnary
{
    protected override double Apply(double x) => Math.Acosh(x);
}
