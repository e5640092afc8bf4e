namespace EdgeLite.Ops;

/// <summary>y = x * sigmoid(alpha * x) (arXiv 1710.05941).</summary>
[Operator("Swish", "X", "Y")]
public sealed partial class Swish : ElementwiseUnary
{
    [Attr] public float Alpha { get; set; } = 1;

    protected override double Apply(double x) => x / (1 + Math.Exp(-Alpha * x));
}
