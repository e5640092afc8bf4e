using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>
/// Scaled dot-product attention (arXiv 1706.03762; grouped queries: arXiv 2305.13245):
/// Y = softmax(softcap(scale * Q K^T) + bias) V. Q[b][hq][s][d], K[b][hk][t][d], V[b][hk][t][e], or 3-D with the heads folded into
/// the last axis. Past keys and values precede the new ones. The bias is attn_mask (added, or where bool: false forbids), causal
/// order, the window, and each sample's number of valid keys; a query that may see no key gives zeros.
/// </summary>
[Operator("Attention", "Q, K, V, attn_mask?, past_key?, past_value?, nonpad_kv_seqlen?", "Y, present_key?, present_value?, qk_matmul_output?")]
public sealed unsafe partial class Attention : Operator
{
    [Attr] public bool IsCausal { get; set; }
    [Attr] public long KvNumHeads { get; set; }
    [Attr] public long QNumHeads { get; set; }
    [Attr] public long LeftWindowSize { get; set; } = -1;
    [Attr] public long RightWindowSize { get; set; } = -1;

    /// <summary>What output 3 shows: 0 scores, 1 after softcap, 2 after the bias, 3 after softmax.</summary>
    [Attr] public long QkMatmulOutputMode { get; set; }
    [Attr] public float Scale { get; set; }
    [Attr] public float Softcap { get; set; }
    [Attr] public long SoftmaxPrecision { get; set; }

    public override void Infer(InferContext c)
    {
        Shape q = c.Shape(0), k = c.Shape(1), v = c.Shape(2);
        c.SetOutput(0, c.DType(0), q);
        c.SetOutput(1, c.DType(1), Shape.OfRank(4));
        c.SetOutput(2, c.DType(2), Shape.OfRank(4));
        c.SetOutput(3, c.DType(0), Shape.OfRank(4));
        if (!q.IsRanked || !k.IsRanked || !v.IsRanked) return;
        if (q.Rank is not (3 or 4) || k.Rank != q.Rank || v.Rank != q.Rank)
            throw c.Error($"Q, K and V have shapes {q}, {k}, {v}; expected 3 or 4 dimensions each");
        if (q.Rank == 3 && (QNumHeads < 1 || KvNumHeads < 1)) throw c.Error("inputs have 3 dimensions, but q_num_heads and kv_num_heads are not given");
        HeadView qv = HeadView.OfFolded(q, QNumHeads), kv = HeadView.OfFolded(k, KvNumHeads), vv = HeadView.OfFolded(v, KvNumHeads);
        c.Unify(qv.Width, kv.Width, "head sizes of Q and K differ");
        c.Unify(kv.Rows, vv.Rows, "lengths of K and V differ");
        c.Unify(qv.Batch, kv.Batch, "samples of Q and K differ");
        c.Unify(qv.Batch, vv.Batch, "samples of Q and V differ");
        c.Unify(kv.Heads, vv.Heads, "heads of K and V differ");
        if (qv.Heads >= 0 && kv.Heads >= 0 && (kv.Heads == 0 ? qv.Heads > 0 : qv.Heads % kv.Heads != 0)) throw c.Error($"{qv.Heads} query heads do not split among {kv.Heads} key heads");
        if (c.HasInput(4) != c.HasInput(5)) throw c.Error("past_key and past_value must be given together");
        long past = c.HasInput(4) ? CheckPast(c, 4, kv, Shape.Unknown) : 0;
        if (c.HasInput(5)) past = CheckPast(c, 5, vv, past);
        if (c.HasInput(6) && c.Shape(6).IsRanked)
        {
            c.ExpectRank(6, 1);
            c.Unify(c.Shape(6)[0], qv.Batch, "nonpad_kv_seqlen has a number for each sample:");
        }
        if (c.HasInput(3) && c.Shape(3) is { IsRanked: true } mask)
        {
            if (mask.Rank is < 1 or > 4) throw c.Error($"attn_mask has shape {mask}; expected 1 to 4 dimensions");
            // The last dimension may be shorter than there are keys: the others are forbidden.
            Shape pairs = new(qv.Batch, qv.Heads, qv.Rows, Shape.Unknown);
            c.ExpectBroadcastTo(3, pairs);
        }
        long total = past < 0 || kv.Rows < 0 ? past == 0 ? kv.Rows : Shape.Unknown : past + kv.Rows;
        c.SetOutput(0, c.DType(0), q.Rank == 4
            ? new Shape(q[0], q[1], q[2], v[3])
            : new Shape(q[0], q[1], vv.Width < 0 ? Shape.Unknown : qv.Heads * vv.Width));
        c.SetOutput(1, c.DType(1), new Shape(kv.Batch, kv.Heads, total, kv.Width));
        c.SetOutput(2, c.DType(2), new Shape(vv.Batch, vv.Heads, total, vv.Width));
        c.SetOutput(3, c.DType(0), new Shape(qv.Batch, qv.Heads, qv.Rows, total));
    }

    /// <summary>The number of past entries in [batch][heads][past][width], whose other sizes are those of the new ones.</summary>
    private static long CheckPast(InferContext c, int input, in HeadView now, long past)
    {
        Shape s = c.Shape(input);
        if (!s.IsRanked) return past;
        c.ExpectRank(input, 4);
        c.Unify(s[0], now.Batch, "samples of past and new entries differ");
        c.Unify(s[1], now.Heads, "heads of past and new entries differ");
        c.Unify(s[3], now.Width, "head sizes of past and new entries differ");
        return c.Unify(s[2], past, "numbers of past keys and values differ");
    }

