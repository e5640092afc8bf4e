namespace EdgeLite.Ops;

/// <summary>Natural logarithm of the sum.</summary>
[Operator("ReduceLogSum", "data, axes?", "reduced")]
public sealed partial class ReduceLogSum : Reduction
{
    protected override bool IsExactOnIntegers => false;
    protected override double Step(double sum, double x) => sum + x;
    protected override double Finish(double sum, long count) => Math.Log(sum);
}
