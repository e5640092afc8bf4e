using EdgeLite.Core;

namespace EdgeLite.Ops.Lists;

/// <summary>Whether an optional value holds something; true for a tensor or sequence, false without input.</summary>
[Operator("OptionalHasElement", "input?", "output")]
public sealed partial class OptionalHasElement : ListOperator
{
    public override void Infer(InferContext c) => c.SetOutput(0, DType.Bool, Shape.Scalar);

    public override void Compute(ComputeContext c)
    {
        Tensor? x = c.OptionalInput(0);
        c.Output(0).SetInt64(0, x != null && ((x.Kind & ValueKind.Optional) == 0 || x.Elements.Length > 0) ? 1 : 0);
    }
}
