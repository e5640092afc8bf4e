using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>An operator whose output is its first input under another shape: no element moves.</summary>
public abstract class ViewOperator : Operator
{
    public override bool IsView => true;

    public override bool CanRunInPlace(int input) => input == 0;

    public override void Compute(ComputeContext context)
    {
        Tensor x = context.Input(0), y = context.Output(0);
        // Axes or a shape that came as a value may not fit.
        if (x.Count != y.Count) throw context.Error($"the input has shape {x.Shape}, which cannot become {y.Shape}");
        Elements.CopyAll(x, y);
    }
}
