using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>y = min(max(x, min), max); either bound may be missing. Where min exceeds max the result is max.</summary>
[Operator("Clip", "input, min?, max?", "output")]
public sealed partial class Clip : Operator
{
    public override bool CanRunInPlace(int input) => input == 0;

    public override void Infer(InferContext context)
    {
        context.ExpectType(0, context.DType(0).IsFloat() || context.DType(0).IsInteger(), "a number");
        for (int i = 1; i <= 2; i++)
        {
            if (!context.HasInput(i)) continue;
            context.SameType(0, i);
            if (context.Shape(i).IsKnown && context.Shape(i).Count != 1) throw context.Error($"input {i} must be one number, got shape {context.Shape(i)}");
        }
        context.SetOutput(0, context.DType(0), context.Shape(0));
    }

    public override void Compute(ComputeContext context)
    {
        Tensor x = context.Input(0), y = context.Output(0);
        Tensor? min = context.OptionalInput(1), max = context.OptionalInput(2);
        for (long i = 0, n = y.Count; i < n; i++)
        {
            if (max != null && Below(max, x, i)) Elements.Copy(max, 0, y, i);
            else if (min != null && Elements.Compare(x, i, min, 0) < 0) Elements.Copy(max != null && Elements.Compare(max, 0, min, 0) < 0 ? max : min, 0, y, i);
            else Elements.Copy(x, i, y, i);
        }
    }

    private static bool Below(Tensor bound, Tensor x, long i) => Elements.Compare(bound, 0, x, i) < 0;
}
