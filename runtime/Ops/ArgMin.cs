namespace EdgeLite.Ops;

/// <summary>Index of the smallest element along an axis.</summary>
[Operator("ArgMin", "data", "reduced")]
public sealed partial class ArgMin : ArgExtremum
{
    protected override bool Wins(int order) => order < 0;
}
