namespace EdgeLite.Ops;

/// <summary>Arithmetic mean; integers truncate.</summary>
[Operator("ReduceMean", "data, axes?", "reduced")]
public sealed partial class ReduceMean : Reduction
{
    protected override bool IsExactOnIntegers => false;
    protected override double Step(double sum, double x) => sum + x;
    protected override double Finish(double sum, long count) => sum / count;
}
