namespace EdgeLite.Ops;

/// <summary>C = A and B.</summary>
[Operator("And", "A, B", "C")]
public sealed partial class And : LogicalBinary
{
    protected override bool Apply(bool a, bool b) => a & b;
}
