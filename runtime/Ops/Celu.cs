namespace EdgeLite.Ops;

/// <summary>y = max(0, x) + min(0, alpha * (e^(x / alpha) - 1)) (arXiv 1704.07483).</summary>
[Operator("Celu", "X", "Y")]
public sealed partial class Celu : ElementwiseUnary
{
    [Attr] public float Alpha { get; set; } = 1;

    protected override double Apply(double x) => Math.Max(0, x) + Math.Min(0, Alpha * (Math.Exp(x / Alpha) - 1));
}
