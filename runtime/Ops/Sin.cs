namespace EdgeLite.Ops;

/// <summary>Sine of x in radians.</summary>
[Operator("Sin", "input", "output")]
public sealed partial class Sin : ElementwiseUnary
{
    protected override double Apply(double x) => Math.Sin(x);
}
