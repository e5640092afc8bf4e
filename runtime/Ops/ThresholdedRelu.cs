namespace EdgeLite.Ops;

/// <summary>y = x where x exceeds alpha, otherwise 0.</summary>
[Operator("ThresholdedRelu", "X", "Y")]
public sealed partial class ThresholdedRelu : ElementwiseUnary
{
    [Attr] public float Alpha { get; set; } = 1;

    protected override double Apply(double x) => x > Alpha ? x : 0;
}
