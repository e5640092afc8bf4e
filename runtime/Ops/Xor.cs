namespace EdgeLite.Ops;

/// <summary>C = A exclusive-or B.</summary>
[Operator("Xor", "A, B", "C")]
public sealed partial class Xor : LogicalBinary
{
    protected override bool Apply(bool a, bool b) => a ^ b;
}
