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

    public override void Infer(InferContext c)
    {
        Shape x = c.Shape(0);
        if (x.IsRanked && x.Rank is not (3 or 4)) throw c.Error($"X has shape {x}; expected 3 or 4 dimensions");
        if (x is { IsRanked: true, Rank: 3 } && NumHeads < 1) throw c.Error("X has 3 dimensions, but num_heads is not given");
        c.SetOutput(0, c.DType(0), x);
    }

    public override void Compute(ComputeContext c)
    {
        Tensor x = c.Input(0), y = c.Output(0), cos = c.Input(1), sin = c.Input(2);
        Shape s = x.Shape;
        bool isFolded = s.Rank == 3;
        long heads = isFolded ? NumHeads : s[1], length = s[isFolded ? 1 : 2], size = isFolded ? s[2] / heads : s[3];
        long dim = RotaryEmbeddingDim > 0 ? RotaryEmbeddingDim : size, half = dim / 2;
        if (cos.Shape[cos.Shape.Rank - 1] != half) throw c.Error($"cos_cache has shape {cos.Shape}, expected {half} in the last dimension");
        for (long b = 0; b < s[0]; b++)
            for (long h = 0; h < heads; h++)
                for (long t = 0; t < length; t++)
                {
                    long first = isFolded ? ((b * length + t) * heads + h) * size : ((b * heads + h) * length + t) * size;
                    long row = (c.OptionalInput(3)?.GetInt64(b * length + t) ?? b * length + t) * half;
                    for (long i = 0; i < half; i++)
                    {
                        long p = first + (Interleaved ? 2 * i : i), q = first + (Interleaved ? 2 * i + 1 : i + half);
                        double a = x.GetDouble(p), d = x.GetDouble(q), cosine = cos.GetDouble(row + i), sine = sin.GetDouble(row + i);
                        y.SetDouble(p, cosine * a - sine * d);
                        y.SetDouble(q, sine * a + cosine * d);
                    }
                    for (long i = dim; i < size; i++) y.SetDouble(first + i, x.GetDouble(first + i));
                }
    }
}
