using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>Crops or zero-pads the given axes about their centre to the wanted sizes.</summary>
[Operator("CenterCropPad", "input_data, shape", "output_data")]
public sealed partial class CenterCropPad : Operator
{
    [Attr] public long[]? Axes { get; set; }

    public override void Infer(InferContext context)
    {
        context.ExpectIndex(1);
        Shape x = context.Shape(0);
        if (x.IsRanked)
        {
            long[]? sizes = context.ConstantInts(1);
            int count = Axes?.Length ?? x.Rank;
            if (sizes != null && sizes.Length != count) throw context.Error($"shape has {sizes.Length} entries for {count} axes");
            for (int i = 0; i < count; i++) x = x.With(context.Axis(Axes?[i] ?? i, x.Rank), sizes?[i] ?? Shape.Unknown);
        }
        context.SetOutput(0, context.DType(0), x);
    }

    public override void Compute(ComputeContext context)
    {
        Tensor x = context.Input(0), y = context.Output(0);
        int rank = x.Shape.Rank;
        Span<long> from = stackalloc long[Shape.MaxRank], to = stackalloc long[Shape.MaxRank], box = stackalloc long[Shape.MaxRank];
        Span<long> strideX = stackalloc long[Shape.MaxRank], strideY = stackalloc long[Shape.MaxRank];
        StridedCursor.RowMajor(x.Shape.AsSpan(), strideX);
        StridedCursor.RowMajor(y.Shape.AsSpan(), strideY);
        long startX = 0, startY = 0, count = 1;
        for (int d = 0; d < rank; d++)
        {
            long extra = y.Shape[d] - x.Shape[d];
            from[d] = extra < 0 ? -extra / 2 : 0;
            to[d] = extra > 0 ? extra / 2 : 0;
            box[d] = Math.Min(x.Shape[d], y.Shape[d]);
            startX += from[d] * strideX[d];
            startY += to[d] * strideY[d];
            count *= box[d];
        }
        Elements.Clear(y, 0, y.Count);
        var source = new StridedCursor(box[..rank], strideX[..rank], startX);
        var target = new StridedCursor(box[..rank], strideY[..rank], startY);
        for (long k = 0; k < count; k++, source.Next(), target.Next()) Elements.Copy(x, source.Offset, y, target.Offset);
    }
}
