namespace EdgeLite.Ops;

/// <summary>The mean of all inputs, elementwise.</summary>
[Operator("Mean", "data_0, data*", "mean")]
public sealed partial class Mean : VariadicElementwise
{
    public override void Infer(InferContext context)
    {
        context.ExpectFloat(0);
        base.Infer(context);
    }

    protected override double Apply(double a, double b) => a + b;
    protected override long Apply(long a, long b, bool isUnsigned) => a + b;
    protected override double Finish(double value, int count) => value / count;
}
