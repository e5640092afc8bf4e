using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>Slices of data along an axis picked by indices: the axis is replaced by the shape of indices.</summary>
[Operator("Gather", "data, indices", "output")]
public sealed partial class Gather : Operator
{
    [Attr] public long Axis { get; set; }

    public override void Infer(InferContext context)
    {
        context.ExpectIndex(1);
        Shape x = context.Shape(0), indices = context.Shape(1);
        if (!x.IsRanked || !indices.IsRanked)
        {
            context.SetOutput(0, context.DType(0), Shape.Unranked);
            return;
        }
        int axis = context.Axis(Axis, x.Rank), rank = x.Rank - 1 + indices.Rank;
        if (rank > Shape.MaxRank) throw context.Error($"the result would have {rank} dimensions, at most {Shape.MaxRank} are supported");
        Span<long> dims = stackalloc long[Shape.MaxRank];
        x.AsSpan()[..axis].CopyTo(dims);
        indices.AsSpan().CopyTo(dims[axis..]);
        x.AsSpan()[(axis + 1)..].CopyTo(dims[(axis + indices.Rank)..]);
        context.SetOutput(0, context.DType(0), new Shape(dims[..rank]));
    }

    public override void Compute(ComputeContext context)
    {
        Tensor x = context.Input(0), indices = context.Input(1), y = context.Output(0);
        int axis = context.Axis(Axis, x.Shape.Rank);
        long outer = x.Shape.Product(0, axis), dim = x.Shape[axis], inner = x.Shape.Product(axis + 1, x.Shape.Rank), count = indices.Count;
        for (long i = 0; i < count; i++)
        {
            long index = context.Wrap(indices.GetInt64(i), dim);
            for (long o = 0; o < outer; o++) Elements.Copy(x, (o * dim + index) * inner, y, (o * count + i) * inner, inner);
        }
    }
}
