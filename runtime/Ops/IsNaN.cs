namespace EdgeLite.Ops;

/// <summary>True where x is NaN.</summary>
[Operator("IsNaN", "X", "Y")]
public sealed partial class IsNaN : FloatPredicate
{
    protected override bool Holds(double x) => double.IsNaN(x);
}
