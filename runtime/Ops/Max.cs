namespace EdgeLite.Ops;

/// <summary>The largest of all inputs, elementwise; NaN wins.</summary>
[Operator("Max", "data_0, data*", "max")]
public sealed partial class Max : VariadicElementwise
{
    protected override double Apply(double a, double b) => Math.Max(a, b);
    protected override long Apply(long a, long b, bool isUnsigned) => isUnsigned ? (long)Math.Max((ulong)a, (ulong)b) : Math.Max(a, b);
}
