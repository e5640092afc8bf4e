using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>Reverses the first sequence_lens[b] steps of each batch entry b.</summary>
[Operator("ReverseSequence", "input, sequence_lens", "Y")]
public sealed partial class ReverseSequence : Operator
{
    [Attr] public long BatchAxis { get; set; } = 1;
    [Attr] public long TimeAxis { get; set; }

    public override void Infer(InferContext context)
    {
        if (!(BatchAxis is 0 or 1) || TimeAxis != 1 - BatchAxis) throw context.Error($"batch_axis and time_axis must be 0 and 1, got {BatchAxis} and {TimeAxis}");
        context.ExpectIndex(1);
        context.ExpectRank(1, 1);
        Shape x = context.Shape(0);
        if (x.IsRanked && x.Rank < 2) throw context.Error($"the input must have at least 2 dimensions, got {x}");
        if (x.IsRanked && context.Shape(1).IsRanked) context.Unify(x[(int)BatchAxis], context.Shape(1)[0], "batch size of input and sequence_lens");
        context.SetOutput(0, context.DType(0), x);
    }

    public override void Compute(ComputeContext context)
    {
        Tensor x = context.Input(0), lengths = context.Input(1), y = context.Output(0);
        long batches = x.Shape[(int)BatchAxis], times = x.Shape[(int)TimeAxis], inner = x.Shape.Product(2, x.Shape.Rank);
        for (long b = 0; b < batches; b++)
        {
            long length = lengths.GetInt64(b);
            if (length < 0 || length > times) throw context.Error($"sequence_lens[{b}] is {length}, there are {times} steps");
            for (long t = 0; t < times; t++) Elements.Copy(x, At(b, t < length ? length - 1 - t : t), y, At(b, t), inner);
        }

        long At(long b, long t) => (BatchAxis == 0 ? b * times + t : t * batches + b) * inner;
    }
}
