using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>(x - mean) / (standard deviation + 1e-9) over the given axes, by default all but the channels.</summary>
[Operator("MeanVarianceNormalization", "X", "Y")]
public sealed partial class MeanVarianceNormalization : Operator
{
    [Attr] public long[] Axes { get; set; } = [0, 2, 3];

    public override void Infer(InferContext c)
    {
        if (c.Shape(0).IsRanked)
            foreach (long axis in Axes) c.Axis(axis, c.Shape(0).Rank);
        c.SetOutput(0, c.DType(0), c.Shape(0));
    }

    public override void Compute(ComputeContext c)
    {
        Tensor x = c.Input(0), y = c.Output(0);
        Shape kept = x.Shape;
        foreach (long axis in Axes) kept = kept.With((int)(axis < 0 ? axis + kept.Rank : axis), 1);
        long groups = kept.Count;
        double count = groups == 0 ? 0 : (double)x.Count / groups;
        using var sum = new WideBuffer(groups);
        using var square = new WideBuffer(groups);
        unsafe
        {
            for (long i = 0; i < x.Count; i++) sum.P[Broadcasting.Index(i, x.Shape, kept)] += x.GetDouble(i) / count;
            for (long i = 0; i < x.Count; i++)
            {
                long g = Broadcasting.Index(i, x.Shape, kept);
                double d = x.GetDouble(i) - sum.P[g];
                square.P[g] += d * d / count;
            }
            for (long i = 0; i < x.Count; i++)
            {
                long g = Broadcasting.Index(i, x.Shape, kept);
                y.SetDouble(i, (x.GetDouble(i) - sum.P[g]) / (Math.Sqrt(square.P[g]) + 1e-9));
            }
        }
    }
}
