using EdgeLite.Core;

namespace EdgeLite.Ops.Lists;

/// <summary>A tensor cut along an axis into a sequence: into pieces of the size that split says (a scalar; the last may be smaller), of
/// the sizes that it lists, or of size 1 without split; those lose the axis when keepdims is 0.</summary>
[Operator("SplitToSequence", "input, split?", "output_sequence")]
public sealed partial class SplitToSequence : ListOperator
{
    [Attr] public long Axis { get; set; }
    [Attr] public bool Keepdims { get; set; } = true;

    public override void Infer(InferContext c)
    {
        TensorType x = c.Tensor(0);
        Shape shape = x.Shape;
        if (c.HasInput(1)) c.Tensor(1);
        if (shape.IsRanked)
        {
            int axis = c.Axis(Axis, shape.Rank);
            shape = !c.HasInput(1) ? Keepdims ? shape.With(axis, 1) : SubgraphTypes.Without(shape, axis)
                : c.Constant(1) is { Count: 1, Shape.Rank: 0 } size && shape[axis] >= 0 && size.GetInt64(0) > 0 && shape[axis] % size.GetInt64(0) == 0 ? shape.With(axis, size.GetInt64(0))
                : shape.With(axis, Shape.Unknown);
        }
        c.SetOutput(0, new TensorType(x.DType, shape, ValueKind.Sequence));
    }

    public override void Compute(ComputeContext c)
    {
        Tensor x = c.Input(0);
        int axis = (int)(Axis < 0 ? Axis + x.Shape.Rank : Axis);
        long length = x.Shape[axis], inner = x.Shape.Product(axis + 1, x.Shape.Rank), outer = x.Shape.Product(0, axis);
        Tensor? split = c.OptionalInput(1);
        bool isList = split is { Shape.Rank: 1 };
        long size = split == null ? 1 : isList ? 0 : split.GetInt64(0);
        if (!isList && size < 1) throw c.Error($"pieces of size {size} are not possible");
        var elements = new Tensor[isList ? split!.Count : (length + size - 1) / size];
        long at = 0;
        for (int i = 0; i < elements.Length; i++)
        {
            long run = isList ? split!.GetInt64(i) : Math.Min(size, length - at);
            if (run < 0 || run > length - at) throw c.Error($"the sizes in split do not cut {length} into pieces");
            Shape shape = split == null && !Keepdims ? SubgraphTypes.Without(x.Shape, axis) : x.Shape.With(axis, run);
            Tensor piece = elements[i] = new Tensor(x.DType, shape);
            for (long o = 0; o < outer; o++) Elements.Copy(x, (o * length + at) * inner, piece, o * run * inner, run * inner);
            at += run;
        }
        if (at != length) throw c.Error($"the sizes in split add up to {at}, the axis has {length}");
        c.Output(0).Elements = elements;
    }
}
