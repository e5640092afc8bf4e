namespace EdgeLite.Ops;

/// <summary>The nearest integer, halves to even.</summary>
[Operator("Round", "X", "Y")]
public sealed partial class Round : ElementwiseUnary
{
    protected override double Apply(double x) => Math.Round(x, MidpointRounding.ToEven);
}
