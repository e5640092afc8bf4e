namespace EdgeLite.Ops;

/// <summary>An operator whose output is its first input under another shape: no element moves.</summary>
public abstract class ViewOperator : Operator
{
    public override bool IsView => true;

    public override bool CanRunInPlace(int input) => input == 0;

    public override void Compute(ComputeContext context) => Elements.CopyAll(context.Input(0), context.Output(0));
}
