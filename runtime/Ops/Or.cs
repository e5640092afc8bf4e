namespace EdgeLite.Ops;

/// <summary>C = A or B.</summary>
[Operator("Or", "A, B", "C")]
public sealed partial class Or : LogicalBinary
{
    protected override bool Apply(bool a, bool b) => a | b;
}
