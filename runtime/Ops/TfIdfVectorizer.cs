using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>Counts n-grams of a pool in rows of strings or integers [C] or [N, C], skips between the items of an n-gram up to
/// max_skip_count, and weighs the counts: TF the count, IDF the weight where it occurs, TFIDF both.</summary>
[Operator("TfIdfVectorizer", "X", "Y")]
public sealed partial class TfIdfVectorizer : Operator
{
    [Attr(Required = true)] public long MaxGramLength { get; set; }
    [Attr(Required = true)] public long MinGramLength { get; set; }
    [Attr(Required = true)] public long MaxSkipCount { get; set; }

    /// <summary>"TF", "IDF" or "TFIDF".</summary>
    [Attr(Required = true)] public string Mode { get; set; } = "";

    /// <summary>Where the 1-grams, 2-grams ... start in the pool.</summary>
    [Attr(Required = true)] public long[] NgramCounts { get; set; } = [];

    /// <summary>The output column of each n-gram.</summary>
    [Attr(Required = true)] public long[] NgramIndexes { get; set; } = [];

    [Attr("pool_int64s")] public long[]? PoolIntegers { get; set; }
    [Attr] public string[]? PoolStrings { get; set; }
    [Attr] public float[]? Weights { get; set; }

    private int PoolSize => PoolStrings?.Length ?? PoolIntegers?.Length ?? 0;

    public override void Infer(InferContext context)
    {
        if (Mode is not ("TF" or "IDF" or "TFIDF")) throw context.Error($"mode '{Mode}' is not known");
        if (MinGramLength < 1 || MaxGramLength < MinGramLength || NgramCounts.Length < MaxGramLength || MaxSkipCount < 0)
            throw context.Error($"n-grams of {MinGramLength} to {MaxGramLength} with {NgramCounts.Length} ngram_counts");
        if ((PoolStrings == null) == (PoolIntegers == null)) throw context.Error("exactly one of pool_strings and pool_int64s is needed");
        if (PoolStrings != null) context.ExpectType(0, context.DType(0) == DType.String, "string");
        else context.ExpectIndex(0);
        long grams = 0, columns = 0;
        for (int n = 1; n <= NgramCounts.Length; n++)
        {
            (long start, long end) = Section(n);
            if (start < 0 || end < start || end > PoolSize || (end - start) % n != 0) throw context.Error($"ngram_counts do not divide a pool of {PoolSize}");
            grams += (end - start) / n;
        }
        if (grams != NgramIndexes.Length || (Weights != null && Weights.Length != grams)) throw context.Error($"{grams} n-grams have {NgramIndexes.Length} indexes");
        foreach (long index in NgramIndexes) columns = index >= 0 ? Math.Max(columns, index + 1) : throw context.Error($"an index is {index}");
        Shape x = context.Shape(0);
        if (x.IsRanked && x.Rank is not (1 or 2)) throw context.Error($"the input must be [C] or [N, C], got {x}");
        context.SetOutput(0, DType.Float32, !x.IsRanked ? x : x.Rank == 1 ? new Shape(columns) : new Shape(x[0], columns));
    }

    public override void Compute(ComputeContext context)
    {
        Tensor x = context.Input(0), y = context.Output(0);
        int rank = x.Shape.Rank;
        long rows = rank == 1 ? 1 : x.Shape[0], length = x.Shape[rank - 1], columns = y.Shape[rank - 1];
        for (long row = 0; row < rows; row++)
        {
            for (long c = 0; c < columns; c++) y.SetDouble(row * columns + c, 0);
            int gram = 0;
            for (int n = 1; n <= NgramCounts.Length; n++)
            {
                (long start, long end) = Section(n);
                for (long at = start; at < end; at += n, gram++)
                {
                    if (n < MinGramLength || n > MaxGramLength) continue;
                    long count = Occurrences(x, row * length, length, at, n);
                    double weight = Weights?[gram] ?? 1;
                    double value = Mode == "TF" ? count : Mode == "IDF" ? count > 0 ? weight : 0 : count * weight;
                    y.SetDouble(row * columns + NgramIndexes[gram], value);
                }
            }
        }
    }

    private (long Start, long End) Section(int n) => (NgramCounts[n - 1], n < NgramCounts.Length ? NgramCounts[n] : PoolSize);

    /// <summary>How often pool items [at, at + n) occur in the row, for each distance 1 .. 1 + max_skip_count between items.</summary>
    private long Occurrences(Tensor x, long row, long length, long at, int n)
    {
        long count = 0;
        for (long step = 1; step <= (n == 1 ? 1 : MaxSkipCount + 1); step++)
            for (long first = 0; first + (n - 1) * step < length; first++)
            {
                int matched = 0;
                while (matched < n && IsEqual(x, row + first + matched * step, at + matched)) matched++;
                if (matched == n) count++;
            }
        return count;
    }

    private bool IsEqual(Tensor x, long i, long at) => PoolStrings != null ? x.Strings![i] == PoolStrings[at] : x.GetInt64(i) == PoolIntegers![at];
}