    public override void Compute(ComputeContext c)
    {
        Tensor y = c.Output(0);
        HeadView q = HeadView.OfFolded(c.Input(0).Shape, QNumHeads);
        HeadView k = HeadView.OfFolded(c.Input(1).Shape, KvNumHeads), v = HeadView.OfFolded(c.Input(2).Shape, KvNumHeads);
        HeadView o = HeadView.OfFolded(y.Shape, q.Heads);
        long past = c.OptionalInput(4)?.Shape[2] ?? 0, total = past + k.Rows;
        double scale = Scale != 0 ? Scale : 1 / Math.Sqrt(q.Width);
        using var queries = new WideBuffer(c.Input(0));
        using var keys = new WideBuffer(k.Batch * k.Heads * total * k.Width);
        using var values = new WideBuffer(v.Batch * v.Heads * total * v.Width);
        Join(c.OptionalInput(4), c.Input(1), k, past, total, keys.P);
        Join(c.OptionalInput(5), c.Input(2), v, past, total, values.P);
        for (int i = 1; i < 3; i++)
            if (c.HasOutput(i))
                for (long j = 0; j < c.Output(i).Count; j++) c.Output(i).SetDouble(j, (i == 1 ? keys : values).P[j]);

        using var row = new WideBuffer(total);
        using var sums = new WideBuffer(v.Width);
        for (long b = 0; b < q.Batch; b++)
            for (long h = 0; h < q.Heads; h++)
                for (long s = 0; s < q.Rows; s++)
                {
                    long head = b * k.Heads + h / (q.Heads / k.Heads), show = ((b * q.Heads + h) * q.Rows + s) * total;
                    double* query = queries.P + q.At(b, h, s);
                    for (long t = 0; t < total; t++)
                    {
                        double* key = keys.P + (head * total + t) * k.Width;
                        double dot = 0;
                        for (long i = 0; i < q.Width; i++) dot += query[i] * key[i];
                        row.P[t] = dot * scale;
                    }
                    Show(c, 0, show, row.P, total);
                    for (long t = 0; t < total && Softcap != 0; t++) row.P[t] = Softcap * Math.Tanh(row.P[t] / Softcap);
                    Show(c, 1, show, row.P, total);
                    bool isAllowed = false;
                    for (long t = 0; t < total; t++)
                    {
                        double bias = Bias(c, q, b, h, s, t, past);
                        isAllowed |= !double.IsNegativeInfinity(bias);
                        row.P[t] = double.IsNegativeInfinity(bias) ? bias : row.P[t] + bias;
                    }
                    Show(c, 2, show, row.P, total);
                    Normalize(row.P, total, isAllowed);
                    Show(c, 3, show, row.P, total);
                    new Span<double>(sums.P, (int)v.Width).Clear();
                    for (long t = 0; t < total; t++)
                    {
                        double* value = values.P + (head * total + t) * v.Width;
                        for (long i = 0; i < v.Width && row.P[t] != 0; i++) sums.P[i] += row.P[t] * value[i];
                    }
                    for (long i = 0, at = o.At(b, h, s); i < v.Width; i++) y.SetDouble(at + i, sums.P[i]);
                }
    }

    /// <summary>Past [b][h][past][w] and new entries as one [b][h][total][w].</summary>
    private static void Join(Tensor? before, Tensor now, in HeadView view, long past, long total, double* to)
    {
        for (long bh = 0; bh < view.Batch * view.Heads; bh++)
        {
            double* rows = to + bh * total * view.Width;
            if (before != null) WideBuffer.Load(before, bh * past * view.Width, past * view.Width, 1, rows);
            for (long s = 0; s < view.Rows; s++)
                WideBuffer.Load(now, view.At(bh / view.Heads, bh % view.Heads, s), view.Width, 1, rows + (past + s) * view.Width);
        }
    }

    /// <summary>What is added to the score of query s and key t; minus infinity forbids the pair.</summary>
    private double Bias(ComputeContext c, in HeadView q, long b, long h, long s, long t, long past)
    {
        Tensor? valid = c.OptionalInput(6), mask = c.OptionalInput(3);
        long offset = c.HasInput(4) ? past : valid != null ? valid.GetInt64(b) - q.Rows : 0;
        long distance = s + offset - t;
        if (IsCausal && distance < 0) return double.NegativeInfinity;
        if (LeftWindowSize >= 0 && distance > LeftWindowSize || RightWindowSize >= 0 && -distance > RightWindowSize) return double.NegativeInfinity;
        if (valid != null && t >= valid.GetInt64(b)) return double.NegativeInfinity;
        if (mask == null) return 0;
        int rank = mask.Shape.Rank;
        long last = mask.Shape[rank - 1];
        if (t >= last && last != 1) return double.NegativeInfinity;
        long at = last == 1 ? 0 : t, stride = last;
        ReadOnlySpan<long> index = [b, h, s];
        for (int i = 2; i <= rank; i++)
        {
            long dim = mask.Shape[rank - i];
            if (dim > 1) at += index[^(i - 1)] * stride;
            stride *= dim;
        }
        return mask.DType != DType.Bool ? mask.GetDouble(at) : mask.GetInt64(at) != 0 ? 0 : double.NegativeInfinity;
    }

    private static void Normalize(double* row, long total, bool isAllowed)
    {
        double max = double.NegativeInfinity, sum = 0;
        for (long t = 0; t < total; t++) max = Math.Max(max, row[t]);
        for (long t = 0; t < total; t++) sum += row[t] = isAllowed ? Math.Exp(row[t] - max) : 0;
        for (long t = 0; t < total && isAllowed; t++) row[t] /= sum;
    }

    private void Show(ComputeContext c, int mode, long first, double* row, long total)
    {
        if (mode != QkMatmulOutputMode || !c.HasOutput(3)) return;
        for (long t = 0; t < total; t++) c.Output(3).SetDouble(first + t, row[t]);
    }
}
