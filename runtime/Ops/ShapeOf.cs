using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>The shape of the input as int64, dimensions [start, end).</summary>
[Operator("Shape", "data", "shape")]
public sealed partial class ShapeOf : Operator
{
    [Attr] public long Start { get; set; }
    [Attr] public long? End { get; set; }

    public override bool DependsOnShapesOnly => true;

    public override void Infer(InferContext context)
    {
        Shape x = context.Shape(0);
        if (!x.IsRanked)
        {
            context.SetOutput(0, DType.Int64, Shape.OfRank(1));
            return;
        }
        (int start, int end) = Window(x.Rank);
        context.SetOutput(0, DType.Int64, new Shape(end - start));
    }

    public override void Compute(ComputeContext context)
    {
        Shape x = context.Input(0).Shape;
        (int start, int end) = Window(x.Rank);
        for (int i = start; i < end; i++) context.Output(0).SetInt64(i - start, x[i]);
    }

    private (int Start, int End) Window(int rank)
    {
        long start = Math.Clamp(Start < 0 ? Start + rank : Start, 0, rank);
        long end = End is { } e ? Math.Clamp(e < 0 ? e + rank : e, 0, rank) : rank;
        return ((int)start, (int)Math.Max(start, end));
    }
}
