using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>A new axis of size depth holding on at the index and off elsewhere; negative indices count from the end, others
/// outside give off alone. values is [off, on].</summary>
[Operator("OneHot", "indices, depth, values", "output")]
public sealed partial class OneHot : Operator
{
    [Attr] public long Axis { get; set; } = -1;

    public override void Infer(InferContext context)
    {
        Shape indices = context.Shape(0);
        if (context.Shape(2).IsKnown && context.Shape(2).Count != 2) throw context.Error($"values must be [off, on], got shape {context.Shape(2)}");
        if (!indices.IsRanked)
        {
            context.SetOutput(0, context.DType(2), indices);
            return;
        }
        int rank = indices.Rank + 1, axis = context.Axis(Axis, rank);
        if (rank > Shape.MaxRank) throw context.Error($"the result would have {rank} dimensions, at most {Shape.MaxRank} are supported");
        long depth = context.Constant(1) is { } d ? (long)d.GetDouble(0) : Shape.Unknown;
        if (context.Constant(1) != null && depth < 0) throw context.Error($"depth is {depth}");
        Span<long> dims = stackalloc long[Shape.MaxRank];
        indices.AsSpan()[..axis].CopyTo(dims);
        dims[axis] = depth;
        indices.AsSpan()[axis..].CopyTo(dims[(axis + 1)..]);
        context.SetOutput(0, context.DType(2), new Shape(dims[..rank]));
    }

    public override void Compute(ComputeContext context)
    {
        Tensor indices = context.Input(0), values = context.Input(2), y = context.Output(0);
        int axis = context.Axis(Axis, y.Shape.Rank);
        long depth = y.Shape[axis], inner = indices.Shape.Product(axis, indices.Shape.Rank);
        for (long i = 0, n = indices.Count; i < n; i++)
        {
            long index = (long)indices.GetDouble(i);
            if (index < 0) index += depth;
            for (long d = 0; d < depth; d++) Elements.Copy(values, d == index ? 1 : 0, y, (i / inner * depth + d) * inner + i % inner);
        }
    }
}
