using EdgeLite.Core;

namespace EdgeLite.Ops.EdgeLite;

/// <summary>
/// Attention without transposes: Y = softmax(scale * Q K^T + Mask) V for each sample and head. Each of Q, K, V and Y is
/// [batch][heads][rows][width] or, where its rows_first is set, [batch][rows][heads][width]; without the batch dimension it is one
/// sample. Mask broadcasts to [batch][heads][rows of Q][rows of K].
/// </summary>
[Operator("Attention", "Q, K, V, Mask?", "Y", Domain = "edgelite")]
public sealed partial class FusedAttention : Operator
{
    [Attr(Required = true)] public float Scale { get; set; }
    [Attr] public bool QRowsFirst { get; set; }
    [Attr] public bool KRowsFirst { get; set; }
    [Attr] public bool VRowsFirst { get; set; }
    [Attr] public bool YRowsFirst { get; set; }

    public override void Infer(InferContext c)
    {
        for (int i = 0; i < 4; i++)
            if (c.HasInput(i)) c.ExpectType(i, c.DType(i) == DType.Float32, "float32");
        Shape q = c.Shape(0), k = c.Shape(1), v = c.Shape(2);
        if (!q.IsRanked || !k.IsRanked || !v.IsRanked)
        {
            c.SetOutput(0, DType.Float32, Shape.OfRank(4));
            return;
        }
        if (q.Rank is not (3 or 4) || k.Rank is not (3 or 4) || v.Rank is not (3 or 4)) throw c.Error($"Q, K and V have shapes {q}, {k}, {v}; expected 3 or 4 dimensions");
        HeadView qv = HeadView.Of(q, QRowsFirst), kv = HeadView.Of(k, KRowsFirst), vv = HeadView.Of(v, VRowsFirst);
        c.Unify(qv.Width, kv.Width, "widths of Q and K differ");
        c.Unify(kv.Rows, vv.Rows, "rows of K and V differ");
        c.Unify(qv.Heads, kv.Heads, "heads of Q and K differ");
        c.Unify(qv.Heads, vv.Heads, "heads of Q and V differ");
        c.Unify(qv.Batch, kv.Batch, "samples of Q and K differ");
        c.Unify(qv.Batch, vv.Batch, "samples of Q and V differ");
        (long outer, long inner) = YRowsFirst ? (qv.Rows, qv.Heads) : (qv.Heads, qv.Rows);
        c.SetOutput(0, DType.Float32, q.Rank == 3 && k.Rank == 3 && v.Rank == 3 ? new Shape(outer, inner, vv.Width) : new Shape(qv.Batch, outer, inner, vv.Width));
        if (c.HasInput(3) && c.Shape(3).IsKnown && qv.Batch >= 0 && qv.Heads >= 0 && qv.Rows >= 0 && kv.Rows >= 0 && !MaskStrides(c.Shape(3), [qv.Batch, qv.Heads, qv.Rows, kv.Rows], stackalloc long[4]))
            throw c.Error($"Mask has shape {c.Shape(3)}, expected one that broadcasts to [{qv.Batch},{qv.Heads},{qv.Rows},{kv.Rows}]");
    }

    /// <summary>Distances between neighbours of a mask along batch, heads, rows and keys; 0 where it repeats. False when it does not fit.</summary>
    public static bool MaskStrides(Shape mask, ReadOnlySpan<long> sizes, Span<long> strides)
    {
        strides.Clear();
        if (mask.Rank > 4) return false;
        long stride = 1;
        for (int i = 1; i <= mask.Rank; i++)
        {
            long dim = mask[mask.Rank - i];
            if (dim != 1 && dim != sizes[4 - i]) return false;
            strides[4 - i] = dim == 1 ? 0 : stride;
            stride *= dim;
        }
        return true;
    }

    public override void Compute(ComputeContext c)
    {
        Tensor q = c.Input(0), k = c.Input(1), v = c.Input(2), y = c.Output(0);
        HeadView qv = HeadView.Of(q.Shape, QRowsFirst), kv = HeadView.Of(k.Shape, KRowsFirst), vv = HeadView.Of(v.Shape, VRowsFirst), yv = HeadView.Of(y.Shape, YRowsFirst);
        Tensor? mask = c.OptionalInput(3);
        Span<long> strides = stackalloc long[4];
        if (mask != null) MaskStrides(mask.Shape, [qv.Batch, qv.Heads, qv.Rows, kv.Rows], strides);
        var score = new double[kv.Rows];
        for (long b = 0; b < qv.Batch; b++)
            for (long h = 0; h < qv.Heads; h++)
                for (long s = 0; s < qv.Rows; s++)
                {
                    double max = double.NegativeInfinity, sum = 0;
                    for (long t = 0; t < kv.Rows; t++)
                    {
                        double dot = 0;
                        for (long i = 0; i < qv.Width; i++) dot += q.GetDouble(qv.At(b, h, s) + i) * k.GetDouble(kv.At(b, h, t) + i);
                        score[t] = Scale * dot + (mask?.GetDouble(b * strides[0] + h * strides[1] + s * strides[2] + t * strides[3]) ?? 0);
                        max = Math.Max(max, score[t]);
                    }
                    for (long t = 0; t < kv.Rows; t++) sum += score[t] = Math.Exp(score[t] - max);
                    for (long i = 0; i < vv.Width; i++)
                    {
                        double total = 0;
                        for (long t = 0; t < kv.Rows; t++) total += score[t] * v.GetDouble(vv.At(b, h, t) + i);
                        y.SetDouble(yv.At(b, h, s) + i, total / sum);
                    }
                }
    }
}
