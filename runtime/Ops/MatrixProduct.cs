using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>
/// Matrix product with NumPy's rules (numpy.matmul): A[..][m][k] * B[..][k][n], leading dimensions broadcast, a 1-D operand
/// stands for a row (A) or column (B) whose dimension disappears from the result. Any number type; integers are exact up to 53 bits.
/// </summary>
public abstract unsafe class MatrixProduct : Operator
{
    /// <summary>The shape of the product, and the type rule of its subclass around it.</summary>
    protected static Shape ProductShape(InferContext c, int a, int b)
    {
        Shape sa = c.Shape(a), sb = c.Shape(b);
        if (!sa.IsRanked || !sb.IsRanked) return Shape.Unranked;
        if (sa.Rank == 0 || sb.Rank == 0) throw c.Error($"shapes {sa} and {sb}: a scalar cannot be multiplied as a matrix");
        c.Unify(sa.AsSpan()[^1], sb[sb.Rank == 1 ? 0 : sb.Rank - 2], $"inner dimensions of {sa} and {sb} differ");
        Shape batch = c.Broadcast(Leading(sa), Leading(sb));
        Span<long> dims = stackalloc long[batch.Rank + 2];
        batch.AsSpan().CopyTo(dims);
        int rank = batch.Rank;
        if (sa.Rank > 1) dims[rank++] = sa.AsSpan()[^2];
        if (sb.Rank > 1) dims[rank++] = sb.AsSpan()[^1];
        return new Shape(dims[..rank]);
    }

    /// <summary>Zero point of row <paramref name="row"/> of A, counted over all batches.</summary>
    protected virtual double ZeroPointA(ComputeContext c, long row, long rows) => 0;

    /// <summary>Zero point of column <paramref name="column"/> of B in batch <paramref name="batch"/>.</summary>
    protected virtual double ZeroPointB(ComputeContext c, long batch, long column, long columns) => 0;

    /// <summary>Stores one sum as element <paramref name="index"/> of the output.</summary>
    protected abstract void Store(ComputeContext c, long index, long row, long column, long columns, double sum);

    protected void Multiply(ComputeContext c, Tensor a, Tensor b)
    {
        Shape sa = a.Shape, sb = b.Shape, la = Leading(sa), lb = Leading(sb);
        long m = sa.Rank == 1 ? 1 : sa.AsSpan()[^2], k = sa.AsSpan()[^1], n = sb.Rank == 1 ? 1 : sb.AsSpan()[^1];
        int rank = Math.Max(la.Rank, lb.Rank);
        long batches = m * n == 0 ? 0 : c.Output(0).Count / (m * n);
        using var wideA = new WideBuffer(a.Count);
        using var wideB = new WideBuffer(b.Count);
        for (long r = 0, rows = k == 0 ? 0 : a.Count / k; r < rows; r++)
            WideBuffer.Load(a, r * k, k, 1, wideA.P + r * k, ZeroPointA(c, r, rows));
        for (long i = 0, matrices = k * n == 0 ? 0 : b.Count / (k * n); i < matrices; i++)
            LoadColumns(c, b, i, k, n, wideB.P);
        using var offsets = new WideBuffer(k); // 8-byte slots
        long* offset = (long*)offsets.P;
        for (long i = 0; i < k; i++) offset[i] = i * n;

        double* sums = stackalloc double[WeightedSum.Sums];
        for (long batch = 0; batch < batches; batch++)
        {
            (long ia, long ib) = (0, 0);
            long rest = batch, strideA = 1, strideB = 1;
            for (int d = 1; d <= rank; d++)
            {
                long da = d > la.Rank ? 1 : la.AsSpan()[^d], db = d > lb.Rank ? 1 : lb.AsSpan()[^d], dim = Math.Max(da, db);
                if (da > 1) ia += rest % dim * strideA;
                if (db > 1) ib += rest % dim * strideB;
                rest /= dim;
                strideA *= da;
                strideB *= db;
            }
            for (long j = 0; j < n; j += WeightedSum.Lanes)
            {
                int count = (int)Math.Min(WeightedSum.Lanes, n - j);
                for (long i = 0; i < m; i += WeightedSum.Rows)
                {
                    int some = (int)Math.Min(WeightedSum.Rows, m - i);
                    WeightedSum.Run(wideA.P + (ia * m + i) * k, some, wideB.P + ib * k * n + j, offset, k, 1, sums, count);
                    for (long r = i; r < i + some; r++)
                        for (int t = 0; t < count; t++) Store(c, (batch * m + r) * n + j + t, ia * m + r, ib * n + j + t, n, sums[(r - i) * WeightedSum.Lanes + t]);
                }
            }
        }
    }

    private void LoadColumns(ComputeContext c, Tensor b, long matrix, long k, long n, double* to)
    {
        long first = matrix * k * n;
        WideBuffer.Load(b, first, k * n, 1, to + first);
        for (long j = 0; j < n; j++)
        {
            double zero = ZeroPointB(c, matrix, j, n);
            if (zero == 0) continue;
            for (long i = 0; i < k; i++) to[first + i * n + j] -= zero;
        }
    }

    private static Shape Leading(Shape s) => new(s.AsSpan()[..Math.Max(0, s.Rank - 2)]);
}
