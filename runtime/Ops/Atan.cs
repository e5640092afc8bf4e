namespace EdgeLite.Ops;

/// <summary>Arc tangent.</summary>
[Operator("Atan", "input", "output")]
public sealed partial class Atan : ElementwiseUnary
{
    protected override double Apply(double x) => Math.Atan(x);
}
