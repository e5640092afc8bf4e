using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>A copy of data in which output[indices[i][j]][j] takes updates[i][j] for axis 0, and so on.</summary>
[Operator("ScatterElements", "data, indices, updates", "output")]
public sealed partial class ScatterElements : Operator
{
    [Attr] public long Axis { get; set; }

    /// <summary>"none", "add", "mul", "max" or "min".</summary>
    [Attr] public string Reduction { get; set; } = "none";

    public override bool CanRunInPlace(int input) => input == 0;

    public override void Infer(InferContext context)
    {
        context.ExpectIndex(1);
        context.SameType(0, 2);
        ScatterReduction.Check(context, Reduction);
        if (context.Shape(0).IsRanked)
        {
            context.Axis(Axis, context.Shape(0).Rank);
            context.ExpectRank(1, context.Shape(0).Rank);
        }
        if (context.Shape(1).IsKnown && context.Shape(2).IsKnown && context.Shape(1) != context.Shape(2))
            throw context.Error($"indices {context.Shape(1)} and updates {context.Shape(2)} must have one shape");
        context.SetOutput(0, context.DType(0), context.Shape(0));
    }

    public override void Compute(ComputeContext context)
    {
        Tensor indices = context.Input(1), updates = context.Input(2), y = context.Output(0);
        Elements.CopyAll(context.Input(0), y);
        int rank = y.Shape.Rank, axis = context.Axis(Axis, rank);
        for (int d = 0; d < rank; d++)
            if (d != axis && indices.Shape[d] > y.Shape[d]) throw context.Error($"indices {indices.Shape} exceed data {y.Shape}");
        Span<long> strides = stackalloc long[Shape.MaxRank];
        StridedCursor.RowMajor(y.Shape.AsSpan(), strides);
        long step = strides[axis];
        strides[axis] = 0;
        var row = new StridedCursor(indices.Shape.AsSpan(), strides[..rank]);
        for (long k = 0, n = indices.Count; k < n; k++, row.Next())
            ScatterReduction.Apply(Reduction, updates, k, y, row.Offset + context.Wrap(indices.GetInt64(k), y.Shape[axis]) * step);
    }
}
