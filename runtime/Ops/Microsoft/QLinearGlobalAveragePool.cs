using EdgeLite.Core;

namespace EdgeLite.Ops.Microsoft;

/// <summary>Mean of each channel's plane of a quantized tensor: X[n][c][spatial..], or channels last.</summary>
[Operator("QLinearGlobalAveragePool", "X, x_scale, x_zero_point, y_scale, y_zero_point", "Y", Domain = "com.microsoft")]
public sealed partial class QLinearGlobalAveragePool : Operator
{
    [Attr] public bool ChannelsLast { get; set; }

    public override void Infer(InferContext c)
    {
        Shape y = c.Shape(0);
        for (int i = 1; y.IsRanked && i < y.Rank; i++)
            if (i != (ChannelsLast ? y.Rank - 1 : 1)) y = y.With(i, 1);
        c.SetOutput(0, c.DType(0), y);
    }

    public override void Compute(ComputeContext c)
    {
        Tensor x = c.Input(0), y = c.Output(0);
        int rank = x.Shape.Rank;
        long channels = x.Shape[ChannelsLast ? rank - 1 : 1], plane = ChannelsLast ? x.Shape.Product(1, rank - 1) : x.Shape.Product(2, rank);
        double scale = c.Input(1).GetDouble(0) / c.Input(3).GetDouble(0);
        for (long i = 0; i < y.Count; i++)
        {
            long first = ChannelsLast ? i / channels * plane * channels + i % channels : i * plane, step = ChannelsLast ? channels : 1;
            double sum = 0;
            for (long p = 0; p < plane; p++) sum += x.GetDouble(first + p * step) - c.Input(2).GetDouble(0);
            Quantization.StoreRounded(y, i, sum / plane * scale, c.Input(4).GetDouble(0));
        }
    }
}
