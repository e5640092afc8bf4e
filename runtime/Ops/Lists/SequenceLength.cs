using EdgeLite.Core;

namespace EdgeLite.Ops.Lists;

/// <summary>The number of tensors in a sequence.</summary>
[Operator("SequenceLength", "input_sequence", "length")]
public sealed partial class SequenceLength : ListOperator
{
    public override void Infer(InferContext c)
    {
        c.Sequence(0);
        c.SetOutput(0, DType.Int64, Shape.Scalar);
    }

    public override void Compute(ComputeContext c) => c.Output(0).SetInt64(0, c.Input(0).Elements.Length);
}
