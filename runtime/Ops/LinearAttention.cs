using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>
/// Linear attention with a state S[b][kv head][dk][dv] updated token by token: S decays by exp(g) (gated), takes in k (v - S^T k) beta
/// (delta) or k v, and answers o = scale * q^T S. query[b][t][hq*dk], key[b][t][hk*dk], value[b][t][hk*dv]; decay one for each
/// head or each key dimension, beta one for each head or for all.
/// </summary>
[Operator("LinearAttention", "query, key, value, past_state?, decay?, beta?", "output, present_state")]
public sealed unsafe partial class LinearAttention : Operator
{
    [Attr] public long ChunkSize { get; set; } = 64;
    [Attr(Required = true)] public long KvNumHeads { get; set; }
    [Attr(Required = true)] public long QNumHeads { get; set; }
    [Attr] public float Scale { get; set; }
    [Attr] public string UpdateRule { get; set; } = "gated_delta";

    private bool IsGated => UpdateRule is "gated" or "gated_delta";
    private bool IsDelta => UpdateRule is "delta" or "gated_delta";

    public override void Infer(InferContext c)
    {
        for (int i = 0; i < 3; i++) c.ExpectRank(i, 3);
        if (UpdateRule is not ("linear" or "gated" or "delta" or "gated_delta")) throw c.Error($"update_rule '{UpdateRule}' is not known");
        if (KvNumHeads < 1 || QNumHeads < 1 || QNumHeads % KvNumHeads != 0) throw c.Error($"{QNumHeads} query heads do not split among {KvNumHeads} key heads");
        if (IsGated && !c.HasInput(4)) throw c.Error($"update_rule {UpdateRule} needs decay, input 4");
        if (IsDelta && !c.HasInput(5)) throw c.Error($"update_rule {UpdateRule} needs beta, input 5");
        Shape q = c.Shape(0), v = c.Shape(2);
        long batch = q.IsRanked ? q[0] : Shape.Unknown, dk = q.IsRanked && q[2] >= 0 ? q[2] / QNumHeads : Shape.Unknown;
        long dv = v.IsRanked && v[2] >= 0 ? v[2] / KvNumHeads : Shape.Unknown;
        c.SetOutput(0, c.DType(0), new Shape(batch, q.IsRanked ? q[1] : Shape.Unknown, dv < 0 ? dv : dv * QNumHeads));
        c.SetOutput(1, c.HasInput(3) ? c.DType(3) : c.DType(0), new Shape(batch, KvNumHeads, dk, dv));
    }

    public override void Compute(ComputeContext c)
    {
        Tensor q = c.Input(0), k = c.Input(1), v = c.Input(2);
        long batch = q.Shape[0], length = q.Shape[1], dk = q.Shape[2] / QNumHeads, dv = v.Shape[2] / KvNumHeads, share = QNumHeads / KvNumHeads;
        double scale = Scale != 0 ? Scale : 1 / Math.Sqrt(dk);
        using var buffer = new WideBuffer(dk * dv);
        double* state = buffer.P;
        for (long b = 0; b < batch; b++)
            for (long h = 0; h < KvNumHeads; h++)
            {
                long first = (b * KvNumHeads + h) * dk * dv;
                for (long i = 0; i < dk * dv; i++) state[i] = c.OptionalInput(3)?.GetDouble(first + i) ?? 0;
                for (long t = 0; t < length; t++)
                {
                    long row = b * length + t, key = (row * KvNumHeads + h) * dk, value = (row * KvNumHeads + h) * dv;
                    if (IsGated) Decay(c.Input(4), row, h, dk, dv, state);
                    double beta = !IsDelta ? 1 : c.Input(5).Shape[2] == 1 ? c.Input(5).GetDouble(row) : c.Input(5).GetDouble(row * KvNumHeads + h);
                    for (long j = 0; j < dv; j++)
                    {
                        double known = 0;
                        for (long i = 0; i < dk && IsDelta; i++) known += state[i * dv + j] * k.GetDouble(key + i);
                        double gain = beta * (v.GetDouble(value + j) - known);
                        for (long i = 0; i < dk; i++) state[i * dv + j] += k.GetDouble(key + i) * gain;
                    }
                    for (long head = h * share; head < (h + 1) * share && c.HasOutput(0); head++)
                        for (long j = 0; j < dv; j++)
                        {
                            double sum = 0;
                            for (long i = 0; i < dk; i++) sum += q.GetDouble((row * QNumHeads + head) * dk + i) * state[i * dv + j];
                            c.Output(0).SetDouble((row * QNumHeads + head) * dv + j, scale * sum);
                        }
                }
                for (long i = 0; i < dk * dv && c.HasOutput(1); i++) c.Output(1).SetDouble(first + i, state[i]);
            }
    }

    private void Decay(Tensor decay, long row, long h, long dk, long dv, double* state)
    {
        bool isPerHead = decay.Shape[2] == KvNumHeads && dk != 1;
        for (long i = 0; i < dk; i++)
        {
            double factor = Math.Exp(decay.GetDouble(isPerHead ? row * KvNumHeads + h : (row * KvNumHeads + h) * dk + i));
            for (long j = 0; j < dv; j++) state[i * dv + j] *= factor;
        }
    }
}
