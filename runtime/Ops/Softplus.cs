namespace EdgeLite.Ops;

/// <summary>y = ln(1 + e^x), in a form that does not overflow.</summary>
[Operator("Softplus", "X", "Y")]
public sealed partial class Softplus : ElementwiseUnary
{
    protected override double Apply(double x) => Math.Max(x, 0) + double.LogP1(Math.Exp(-Math.Abs(x)));
}
