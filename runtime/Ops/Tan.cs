namespace EdgeLite.Ops;

/// <summary>Tangent of x in radians.</summary>
[Operator("Tan", "input", "output")]
public sealed partial class Tan : ElementwiseUnary
{
    protected override double Apply(double x) => Math.Tan(x);
}
