namespace EdgeLite.Ops;

/// <summary>y = x where x is not negative, otherwise slope * x; slope broadcasts to X.</summary>
[Operator("PRelu", "X, slope", "Y")]
public sealed partial class PRelu : ArithmeticBinary
{
    public override bool CanRunInPlace(int input) => input == 0;

    public override void Infer(InferContext context)
    {
        base.Infer(context);
        if (context.Output(0).Shape is { IsKnown: true } wide && context.Shape(0).IsKnown && wide != context.Shape(0))
            throw context.Error($"slope {context.Shape(1)} does not broadcast to X {context.Shape(0)}");
        context.SetOutput(0, context.DType(0), context.Shape(0));
    }

    protected override double Apply(double a, double b) => a < 0 ? a * b : a;
    protected override long Apply(long a, long b, bool isUnsigned) => !isUnsigned && a < 0 ? a * b : a;
}
