namespace EdgeLite.Ops;

/// <summary>C = A and B, bit by bit.</summary>
[Operator("BitwiseAnd", "A, B", "C")]
public sealed partial class BitwiseAnd : BitwiseBinary
{
    protected override long Apply(long a, long b) => a & b;
}
