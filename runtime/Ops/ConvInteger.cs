using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>Convolution of 8-bit integers less their zero points, accumulated in int32. Padding contributes zero, that is, holds
/// the input's zero point.</summary>
[Operator("ConvInteger", "x, w, x_zero_point?, w_zero_point?", "y")]
public sealed partial class ConvInteger : ConvolutionOperator
{
    public override void Infer(InferContext c) => InferConvolution(c, 0, 1, DType.Int32);

    public override void Compute(ComputeContext c) => Convolve(c, c.Input(0), c.Input(1));

    protected override double InputZeroPoint(ComputeContext c) => c.OptionalInput(2)?.GetDouble(0) ?? 0;

    protected override double WeightZeroPoint(ComputeContext c, long channel) =>
        c.OptionalInput(3) is not { } z ? 0 : z.GetDouble(z.Count == 1 ? 0 : channel);

    protected override void Store(ComputeContext c, long channel, long index, double sum) => c.Output(0).SetInt64(index, (long)sum);
}
