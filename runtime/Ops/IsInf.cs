namespace EdgeLite.Ops;

/// <summary>True where x is infinite with one of the wanted signs.</summary>
[Operator("IsInf", "X", "Y")]
public sealed partial class IsInf : FloatPredicate
{
    [Attr] public bool DetectNegative { get; set; } = true;
    [Attr] public bool DetectPositive { get; set; } = true;

    protected override bool Holds(double x) =>
        (DetectPositive && double.IsPositiveInfinity(x)) || (DetectNegative && double.IsNegativeInfinity(x));
}
