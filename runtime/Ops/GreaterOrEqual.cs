namespace EdgeLite.Ops;

/// <summary>C = A &gt;= B.</summary>
[Operator("GreaterOrEqual", "A, B", "C")]
public sealed partial class GreaterOrEqual : Comparison
{
    protected override bool Holds(int order) => order >= 0;
}
