namespace EdgeLite.Ops.Microsoft;

/// <summary>Gelu of A plus the bias B (exact form).</summary>
[Operator("BiasGelu", "A, B", "C", Domain = "com.microsoft")]
public sealed partial class BiasGelu : BiasedActivation
{
    protected override double Apply(double x) => 0.5 * x * (1 + ErrorFunction.Erf(x / Math.Sqrt(2)));
}
