namespace EdgeLite.Ops;

/// <summary>C = A &lt;= B.</summary>
[Operator("LessOrEqual", "A, B", "C")]
public sealed partial class LessOrEqual : Comparison
{
    protected override bool Holds(int order) => order <= 0;
}
