namespace EdgeLite.Ops;

/// <summary>y = x * tanh(softplus(x)) (arXiv 1908.08681).</summary>
[Operator("Mish", "X", "Y")]
public sealed partial class Mish : ElementwiseUnary
{
    protected override double Apply(double x) => x * Math.Tanh(Math.Max(x, 0) + double.LogP1(Math.Exp(-Math.Abs(x))));
}
