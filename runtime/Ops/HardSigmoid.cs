namespace EdgeLite.Ops;

/// <summary>y = max(0, min(1, alpha * x + beta)).</summary>
[Operator("HardSigmoid", "X", "Y")]
public sealed partial class HardSigmoid : ElementwiseUnary
{
    [Attr] public float Alpha { get; set; } = 0.2f;
    [Attr] public float Beta { get; set; } = 0.5f;

    protected override double Apply(double x) => Math.Max(0, Math.Min(1, Alpha * x + Beta));
}
