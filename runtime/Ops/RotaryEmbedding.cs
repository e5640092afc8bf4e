using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>
/// Rotates pairs of each head's leading rotary_embedding_dim numbers by the angles of their position (arXiv 2104.09864):
/// (a, b) to (cos*a - sin*b, sin*a + cos*b). Pairs are (i, i + dim/2), or neighbours when interleaved. X[b][heads][s][size] or
/// [b][s][heads*size]; caches [positions][dim/2] with position_ids, else [b][s][dim/2].
/// </summary>
[Operator("RotaryEmbedding", "X, cos_cache, sin_cache, position_ids?", "Y")]
public sealed partial class RotaryEmbedding : Operator
{
    [Attr] public bool Interleaved { get; set; }
    [Attr] public long NumHeads { get; set; }
    [Attr] public long RotaryEmbeddingDim { get; set; }

    public override bool CanRunInPlace(int input) => input == 0;

    public override void Infer(InferContext c)
    {
        Shape x = c.Shape(0), cos = c.Shape(1);
        for (int i = 1; i < 3; i++) c.SameType(0, i);
        c.ExpectIndex(3);
        c.SetOutput(0, c.DType(0), x);
        if (!x.IsRanked) return;
        if (x.Rank is not (3 or 4)) throw c.Error($"X has shape {x}; expected 3 or 4 dimensions");
        if (x.Rank == 3 && NumHeads < 1) throw c.Error("X has 3 dimensions, but num_heads is not given");
        HeadView view = HeadView.OfFolded(x, NumHeads);
        if (x.Rank == 3 && x[2] >= 0 && x[2] % NumHeads != 0) throw c.Error($"X has shape {x}: {x[2]} numbers do not split among {NumHeads} heads");
        long dim = RotatedOf(view.Width);
        if (RotaryEmbeddingDim < 0 || view.Width >= 0 && dim > view.Width || dim >= 0 && dim % 2 != 0) throw c.Error($"{dim} numbers of {view.Width} cannot be rotated as pairs");
        int rank = c.HasInput(3) ? 2 : 3;
        for (int i = 1; i < 3; i++)
        {
            if (!c.Shape(i).IsRanked) continue;
            c.ExpectRank(i, rank);
            c.Unify(c.Shape(i)[rank - 1], dim < 0 ? dim : dim / 2, "width of the caches and pairs of a head");
            if (cos.IsRanked) c.Unify(c.Shape(i)[0], cos[0], "places of cos_cache and sin_cache");
            if (rank == 2) continue;
            c.Unify(c.Shape(i)[0], view.Batch, "samples of X and the caches");
            c.Unify(c.Shape(i)[1], view.Rows, "places of X and the caches");
        }
        if (!c.HasInput(3) || !c.Shape(3).IsRanked) return;
        c.ExpectRank(3, 2);
        c.Unify(c.Shape(3)[0], view.Batch, "samples of X and position_ids");
        c.Unify(c.Shape(3)[1], view.Rows, "places of X and position_ids");
    }

    /// <summary>How many numbers of a head are rotated.</summary>
    internal long RotatedOf(long width) => RotaryEmbeddingDim > 0 ? RotaryEmbeddingDim : width;

    public override void Compute(ComputeContext c)
    {
        Tensor x = c.Input(0), y = c.Output(0), cos = c.Input(1), sin = c.Input(2);
        HeadView view = HeadView.OfFolded(x.Shape, NumHeads);
        long dim = RotatedOf(view.Width), half = dim / 2;
        for (long b = 0; b < view.Batch; b++)
            for (long h = 0; h < view.Heads; h++)
                for (long t = 0; t < view.Rows; t++)
                {
                    long first = view.At(b, h, t), place = c.OptionalInput(3)?.GetInt64(b * view.Rows + t) ?? b * view.Rows + t, row = place * half;
                    // Native kernels cannot refuse a value: they give 0 too.
                    bool isThere = place >= 0 && place < cos.Count / Math.Max(1, half);
                    for (long i = 0; i < half; i++)
                    {
                        long p = first + (Interleaved ? 2 * i : i), q = first + (Interleaved ? 2 * i + 1 : i + half);
                        double a = x.GetDouble(p), d = x.GetDouble(q), cosine = isThere ? cos.GetDouble(row + i) : 0, sine = isThere ? sin.GetDouble(row + i) : 0;
                        y.SetDouble(p, cosine * a - sine * d);
                        y.SetDouble(q, sine * a + cosine * d);
                    }
                    for (long i = dim; i < view.Width; i++) y.SetDouble(first + i, x.GetDouble(first + i));
                }
    }
}
