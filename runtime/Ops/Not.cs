using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>y = not x.</summary>
[Operator("Not", "X", "Y")]
public sealed partial class Not : Operator
{
    public override bool CanRunInPlace(int input) => input == 0;

    public override void Infer(InferContext context)
    {
        context.ExpectBool(0);
        context.SetOutput(0, DType.Bool, context.Shape(0));
    }

    public override void Compute(ComputeContext context)
    {
        Tensor x = context.Input(0), y = context.Output(0);
        for (long i = 0, n = y.Count; i < n; i++) y.SetInt64(i, x.GetInt64(i) == 0 ? 1 : 0);
    }
}
