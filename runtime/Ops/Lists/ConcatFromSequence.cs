using EdgeLite.Core;

namespace EdgeLite.Ops.Lists;

/// <summary>The tensors of a sequence joined along an axis, a new one when new_axis is set.</summary>
[Operator("ConcatFromSequence", "input_sequence", "concat_result")]
public sealed partial class ConcatFromSequence : ListOperator
{
    [Attr(Required = true)] public long Axis { get; set; }
    [Attr] public bool NewAxis { get; set; }

    public override void Infer(InferContext c)
    {
        TensorType element = c.Sequence(0);
        Shape shape = element.Shape;
        if (shape.IsRanked)
        {
            int axis = c.Axis(Axis, NewAxis ? shape.Rank + 1 : shape.Rank);
            shape = NewAxis ? SubgraphTypes.Insert(shape, axis, Shape.Unknown) : shape.With(axis, Shape.Unknown);
        }
        c.SetOutput(0, element.DType, shape);
    }

    public override void Compute(ComputeContext c)
    {
        Tensor[] parts = c.Input(0).Elements;
        if (parts.Length == 0) throw c.Error("the sequence is empty: there is nothing to join");
        Shape first = parts[0].Shape;
        int rank = NewAxis ? first.Rank + 1 : first.Rank;
        long given = Axis < 0 ? Axis + rank : Axis;
        if (given < 0 || given >= rank) throw c.Error($"axis {Axis} is outside {rank} dimensions");
        int axis = (int)given;
        long length = 0;
        foreach (Tensor part in parts)
        {
            bool fits = part.Shape.Rank == first.Rank;
            for (int d = 0; fits && d < first.Rank; d++) fits = part.Shape[d] == first[d] || d == axis && !NewAxis;
            if (!fits) throw c.Error($"elements of shapes {first} and {part.Shape} cannot be joined along axis {axis}");
            length = checked(length + (NewAxis ? 1 : part.Shape[axis]));
        }
        Tensor y = c.Allocate(0, parts[0].DType, NewAxis ? SubgraphTypes.Insert(first, axis, length) : first.With(axis, length));
        long outer = y.Shape.Product(0, axis), inner = y.Shape.Product(axis + 1, rank), at = 0;
        foreach (Tensor part in parts)
        {
            long run = inner * (NewAxis ? 1 : part.Shape[axis]);
            for (long o = 0; o < outer; o++) Elements.Copy(part, o * run, y, o * length * inner + at, run);
            at += run;
        }
    }
}
