namespace EdgeLite.Ops;

/// <summary>output = input.</summary>
[Operator("Identity", "input", "output")]
public sealed partial class Identity : ViewOperator
{
    public override void Infer(InferContext context) => context.SetOutput(0, context.DType(0), context.Shape(0));
}
