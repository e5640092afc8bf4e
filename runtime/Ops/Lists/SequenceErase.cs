using EdgeLite.Core;

namespace EdgeLite.Ops.Lists;

/// <summary>The sequence without the element at position, without the last one when there is no position.</summary>
[Operator("SequenceErase", "input_sequence, position?", "output_sequence")]
public sealed partial class SequenceErase : ListOperator
{
    public override void Infer(InferContext c)
    {
        if (c.HasInput(1)) c.Tensor(1);
        c.SetOutput(0, c.Sequence(0));
    }

    public override void Compute(ComputeContext c)
    {
        Tensor[] old = c.Input(0).Elements;
        if (old.Length == 0) throw c.Error("the sequence is empty: there is nothing to erase");
        int at = Position(c, 1, old.Length, old.Length - 1);
        var elements = new Tensor[old.Length - 1];
        old.AsSpan(0, at).CopyTo(elements);
        old.AsSpan(at + 1).CopyTo(elements.AsSpan(at));
        c.Output(0).Elements = elements;
    }
}
