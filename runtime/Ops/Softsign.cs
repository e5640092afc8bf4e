namespace EdgeLite.Ops;

/// <summary>y = x / (1 + |x|).</summary>
[Operator("Softsign", "input", "output")]
public sealed partial class Softsign : ElementwiseUnary
{
    protected override double Apply(double x) => x / (1 + Math.Abs(x));
}
