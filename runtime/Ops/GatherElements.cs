using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>output[i][j] = data[indices[i][j]][j] for axis 0, and so on: one element per index.</summary>
[Operator("GatherElements", "data, indices", "output")]
public sealed partial class GatherElements : Operator
{
    [Attr] public long Axis { get; set; }

    public override void Infer(InferContext context)
    {
        context.ExpectIndex(1);
        if (context.Shape(0).IsRanked)
        {
            context.Axis(Axis, context.Shape(0).Rank);
            context.ExpectRank(1, context.Shape(0).Rank);
        }
        context.SetOutput(0, context.DType(0), context.Shape(1));
    }

    public override void Compute(ComputeContext context)
    {
        Tensor x = context.Input(0), indices = context.Input(1), y = context.Output(0);
        int rank = x.Shape.Rank, axis = context.Axis(Axis, rank);
        Span<long> strides = stackalloc long[Shape.MaxRank];
        StridedCursor.RowMajor(x.Shape.AsSpan(), strides);
        long step = strides[axis];
        strides[axis] = 0;
        var row = new StridedCursor(y.Shape.AsSpan(), strides[..rank]);
        for (long k = 0, n = y.Count; k < n; k++, row.Next())
            Elements.Copy(x, row.Offset + context.Wrap(indices.GetInt64(k), x.Shape[axis]) * step, y, k);
    }
}
