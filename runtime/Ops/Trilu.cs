using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>The upper or lower triangle of the last two dimensions, the rest 0; k moves the diagonal to the right.</summary>
[Operator("Trilu", "input, k?", "output")]
public sealed partial class Trilu : Operator
{
    [Attr] public bool Upper { get; set; } = true;

    public override bool CanRunInPlace(int input) => input == 0;

    public override void Infer(InferContext context)
    {
        if (context.Shape(0).IsRanked && context.Shape(0).Rank < 2) throw context.Error($"the input must have at least 2 dimensions, got {context.Shape(0)}");
        context.SetOutput(0, context.DType(0), context.Shape(0));
    }

    public override void Compute(ComputeContext context)
    {
        Tensor x = context.Input(0), y = context.Output(0);
        long k = context.OptionalInput(1)?.GetInt64(0) ?? 0;
        int rank = x.Shape.Rank;
        long rows = x.Shape[rank - 2], columns = x.Shape[rank - 1];
        for (long i = 0, n = y.Count; i < n; i++)
        {
            long row = i / columns % rows, column = i % columns;
            if (Upper ? column - row >= k : column - row <= k) Elements.Copy(x, i, y, i);
            else Elements.Clear(y, i);
        }
    }
}
