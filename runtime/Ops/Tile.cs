using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>The input repeated along each axis.</summary>
[Operator("Tile", "input, repeats", "output")]
public sealed partial class Tile : Operator
{
    public override void Infer(InferContext context)
    {
        Shape x = context.Shape(0);
        long[]? repeats = context.ConstantInts(1);
        if (x.IsRanked && repeats != null)
        {
            if (repeats.Length != x.Rank) throw context.Error($"repeats has {repeats.Length} entries, input shape is {x}");
            for (int i = 0; i < x.Rank; i++)
            {
                if (repeats[i] < 0) throw context.Error($"repeats[{i}] is {repeats[i]}");
                if (repeats[i] != 1) x = x.With(i, x[i] < 0 && repeats[i] != 0 ? Shape.Unknown : x[i] * repeats[i]);
            }
        }
        else if (x.IsRanked) x = Shape.OfRank(x.Rank);
        context.SetOutput(0, context.DType(0), x);
    }

    public override void Compute(ComputeContext context)
    {
        Tensor x = context.Input(0), y = context.Output(0);
        int rank = x.Shape.Rank;
        Span<long> strides = stackalloc long[Shape.MaxRank], zero = stackalloc long[Shape.MaxRank];
        StridedCursor.RowMajor(x.Shape.AsSpan(), strides);
        zero.Clear();
        var at = new StridedCursor(y.Shape.AsSpan(), zero[..rank]);
        for (long k = 0, n = y.Count; k < n; k++, at.Next())
        {
            long from = 0;
            for (int d = 0; d < rank; d++) from += at.Index(d) % x.Shape[d] * strides[d];
            Elements.Copy(x, from, y, k);
        }
    }
}
