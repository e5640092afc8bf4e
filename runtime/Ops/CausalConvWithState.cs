using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>
/// Causal depthwise convolution that carries its past: with p = past_state (or zeros) followed by X[n][c][length],
/// y[t] = act(sum over k of w[c][0][k] * p[t + k] + bias[c]); present_state is the last k - 1 columns of p.
/// </summary>
[Operator("CausalConvWithState", "input, weight, bias?, past_state?", "output, present_state")]
public sealed partial class CausalConvWithState : Operator
{
    /// <summary>none, silu or swish (the same).</summary>
    [Attr] public string Activation { get; set; } = "none";

    public override void Infer(InferContext c)
    {
        for (int i = 0; i < 2; i++) c.ExpectRank(i, 3);
        if (Activation is not ("none" or "silu" or "swish")) throw c.Error($"activation is '{Activation}'; expected none, silu or swish");
        Shape x = c.Shape(0), w = c.Shape(1);
        if (x.IsRanked && w.IsRanked) c.Unify(x[1], w[0], "channels of input and weight differ");
        c.SetOutput(0, c.DType(0), x);
        c.SetOutput(1, c.DType(0), new Shape(x.IsRanked ? x[0] : Shape.Unknown, x.IsRanked ? x[1] : Shape.Unknown,
            w.IsRanked && w[2] > 0 ? w[2] - 1 : Shape.Unknown));
    }

    public override void Compute(ComputeContext c)
    {
        Tensor x = c.Input(0), w = c.Input(1);
        Tensor? past = c.OptionalInput(3);
        long channels = x.Shape[1], length = x.Shape[2], k = w.Shape[2], carried = k - 1;
        for (long row = 0, rows = x.Shape[0] * channels; row < rows; row++)
        {
            long ch = row % channels;
            for (long t = 0; t < length && c.HasOutput(0); t++)
            {
                double sum = c.OptionalInput(2)?.GetDouble(ch) ?? 0;
                for (long i = 0; i < k; i++) sum += w.GetDouble(ch * k + i) * Padded(t + i);
                c.Output(0).SetDouble(row * length + t, Activation == "none" ? sum : sum / (1 + Math.Exp(-sum)));
            }
            for (long i = 0; i < carried && c.HasOutput(1); i++) c.Output(1).SetDouble(row * carried + i, Padded(length + i));

            double Padded(long i) => i >= carried ? x.GetDouble(row * length + i - carried) : past?.GetDouble(row * carried + i) ?? 0;
        }
    }
}
