namespace EdgeLite.Ops;

/// <summary>y = x * max(0, min(1, x / 6 + 1 / 2)) (arXiv 1905.02244).</summary>
[Operator("HardSwish", "X", "Y")]
public sealed partial class HardSwish : ElementwiseUnary
{
    protected override double Apply(double x) => x * Math.Max(0, Math.Min(1, x / 6 + 0.5));
}
