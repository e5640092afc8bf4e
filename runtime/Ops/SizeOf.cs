using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>The number of elements of the input, an int64 scalar.</summary>
[Operator("Size", "data", "size")]
public sealed partial class SizeOf : Operator
{
    public override bool DependsOnShapesOnly => true;

    public override void Infer(InferContext context) => context.SetOutput(0, DType.Int64, Shape.Scalar);

    public override void Compute(ComputeContext context) => context.Output(0).SetInt64(0, context.Input(0).Count);
}
