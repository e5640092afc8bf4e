using EdgeLite.Core;

namespace EdgeLite.Ops.Lists;

/// <summary>A sequence of the inputs.</summary>
[Operator("SequenceConstruct", "inputs*", "output_sequence")]
public sealed partial class SequenceConstruct : ListOperator
{
    public override void Infer(InferContext c)
    {
        TensorType type = c.Tensor(0) with { Kind = ValueKind.Sequence };
        for (int i = 1; i < c.InputCount; i++) type = Holding(c, type, c.Tensor(i));
        c.SetOutput(0, type);
    }

    public override void Compute(ComputeContext c)
    {
        var elements = new Tensor[c.InputCount];
        for (int i = 0; i < elements.Length; i++) elements[i] = c.Input(i).Clone();
        c.Output(0).Elements = elements;
    }
}
