namespace EdgeLite.Ops;

/// <summary>Cumulative product along an axis.</summary>
[Operator("CumProd", "x, axis", "y")]
public sealed partial class CumProd : Cumulative
{
    protected override int Start => 1;
    protected override double Step(double sum, double x) => sum * x;
    protected override long Step(long sum, long x) => sum * x;
}
