using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>ln(sum(e^x)), with the maximum taken out first so that nothing overflows.</summary>
[Operator("ReduceLogSumExp", "data, axes?", "reduced")]
public sealed partial class ReduceLogSumExp : Reduction
{
    protected override bool IsExactOnIntegers => false;
    protected override double Step(double sum, double x) => sum + Math.Exp(x);

    private protected override double Fold(Tensor x, StridedCursor at, long count)
    {
        double max = double.NegativeInfinity, sum = 0;
        for (long i = 0; i < count; i++, at.Next()) max = Math.Max(max, x.GetDouble(at.Offset));
        if (double.IsInfinity(max) || double.IsNaN(max)) return max;
        for (long i = 0; i < count; i++, at.Next()) sum += Math.Exp(x.GetDouble(at.Offset) - max);
        return max + Math.Log(sum);
    }
}
