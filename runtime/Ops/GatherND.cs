using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>The last dimension of indices addresses elements or slices of data, after batch_dims common leading dimensions.</summary>
[Operator("GatherND", "data, indices", "output")]
public sealed partial class GatherND : Operator
{
    [Attr] public long BatchDims { get; set; }

    public override void Infer(InferContext context)
    {
        context.ExpectIndex(1);
        Shape x = context.Shape(0), indices = context.Shape(1);
        if (!x.IsRanked || !indices.IsRanked || indices.Rank == 0 || indices[indices.Rank - 1] < 0)
        {
            context.SetOutput(0, context.DType(0), Shape.Unranked);
            return;
        }
        int batch = checked((int)BatchDims), depth = checked((int)indices[indices.Rank - 1]);
        if (batch < 0 || batch >= indices.Rank || batch + depth > x.Rank)
            throw context.Error($"data {x} cannot be addressed by {depth} indices after {batch} batch dimensions");
        for (int i = 0; i < batch; i++) context.Unify(x[i], indices[i], $"batch dimension {i}");
        int tail = x.Rank - batch - depth, rank = indices.Rank - 1 + tail;
        if (rank > Shape.MaxRank) throw context.Error($"the result would have {rank} dimensions, at most {Shape.MaxRank} are supported");
        Span<long> dims = stackalloc long[Shape.MaxRank];
        indices.AsSpan()[..^1].CopyTo(dims);
        x.AsSpan()[(batch + depth)..].CopyTo(dims[(indices.Rank - 1)..]);
        context.SetOutput(0, context.DType(0), new Shape(dims[..rank]));
    }

    public override void Compute(ComputeContext context)
    {
        Tensor x = context.Input(0), indices = context.Input(1), y = context.Output(0);
        int batch = (int)BatchDims, rank = indices.Shape.Rank, depth = (int)indices.Shape[rank - 1];
        long batches = x.Shape.Product(0, batch), perBatch = indices.Shape.Product(batch, rank - 1);
        long size = x.Shape.Product(batch, x.Shape.Rank), slice = x.Shape.Product(batch + depth, x.Shape.Rank);
        for (long i = 0; i < batches * perBatch; i++)
        {
            long offset = 0;
            for (int d = 0; d < depth; d++)
                offset = offset * x.Shape[batch + d] + context.Wrap(indices.GetInt64(i * depth + d), x.Shape[batch + d]);
            Elements.Copy(x, i / perBatch * size + offset * slice, y, i * slice, slice);
        }
    }
}
