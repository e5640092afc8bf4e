using EdgeLite.Core;

namespace EdgeLite.Ops.EdgeLite;

/// <summary>
/// The end that lowered float operators share: y = act(sum + B[channel] + R[element]), channels last. Inputs: X, W, B?, R?, S?
/// (S: slope of each channel for prelu). X, W, R and the result are float32 or, where the operator has room for it, all float16; B and S are float32. Activations are those of kernels-native/include/el_kernels.h, by their names in lower
/// case; alpha and beta are its numbers a and b.
/// </summary>
public abstract class FusedOperator : Operator
{
    [Attr] public string Activation { get; set; } = "";
    [Attr] public float Alpha { get; set; }
    [Attr] public float Beta { get; set; }

    /// <summary>Whether X may be float16.</summary>
    protected virtual bool AllowsHalf => true;

    /// <summary>The operand itself, or its numbers as float32.</summary>
    protected static Tensor Floats(Tensor operand) => operand.DType == DType.Float32 ? operand : operand.ConvertTo(DType.Float32);

    /// <summary>The result may take the residual's place.</summary>
    public override bool CanRunInPlace(int input) => input == 3;

    /// <summary>Checks what follows the product; <paramref name="y"/> is the output's shape.</summary>
    protected void InferEnd(InferContext c, Shape y, long channels)
    {
        DType type = AllowsHalf && c.DType(0) == DType.Float16 ? DType.Float16 : DType.Float32;
        for (int i = 0; i <= 4; i++)
        {
            DType expected = i is 2 or 4 ? DType.Float32 : type;
            c.ExpectType(i, c.HasInput(i) && c.DType(i) == expected, expected.Name());
        }
        if (!IsKnownActivation(Activation)) throw c.Error($"activation '{Activation}' is not known");
        if (Activation == "prelu" && !c.HasInput(4)) throw c.Error("activation prelu needs slopes, input 4");
        c.ExpectCount(2, channels);
        c.ExpectCount(4, channels);
        if (y.IsRanked) c.ExpectShape(3, y.AsSpan());
        c.SetOutput(0, type, y);
    }

    /// <summary>Bias, residual, activation and store of element <paramref name="index"/>.</summary>
    protected void Finish(ComputeContext c, long index, long channel, double sum)
    {
        if (c.OptionalInput(2) is { } bias) sum += bias.GetDouble(channel);
        if (c.OptionalInput(3) is { } residual) sum += residual.GetDouble(index);
        c.Output(0).SetDouble(index, Activate(sum, Activation == "prelu" ? c.Input(4).GetDouble(channel) : 0));
    }

    private static bool IsKnownActivation(string name) => name is "" or "none" or "clamp" or "leaky_relu" or "hard_sigmoid" or "hard_swish"
        or "sigmoid" or "silu" or "tanh" or "gelu" or "gelu_tanh" or "elu" or "prelu" or "softplus" or "mish";

    private double Activate(double x, double slope) => Activation switch
    {
        "clamp" => x < Alpha ? Alpha : x > Beta ? Beta : x,
        "leaky_relu" => x < 0 ? Alpha * x : x,
        "hard_sigmoid" => Math.Clamp(Alpha * x + Beta, 0, 1),
        "hard_swish" => x * Math.Clamp(x / 6 + 0.5, 0, 1),
        "sigmoid" => 1 / (1 + Math.Exp(-x)),
        "silu" => x / (1 + Math.Exp(-x)),
        "tanh" => Math.Tanh(x),
        "gelu" => 0.5 * x * (1 + ErrorFunction.Erf(x / Math.Sqrt(2))),
        "gelu_tanh" => 0.5 * x * (1 + Math.Tanh(Math.Sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x))),
        "elu" => x < 0 ? Alpha * (Math.Exp(x) - 1) : x,
        "prelu" => x < 0 ? slope * x : x,
        "softplus" => Softplus(x),
        "mish" => x * Math.Tanh(Softplus(x)),
        _ => x,
    };

    private static double Softplus(double x) => Math.Max(x, 0) + double.LogP1(Math.Exp(-Math.Abs(x)));
}
