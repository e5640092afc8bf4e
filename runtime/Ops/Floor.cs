namespace EdgeLite.Ops;

/// <summary>The next integer downwards.</summary>
[Operator("Floor", "X", "Y")]
public sealed partial class Floor : ElementwiseUnary
{
    protected override double Apply(double x) => Math.Floor(x);
}
