namespace EdgeLite.Ops.Microsoft;

/// <summary>x * Phi(x), exact.</summary>
[Operator("Gelu", "X", "Y", Domain = "com.microsoft")]
public sealed partial class Gelu : ElementwiseUnary
{
    protected override double Apply(double x) => 0.5 * x * (1 + ErrorFunction.Erf(x / Math.Sqrt(2)));
}
