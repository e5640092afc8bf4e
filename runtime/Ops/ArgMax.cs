namespace EdgeLite.Ops;

/// <summary>Index of the largest element along an axis.</summary>
[Operator("ArgMax", "data", "reduced")]
public sealed partial class ArgMax : ArgExtremum
{
    protected override bool Wins(int order) => order > 0;
}
