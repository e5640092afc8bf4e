namespace EdgeLite.Ops;

/// <summary>Convolution of float tensors: X[n][c][spatial..], W[oc][c/group][kernel..], B[oc]?.</summary>
[Operator("Conv", "X, W, B?", "Y")]
public sealed partial class Conv : ConvolutionOperator
{
    public override void Infer(InferContext c)
    {
        InferConvolution(c, 0, 1, c.DType(0));
        if (c.HasInput(2) && c.Shape(2).IsRanked && c.Shape(1).IsRanked)
        {
            if (c.Shape(2).Rank != 1) throw c.Error($"bias has shape {c.Shape(2)}; expected one dimension");
            c.Unify(c.Shape(2)[0], c.Shape(1)[0], "bias size and output channels differ");
        }
    }

    public override void Compute(ComputeContext c) => Convolve(c, c.Input(0), c.Input(1));

    protected override void Store(ComputeContext c, long channel, long index, double sum) =>
        c.Output(0).SetDouble(index, c.HasInput(2) ? sum + c.Input(2).GetDouble(channel) : sum);
}
