using EdgeLite.Core;

namespace EdgeLite.Ops.Lists;

/// <summary>The tensor at position of a sequence.</summary>
[Operator("SequenceAt", "input_sequence, position", "tensor")]
public sealed partial class SequenceAt : ListOperator
{
    public override void Infer(InferContext c)
    {
        c.Tensor(1);
        c.SetOutput(0, c.Sequence(0) with { Kind = ValueKind.Tensor });
    }

    public override void Compute(ComputeContext c)
    {
        Tensor[] elements = c.Input(0).Elements;
        c.Store(0, elements[Position(c, 1, elements.Length, 0)]);
    }
}
