namespace EdgeLite.Ops;

/// <summary>output = input, which may be a sequence or an optional value.</summary>
[Operator("Identity", "input", "output")]
public sealed partial class Identity : ViewOperator
{
    public override bool TakesLists => true;

    public override void Infer(InferContext context) => context.SetOutput(0, context.Input(0));

    public override void Compute(ComputeContext context)
    {
        if (context.Input(0).IsList) context.Store(0, context.Input(0));
        else base.Compute(context);
    }
}
