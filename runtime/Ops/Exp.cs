namespace EdgeLite.Ops;

/// <summary>y = e^x.</summary>
[Operator("Exp", "input", "output")]
public sealed partial class Exp : ElementwiseUnary
{
    protected override double Apply(double x) => Math.Exp(x);
}
