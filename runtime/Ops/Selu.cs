namespace EdgeLite.Ops;

/// <summary>Scaled exponential linear unit: gamma * elu(x) (arXiv 1706.02515).</summary>
[Operator("Selu", "X", "Y")]
public sealed partial class Selu : ElementwiseUnary
{
    [Attr] public float Alpha { get; set; } = 1.67326319217681884765625f;
    [Attr] public float Gamma { get; set; } = 1.05070102214813232421875f;

    protected override double Apply(double x) => Gamma * (x > 0 ? x : Alpha * Math.Exp(x) - Alpha);
}
