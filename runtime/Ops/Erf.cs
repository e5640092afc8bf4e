namespace EdgeLite.Ops;

/// <summary>The Gauss error function.</summary>
[Operator("Erf", "input", "output")]
public sealed partial class Erf : ElementwiseUnary
{
    protected override double Apply(double x) => ErrorFunction.Erf(x);
}
