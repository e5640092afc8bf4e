namespace EdgeLite.Ops;

/// <summary>The sum of all inputs, elementwise.</summary>
[Operator("Sum", "data_0, data*", "sum")]
public sealed partial class Sum : VariadicElementwise
{
    protected override double Apply(double a, double b) => a + b;
    protected override long Apply(long a, long b, bool isUnsigned) => a + b;
}
