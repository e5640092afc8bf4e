using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>A loss per position, -weight[t] * logp[n, t, ...] for the target class t, reduced by "none", "sum" or "mean" (over the
/// weights of the targets). Positions whose target is ignore_index count nothing. Scores are [N, C, d1 ...], targets [N, d1 ...].</summary>
public abstract class ClassLoss : Operator
{
    [Attr] public long? IgnoreIndex { get; set; }

    /// <summary>"none", "sum" or "mean".</summary>
    [Attr] public string Reduction { get; set; } = "mean";

    public override void Infer(InferContext context)
    {
        if (Reduction is not ("none" or "sum" or "mean")) throw context.Error($"reduction '{Reduction}' is not known");
        context.ExpectFloat(0);
        context.ExpectIndex(1);
        if (context.HasInput(2)) context.SameType(0, 2);
        context.ExpectRank(2, 1);
        Shape x = context.Shape(0), target = context.Shape(1);
        if (x.IsRanked)
        {
            if (x.Rank < 2) throw context.Error($"the scores must be [N, C, ...], got {x}");
            context.ExpectRank(1, x.Rank - 1);
            for (int d = 0; target.IsRanked && d < target.Rank; d++)
                target = target.With(d, context.Unify(target[d], x[d == 0 ? 0 : d + 1], $"dimension {d} of the targets"));
            if (context.HasInput(2) && context.Shape(2).IsRanked) context.Unify(context.Shape(2)[0], x[1], "number of weights and classes");
        }
        context.SetOutput(0, context.DType(0), Reduction == "none" ? target : Shape.Scalar);
    }

    /// <summary>Sums the losses; <paramref name="logProbability"/> gives ln p at an element of the scores.</summary>
    private protected void Compute(ComputeContext context, Func<Tensor, long, double> logProbability)
    {
        Tensor x = context.Input(0), target = context.Input(1);
        Tensor? weights = context.OptionalInput(2), y = context.HasOutput(0) ? context.Output(0) : null;
        long classes = x.Shape[1], inner = x.Shape.Product(2, x.Shape.Rank);
        double total = 0, totalWeight = 0;
        for (long i = 0, n = target.Count; i < n; i++)
        {
            long t = target.GetInt64(i);
            double loss = 0, weight = 0;
            if (t != IgnoreIndex)
            {
                if (t < 0 || t >= classes) throw context.Error($"target {t} is not one of {classes} classes");
                weight = weights?.GetDouble(t) ?? 1;
                loss = -weight * logProbability(x, (i / inner * classes + t) * inner + i % inner);
            }
            total += loss;
            totalWeight += weight;
            if (Reduction == "none") y?.SetDouble(i, loss);
        }
        if (Reduction != "none") y?.SetDouble(0, Reduction == "mean" ? total / totalWeight : total);
    }
}
