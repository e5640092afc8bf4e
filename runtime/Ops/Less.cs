namespace EdgeLite.Ops;

/// <summary>C = A &lt; B.</summary>
[Operator("Less", "A, B", "C")]
public sealed partial class Less : Comparison
{
    protected override bool Holds(int order) => order < 0;
}
