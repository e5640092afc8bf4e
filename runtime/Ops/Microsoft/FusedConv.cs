namespace EdgeLite.Ops.Microsoft;

/// <summary>Convolution, bias, an added tensor Z, then an activation: Relu, Tanh, Sigmoid, LeakyRelu(alpha), Clip(min, max) or
/// HardSigmoid(alpha, beta).</summary>
[Operator("FusedConv", "X, W, B?, Z?", "Y", Domain = "com.microsoft")]
public sealed partial class FusedConv : ConvolutionOperator
{
    [Attr] public string Activation { get; set; } = "";
    [Attr] public float[]? ActivationParams { get; set; }

    public override void Infer(InferContext c)
    {
        int numbers = Activation switch
        {
            "" or "Relu" or "Tanh" or "Sigmoid" => 0,
            "LeakyRelu" => 1,
            "Clip" or "HardSigmoid" => 2,
            _ => throw c.Error($"activation '{Activation}' is not known"),
        };
        if ((ActivationParams?.Length ?? 0) < numbers) throw c.Error($"activation {Activation} needs {numbers} activation_params");
        InferConvolution(c, 0, 1, c.DType(0));
    }

    public override void Compute(ComputeContext c) => Convolve(c, c.Input(0), c.Input(1));

    protected override void Store(ComputeContext c, long channel, long index, double sum)
    {
        if (c.OptionalInput(2) is { } bias) sum += bias.GetDouble(channel);
        if (c.OptionalInput(3) is { } added) sum += added.GetDouble(index);
        float[] p = ActivationParams ?? [];
        c.Output(0).SetDouble(index, Activation switch
        {
            "Relu" => Math.Max(sum, 0),
            "Tanh" => Math.Tanh(sum),
            "Sigmoid" => 1 / (1 + Math.Exp(-sum)),
            "LeakyRelu" => sum < 0 ? p[0] * sum : sum,
            "Clip" => Math.Max(p[0], Math.Min(sum, p[1])),
            "HardSigmoid" => Math.Clamp(p[0] * sum + p[1], 0, 1),
            _ => sum,
        });
    }
}
