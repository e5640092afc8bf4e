using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>A copy of data in which the elements or slices addressed by the last dimension of indices take the updates.</summary>
[Operator("ScatterND", "data, indices, updates", "output")]
public sealed partial class ScatterND : Operator
{
    /// <summary>"none", "add", "mul", "max" or "min".</summary>
    [Attr] public string Reduction { get; set; } = "none";

    public override bool CanRunInPlace(int input) => input == 0;

    public override void Infer(InferContext context)
    {
        context.ExpectType(1, context.DType(1) == DType.Int64, "int64");
        context.SameType(0, 2);
        ScatterReduction.Check(context, Reduction);
        Shape data = context.Shape(0), indices = context.Shape(1), updates = context.Shape(2);
        if (indices.IsRanked && indices.Rank == 0) throw context.Error("indices must have at least one dimension");
        if (data.IsRanked && indices.IsRanked && updates.IsRanked && indices[indices.Rank - 1] is var depth and >= 0)
        {
            if (depth > data.Rank) throw context.Error($"{depth} indices do not address data {data}");
            if (updates.Rank != indices.Rank - 1 + data.Rank - depth) throw context.Error($"updates {updates} do not fit indices {indices} into data {data}");
            for (int d = 0; d < updates.Rank; d++)
                context.Unify(updates[d], d < indices.Rank - 1 ? indices[d] : data[d - indices.Rank + 1 + (int)depth], $"dimension {d} of updates");
        }
        context.SetOutput(0, context.DType(0), data);
    }

    public override void Compute(ComputeContext context)
    {
        Tensor indices = context.Input(1), updates = context.Input(2), y = context.Output(0);
        Elements.CopyAll(context.Input(0), y);
        int depth = (int)indices.Shape[indices.Shape.Rank - 1];
        long slice = y.Shape.Product(depth, y.Shape.Rank), count = indices.Shape.Product(0, indices.Shape.Rank - 1);
        for (long i = 0; i < count; i++)
        {
            long offset = 0;
            for (int d = 0; d < depth; d++) offset = offset * y.Shape[d] + context.Wrap(indices.GetInt64(i * depth + d), y.Shape[d]);
            for (long s = 0; s < slice; s++) ScatterReduction.Apply(Reduction, updates, i * slice + s, y, offset * slice + s);
        }
    }
}
