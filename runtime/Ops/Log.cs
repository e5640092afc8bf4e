namespace EdgeLite.Ops;

/// <summary>Natural logarithm.</summary>
[Operator("Log", "input", "output")]
public sealed partial class Log : ElementwiseUnary
{
    protected override double Apply(double x) => Math.Log(x);
}
