using EdgeLite.Core;

namespace EdgeLite.Ops.Ml;

/// <summary>Maps each element of X[..][features] by a rule of its feature.</summary>
public abstract class FeaturewiseOperator : Operator
{
    /// <summary>The result's type.</summary>
    protected abstract DType Result(DType input);

    /// <summary>How many rules there are: one for all features, or one each.</summary>
    protected abstract int Rules { get; }
    protected abstract double Apply(double x, int rule);

    public override void Infer(InferContext c)
    {
        Shape x = c.Shape(0);
        if (x is { IsRanked: true, Rank: > 0 } && x[x.Rank - 1] >= 0 && Rules != 1 && Rules != x[x.Rank - 1])
            throw c.Error($"{Rules} values are given for {x[x.Rank - 1]} features; expected 1 or as many");
        c.SetOutput(0, Result(c.DType(0)), x);
    }

    public override void Compute(ComputeContext c)
    {
        Tensor x = c.Input(0), y = c.Output(0);
        for (long i = 0; i < x.Count; i++) y.SetDouble(i, Apply(x.GetDouble(i), (int)(i % Rules)));
    }
}
