namespace EdgeLite.Ops;

/// <summary>Arc sine.</summary>
[Operator("Asin", "input", "output")]
public sealed partial class Asin : ElementwiseUnary
{
    protected override double Apply(double x) => Math.Asin(x);
}
