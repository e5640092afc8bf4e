namespace EdgeLite.Ops;

/// <summary>C = A &gt; B.</summary>
[Operator("Greater", "A, B", "C")]
public sealed partial class Greater : Comparison
{
    protected override bool Holds(int order) => order > 0;
}
