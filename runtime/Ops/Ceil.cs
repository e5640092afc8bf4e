namespace EdgeLite.Ops;

/// <summary>The next integer upwards.</summary>
[Operator("Ceil", "X", "Y")]
public sealed partial class Ceil : ElementwiseUnary
{
    protected override double Apply(double x) => Math.Ceiling(x);
}
