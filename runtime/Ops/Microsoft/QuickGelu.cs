namespace EdgeLite.Ops.Microsoft;

/// <summary>x * sigmoid(alpha * x).</summary>
[Operator("QuickGelu", "X", "Y", Domain = "com.microsoft")]
public sealed partial class QuickGelu : ElementwiseUnary
{
    [Attr] public float Alpha { get; set; } = 1.702f;

    protected override double Apply(double x) => x / (1 + Math.Exp(-Alpha * x));
}
