using EdgeLite.Core;

namespace EdgeLite.Ops.Lists;

/// <summary>The sequence with one more tensor, before the element at position, at the end without one. Positions: -n to n of n elements.</summary>
[Operator("SequenceInsert", "input_sequence, tensor, position?", "output_sequence")]
public sealed partial class SequenceInsert : ListOperator
{
    public override void Infer(InferContext c)
    {
        if (c.HasInput(2)) c.Tensor(2);
        c.SetOutput(0, Holding(c, c.Sequence(0), c.Tensor(1)));
    }

    public override void Compute(ComputeContext c)
    {
        Tensor[] old = c.Input(0).Elements;
        int n = old.Length, at = n;
        if (c.HasInput(2) && (c.Input(2).Count != 1 || c.Input(2).GetInt64(0) != n))
            at = Position(c, 2, n, n);
        var elements = new Tensor[n + 1];
        old.AsSpan(0, at).CopyTo(elements);
        elements[at] = c.Input(1).Clone();
        old.AsSpan(at).CopyTo(elements.AsSpan(at + 1));
        c.Output(0).Elements = elements;
    }
}
