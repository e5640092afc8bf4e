namespace EdgeLite.Ops;

/// <summary>The smallest of all inputs, elementwise; NaN wins.</summary>
[Operator("Min", "data_0, data*", "min")]
public sealed partial class Min : VariadicElementwise
{
    protected override double Apply(double a, double b) => Math.Min(a, b);
    protected override long Apply(long a, long b, bool isUnsigned) => isUnsigned ? (long)Math.Min((ulong)a, (ulong)b) : Math.Min(a, b);
}
