namespace EdgeLite.Ops;

/// <summary>C = A or B, bit by bit.</summary>
[Operator("BitwiseOr", "A, B", "C")]
public sealed partial class BitwiseOr : BitwiseBinary
{
    protected override long Apply(long a, long b) => a | b;
}
