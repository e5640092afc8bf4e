namespace EdgeLite.Ops;

/// <summary>Loss of log-probabilities.</summary>
[Operator("NegativeLogLikelihoodLoss", "input, target, weight?", "loss")]
public sealed partial class NegativeLogLikelihoodLoss : ClassLoss
{
    public override void Compute(ComputeContext context) => Compute(context, static (x, i) => x.GetDouble(i));
}
