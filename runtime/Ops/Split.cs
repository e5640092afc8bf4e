using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>An input cut into pieces along an axis: sizes given by the split input, or equal ones (the last may be smaller).</summary>
[Operator("Split", "input, split?", "outputs*")]
public sealed partial class Split : Operator
{
    [Attr] public long Axis { get; set; }
    [Attr] public long? NumOutputs { get; set; }

    public override void Infer(InferContext context)
    {
        Shape x = context.Shape(0);
        if (!x.IsRanked)
        {
            for (int i = 0; i < context.OutputCount; i++) context.SetOutput(i, context.DType(0), Shape.Unranked);
            return;
        }
        int axis = context.Axis(Axis, x.Rank);
        long[]? sizes = context.ConstantInts(1);
        if (sizes != null && sizes.Length != context.OutputCount) throw context.Error($"split names {sizes.Length} sizes, there are {context.OutputCount} outputs");
        if (NumOutputs != null && NumOutputs != context.OutputCount) throw context.Error($"num_outputs is {NumOutputs}, there are {context.OutputCount} outputs");
        long sum = 0;
        for (int i = 0; i < context.OutputCount; i++)
        {
            long size = sizes != null ? sizes[i] : context.HasInput(1) || x[axis] < 0 ? Shape.Unknown : EqualPart(x[axis], context.OutputCount, i);
            sum += size;
            context.SetOutput(i, context.DType(0), x.With(axis, size));
        }
        if (sizes != null && x[axis] >= 0 && sum != x[axis]) throw context.Error($"the sizes of split add up to {sum}, dimension {axis} of the input is {x[axis]}");
    }

    public override void Compute(ComputeContext context)
    {
        Tensor x = context.Input(0);
        Tensor? sizes = context.OptionalInput(1);
        int axis = context.Axis(Axis, x.Shape.Rank);
        long outer = x.Shape.Product(0, axis), inner = x.Shape.Product(axis + 1, x.Shape.Rank), dim = x.Shape[axis], at = 0;
        for (int i = 0; i < context.OutputCount; i++)
        {
            long part = (sizes?.GetInt64(i) ?? EqualPart(dim, context.OutputCount, i)) * inner;
            if (context.HasOutput(i))
                for (long o = 0; o < outer; o++) Elements.Copy(x, o * dim * inner + at, context.Output(i), o * part, part);
            at += part;
        }
    }

    private static long EqualPart(long dim, int count, int i)
    {
        long part = (dim + count - 1) / count;
        return Math.Clamp(dim - i * part, 0, part);
    }
}
