using EdgeLite.Core;

namespace EdgeLite.Ops.Microsoft;

/// <summary>An activation of x plus an optional bias along the last axis.</summary>
public abstract class BiasedActivation : Operator
{
    public override bool CanRunInPlace(int input) => input == 0;

    public override void Infer(InferContext c)
    {
        if (c.HasInput(1) && c.Shape(1).IsRanked && c.Shape(0) is { IsRanked: true, Rank: > 0 } x)
        {
            c.ExpectRank(1, 1);
            c.Unify(c.Shape(1)[0], x[x.Rank - 1], "bias and last dimension differ");
        }
        c.SetOutput(0, c.DType(0), c.Shape(0));
    }

    public override void Compute(ComputeContext c)
    {
        Tensor x = c.Input(0), y = c.Output(0);
        Tensor? bias = c.OptionalInput(1);
        for (long i = 0; i < x.Count; i++) y.SetDouble(i, Apply(x.GetDouble(i) + (bias?.GetDouble(i % bias.Count) ?? 0)));
    }

    protected abstract double Apply(double x);
}
