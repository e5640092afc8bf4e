using EdgeLite.Core;

namespace EdgeLite.Ops.Ml;

/// <summary>The class names of a classifier, strings or integers, and the rule that turns scores into outputs.</summary>
internal readonly record struct ClassLabels(string[]? Strings, long[]? Numbers)
{
    public int Count => Strings?.Length ?? Numbers?.Length ?? 0;
    public DType DType => Strings != null ? DType.String : DType.Int64;

    public void Infer(InferContext c)
    {
        if ((Strings == null) == (Numbers == null)) throw c.Error("exactly one list of class labels must be given");
        long n = c.Shape(0).IsRanked && c.Shape(0).Rank > 1 ? c.Shape(0)[0] : c.Shape(0).IsRanked ? 1 : Shape.Unknown;
        c.SetOutput(0, DType, new Shape(n));
        c.SetOutput(1, DType.Float32, new Shape(n, Math.Max(Count, 2)));
    }

    public void Store(Tensor y, long i, int label)
    {
        if (Strings != null) y.Strings![i] = Strings[label];
        else y.SetInt64(i, Numbers![label]);
    }

    public static int Largest(ReadOnlySpan<double> scores)
    {
        int best = 0;
        for (int i = 1; i < scores.Length; i++)
            if (scores[i] > scores[best]) best = i;
        return best;
    }
}
