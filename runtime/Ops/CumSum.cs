namespace EdgeLite.Ops;

/// <summary>Cumulative sum along an axis.</summary>
[Operator("CumSum", "x, axis", "y")]
public sealed partial class CumSum : Cumulative
{
    protected override int Start => 0;
    protected override double Step(double sum, double x) => sum + x;
    protected override long Step(long sum, long x) => sum + x;
}
