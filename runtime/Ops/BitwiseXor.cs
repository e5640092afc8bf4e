namespace EdgeLite.Ops;

/// <summary>C = A exclusive-or B, bit by bit.</summary>
[Operator("BitwiseXor", "A, B", "C")]
public sealed partial class BitwiseXor : BitwiseBinary
{
    protected override long Apply(long a, long b) => a ^ b;
}
