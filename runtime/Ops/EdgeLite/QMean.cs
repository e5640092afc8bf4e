using EdgeLite.Core;

namespace EdgeLite.Ops.EdgeLite;

/// <summary>Mean over the spatial axes, X[n,h,w,c] -> Y[n,c]: <c>y = clamp(requantize(sum(x) - x_zero_point*h*w, multiplier, shift)
/// + y_zero_point)</c>; the multiplier holds the division (<see cref="FixedPoint.QuantizeMean"/>).</summary>
[Operator("QMean", "X", "Y", Domain = "edgelite")]
public sealed partial class QMean : Operator
{
    [Attr] public long XZeroPoint { get; set; }
    [Attr] public long YZeroPoint { get; set; }
    [Attr(Required = true)] public long Multiplier { get; set; }
    [Attr(Required = true)] public long Shift { get; set; }

    public override void Infer(InferContext context)
    {
        Shape x = context.Shape(0);
        if (x.IsRanked && x.Rank != 4) throw context.Error($"X has shape {x}, expected 4 dimensions (NHWC)");
        context.SetOutput(0, context.DType(0), x.IsRanked ? new Shape(x[0], x[3]) : Core.Shape.OfRank(2));
    }

    public override void Compute(ComputeContext context)
    {
        Tensor x = context.Input(0), y = context.Output(0);
        (int min, int max) = FixedPoint.TypeRange(y.DType);
        long hw = x.Shape[1] * x.Shape[2], c = x.Shape[3];
        for (long n = 0; n < x.Shape[0]; n++)
            for (long ch = 0; ch < c; ch++)
            {
                long sum = 0;
                for (long i = 0; i < hw; i++) sum += x.GetInt64((n * hw + i) * c + ch);
                int mean = FixedPoint.Requantize((int)(sum - XZeroPoint * hw), (int)Multiplier, (int)Shift);
                y.SetInt64(n * c + ch, Math.Clamp(mean + YZeroPoint, min, max));
            }
    }
}
