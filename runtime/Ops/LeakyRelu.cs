namespace EdgeLite.Ops;

/// <summary>y = x where x is not negative, otherwise alpha * x.</summary>
[Operator("LeakyRelu", "X", "Y")]
public sealed partial class LeakyRelu : ElementwiseUnary
{
    [Attr] public float Alpha { get; set; } = 0.01f;

    protected override double Apply(double x) => x < 0 ? Alpha * x : x;
}
