using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>Dimensions in another order: output dimension i is input dimension perm[i]; reversed by default.</summary>
[Operator("Transpose", "data", "transposed")]
public sealed partial class Transpose : Operator
{
    [Attr] public long[]? Perm { get; set; }

    public override void Infer(InferContext context)
    {
        Shape x = context.Shape(0);
        if (!x.IsRanked)
        {
            context.SetOutput(0, context.DType(0), Perm == null ? Shape.Unranked : Shape.OfRank(Perm.Length));
            return;
        }
        if (Perm != null && Perm.Length != x.Rank) throw context.Error($"perm has {Perm.Length} entries, input shape is {x}");
        Span<long> dims = stackalloc long[Shape.MaxRank];
        int seen = 0;
        for (int i = 0; i < x.Rank; i++)
        {
            int from = Perm == null ? x.Rank - 1 - i : context.Axis(Perm[i], x.Rank);
            seen |= 1 << from;
            dims[i] = x[from];
        }
        if (seen != (1 << x.Rank) - 1) throw context.Error("perm names a dimension twice");
        context.SetOutput(0, context.DType(0), new Shape(dims[..x.Rank]));
    }

    public override void Compute(ComputeContext context)
    {
        Tensor x = context.Input(0), y = context.Output(0);
        int rank = x.Shape.Rank;
        Span<long> own = stackalloc long[Shape.MaxRank], strides = stackalloc long[Shape.MaxRank];
        StridedCursor.RowMajor(x.Shape.AsSpan(), own);
        for (int i = 0; i < rank; i++) strides[i] = own[Perm == null ? rank - 1 - i : context.Axis(Perm[i], rank)];
        var from = new StridedCursor(y.Shape.AsSpan(), strides[..rank]);
        for (long k = 0, n = y.Count; k < n; k++, from.Next()) Elements.Copy(x, from.Offset, y, k);
    }
}
