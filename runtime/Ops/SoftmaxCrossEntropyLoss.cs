using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>Loss of scores whose softmax over the classes (axis 1) are the probabilities; optionally their logarithms too.</summary>
[Operator("SoftmaxCrossEntropyLoss", "scores, labels, weights?", "output, log_prob?")]
public sealed partial class SoftmaxCrossEntropyLoss : ClassLoss
{
    public override void Infer(InferContext context)
    {
        base.Infer(context);
        context.SetOutput(1, context.DType(0), context.Shape(0));
    }

    public override void Compute(ComputeContext context)
    {
        Compute(context, LogSoftmaxAt);
        if (!context.HasOutput(1)) return;
        Tensor x = context.Input(0), y = context.Output(1);
        for (long i = 0, n = y.Count; i < n; i++) y.SetDouble(i, LogSoftmaxAt(x, i));
    }

    /// <summary>x[i] - ln(sum over classes of e^x), the maximum taken out first.</summary>
    private static double LogSoftmaxAt(Tensor x, long i)
    {
        long classes = x.Shape[1], inner = x.Shape.Product(2, x.Shape.Rank);
        long start = i / (classes * inner) * classes * inner + i % inner;
        double max = double.NegativeInfinity, sum = 0;
        for (long c = 0; c < classes; c++) max = Math.Max(max, x.GetDouble(start + c * inner));
        for (long c = 0; c < classes; c++) sum += Math.Exp(x.GetDouble(start + c * inner) - max);
        return x.GetDouble(i) - max - Math.Log(sum);
    }
}
