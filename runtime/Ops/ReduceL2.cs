namespace EdgeLite.Ops;

/// <summary>Square root of the sum of squares.</summary>
[Operator("ReduceL2", "data, axes?", "reduced")]
public sealed partial class ReduceL2 : Reduction
{
    protected override bool IsExactOnIntegers => false;
    protected override double Step(double sum, double x) => sum + x * x;
    protected override double Finish(double sum, long count) => Math.Sqrt(sum);
}
