namespace EdgeLite.Ops;

/// <summary>Cosine of x in radians.</summary>
[Operator("Cos", "input", "output")]
public sealed partial class Cos : ElementwiseUnary
{
    protected override double Apply(double x) => Math.Cos(x);
}
