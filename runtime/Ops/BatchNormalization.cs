using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>
/// y = (x - mean) / sqrt(variance + epsilon) * scale + B for each channel (arXiv 1502.03167). Training mode takes mean and
/// (population) variance from the batch and returns running values: running * momentum + batch * (1 - momentum).
/// </summary>
[Operator("BatchNormalization", "X, scale, B, input_mean, input_var", "Y, running_mean?, running_var?")]
public sealed partial class BatchNormalization : Operator
{
    [Attr] public float Epsilon { get; set; } = 1e-5f;
    [Attr] public float Momentum { get; set; } = 0.9f;
    [Attr] public bool TrainingMode { get; set; }

    /// <summary>Extension: X and Y have their channels last.</summary>
    [Attr] public bool ChannelsLast { get; set; }

    public override void Infer(InferContext c)
    {
        Shape x = c.Shape(0);
        c.SetOutput(0, c.DType(0), x);
        c.SetOutput(1, c.DType(3), c.Shape(3));
        c.SetOutput(2, c.DType(4), c.Shape(4));
        if (!x.IsRanked) return;
        if (x.Rank < 1) throw c.Error("input is a scalar; expected batch and channels");
        long channels = x.Rank == 1 ? 1 : x[ChannelsLast ? x.Rank - 1 : 1];
        for (int i = 1; i < 5; i++) c.ExpectShape(i, channels);
    }

    public override void Compute(ComputeContext c)
    {
        Tensor x = c.Input(0), y = c.Output(0);
        Shape s = x.Shape;
        long channels = s.Rank == 1 ? 1 : s[ChannelsLast ? s.Rank - 1 : 1];
        long inner = ChannelsLast || s.Rank == 1 ? 1 : s.Product(2, s.Rank);
        for (long ch = 0; ch < channels; ch++)
        {
            double mean = c.Input(3).GetDouble(ch), variance = c.Input(4).GetDouble(ch);
            if (TrainingMode)
            {
                double oldMean = mean, oldVariance = variance;
                (mean, variance) = Statistics(x, ch, channels, inner);
                if (c.HasOutput(1)) c.Output(1).SetDouble(ch, oldMean * Momentum + mean * (1 - Momentum));
                if (c.HasOutput(2)) c.Output(2).SetDouble(ch, oldVariance * Momentum + variance * (1 - Momentum));
            }
            double factor = c.Input(1).GetDouble(ch) / Math.Sqrt(variance + Epsilon), bias = c.Input(2).GetDouble(ch);
            for (long first = ch * inner; first < x.Count; first += channels * inner)
                for (long i = first; i < first + inner; i++) y.SetDouble(i, (x.GetDouble(i) - mean) * factor + bias);
        }
        if (TrainingMode) return;
        if (c.HasOutput(1)) c.Input(3).CopyTo(c.Output(1));
        if (c.HasOutput(2)) c.Input(4).CopyTo(c.Output(2));
    }

    private static (double Mean, double Variance) Statistics(Tensor x, long ch, long channels, long inner)
    {
        double sum = 0, square = 0;
        long n = x.Count / channels;
        for (long first = ch * inner; first < x.Count; first += channels * inner)
            for (long i = first; i < first + inner; i++) sum += x.GetDouble(i);
        double mean = sum / n;
        for (long first = ch * inner; first < x.Count; first += channels * inner)
            for (long i = first; i < first + inner; i++) square += (x.GetDouble(i) - mean) * (x.GetDouble(i) - mean);
        return (mean, square / n);
    }
}
