namespace EdgeLite.Ops;

/// <summary>Arc cosine.</summary>
[Operator("Acos", "input", "output")]
public sealed partial class Acos : ElementwiseUnary
{
    protected override double Apply(double x) => Math.Acos(x);
}
