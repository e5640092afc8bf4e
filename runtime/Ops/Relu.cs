namespace EdgeLite.Ops;

/// <summary>y = max(x, 0); NaN stays NaN.</summary>
[Operator("Relu", "X", "Y")]
public sealed partial class Relu : ElementwiseUnary
{
    protected override double Apply(double x) => x < 0 ? 0 : x;
}
