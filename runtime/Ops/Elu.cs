namespace EdgeLite.Ops;

/// <summary>y = x where x is positive, otherwise alpha * (e^x - 1) (arXiv 1511.07289).</summary>
[Operator("Elu", "X", "Y")]
public sealed partial class Elu : ElementwiseUnary
{
    [Attr] public float Alpha { get; set; } = 1;

    protected override double Apply(double x) => x > 0 ? x : Alpha * Math.Exp(x) - Alpha;
}
