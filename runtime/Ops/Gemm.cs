using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>y = alpha * A' * B' + beta * C, where A' is A[m][k] or its transpose A[k][m], B' is B[k][n] or B[n][k], and C
/// broadcasts to [m][n] from the right.</summary>
[Operator("Gemm", "A, B, C?", "Y")]
public sealed unsafe partial class Gemm : Operator
{
    [Attr] public float Alpha { get; set; } = 1;
    [Attr] public float Beta { get; set; } = 1;
    [Attr("transA")] public bool TransA { get; set; }
    [Attr("transB")] public bool TransB { get; set; }

    public override void Infer(InferContext c)
    {
        Shape a = c.Shape(0), b = c.Shape(1);
        if (a.IsRanked && a.Rank != 2) throw c.Error($"A has shape {a}; expected 2 dimensions");
        if (b.IsRanked && b.Rank != 2) throw c.Error($"B has shape {b}; expected 2 dimensions");
        if (a.IsRanked && b.IsRanked)
            c.Unify(a[TransA ? 0 : 1], b[TransB ? 1 : 0], $"inner dimensions of A {a} and B {b} differ");
        var y = new Shape(a.IsRanked ? a[TransA ? 1 : 0] : Shape.Unknown, b.IsRanked ? b[TransB ? 0 : 1] : Shape.Unknown);
        if (c.HasInput(2) && c.Shape(2).IsRanked && y.IsKnown && c.Shape(2).IsKnown && c.Broadcast(y, c.Shape(2)) != y)
            throw c.Error($"C has shape {c.Shape(2)}, which does not broadcast to {y}");
        c.SetOutput(0, c.DType(0), y);
    }

    public override void Compute(ComputeContext c)
    {
        Tensor a = c.Input(0), b = c.Input(1), y = c.Output(0);
        Tensor? bias = c.OptionalInput(2);
        long m = y.Shape[0], n = y.Shape[1], k = a.Shape[TransA ? 0 : 1];
        using var rows = new WideBuffer(m * k);
        using var columns = new WideBuffer(k * n);
        for (long i = 0; i < m; i++) WideBuffer.Load(a, TransA ? i : i * k, k, TransA ? m : 1, rows.P + i * k);
        for (long i = 0; i < k; i++) WideBuffer.Load(b, TransB ? i : i * n, n, TransB ? k : 1, columns.P + i * n);
        using var offsets = new WideBuffer(k); // 8-byte slots
        long* offset = (long*)offsets.P;
        for (long i = 0; i < k; i++) offset[i] = i * n;

        long biasRow = bias is { Shape.Rank: 2 } && bias.Shape[0] > 1 ? bias.Shape[1] : 0;
        long biasColumn = bias is { Shape.Rank: > 0 } && bias.Shape.AsSpan()[^1] > 1 ? 1 : 0;
        double* sums = stackalloc double[WeightedSum.Sums];
        for (long j = 0; j < n; j += WeightedSum.Lanes)
        {
            int count = (int)Math.Min(WeightedSum.Lanes, n - j);
            for (long i = 0; i < m; i += WeightedSum.Rows)
            {
                int some = (int)Math.Min(WeightedSum.Rows, m - i);
                WeightedSum.Run(rows.P + i * k, some, columns.P + j, offset, k, 1, sums, count);
                for (int r = 0; r < some; r++)
                    for (int t = 0; t < count; t++)
                    {
                        double sum = Alpha * sums[r * WeightedSum.Lanes + t];
                        if (bias != null) sum += Beta * bias.GetDouble((i + r) * biasRow + (j + t) * biasColumn);
                        y.SetDouble((i + r) * n + j + t, sum);
                    }
            }
        }
    }
}
