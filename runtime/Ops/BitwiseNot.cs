namespace EdgeLite.Ops;

/// <summary>Every bit of an integer inverted.</summary>
[Operator("BitwiseNot", "X", "Y")]
public sealed partial class BitwiseNot : NumericUnary
{
    private protected override void CheckType(InferContext context) => context.ExpectInteger(0);

    protected override double Apply(double x) => ~(long)x;
    protected override long Apply(long x, bool isUnsigned) => ~x;
}
