using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>
/// Convolution of quantized tensors: y = saturate(round_half_even(sum * x_scale * w_scale / y_scale) + y_zero_point), where the
/// sum runs over (x - x_zero_point) * (w - w_zero_point) plus the int32 bias, whose scale is x_scale * w_scale.
/// </summary>
[Operator("QLinearConv", "x, x_scale, x_zero_point, w, w_scale, w_zero_point, y_scale, y_zero_point, B?", "y")]
public sealed partial class QLinearConv : ConvolutionOperator
{
    public override void Infer(InferContext c) => InferConvolution(c, 0, 3, c.DType(7));

    public override void Compute(ComputeContext c) => Convolve(c, c.Input(0), c.Input(3));

    protected override double InputZeroPoint(ComputeContext c) => c.Input(2).GetDouble(0);

    protected override double WeightZeroPoint(ComputeContext c, long channel) => PerChannel(c.Input(5), channel);

    protected override void Store(ComputeContext c, long channel, long index, double sum)
    {
        if (c.HasInput(8)) sum += c.Input(8).GetDouble(channel);
        float scale = (float)c.Input(1).GetDouble(0) * (float)PerChannel(c.Input(4), channel) / (float)c.Input(6).GetDouble(0);
        Quantization.StoreRounded(c.Output(0), index, (float)sum * scale, c.Input(7).GetDouble(0));
    }

    private static double PerChannel(Tensor t, long channel) => t.GetDouble(t.Count == 1 ? 0 : channel);
}
