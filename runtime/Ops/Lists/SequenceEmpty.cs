using EdgeLite.Core;

namespace EdgeLite.Ops.Lists;

/// <summary>A sequence of no tensors of element type dtype.</summary>
[Operator("SequenceEmpty", "", "output")]
public sealed partial class SequenceEmpty : ListOperator
{
    [Attr("dtype")] public long ElementType { get; set; } = (long)DType.Float32;

    public override void Infer(InferContext c) =>
        c.SetOutput(0, ElementType is > 0 and <= (long)DType.Int2 ? new TensorType((DType)ElementType, Shape.Unranked, ValueKind.Sequence)
            : throw c.Error($"dtype is {ElementType}, which is no element type"));

    public override void Compute(ComputeContext c) => c.Output(0).Elements = [];
}
