namespace EdgeLite.Ops;

/// <summary>C = A - B.</summary>
[Operator("Sub", "A, B", "C")]
public sealed partial class Sub : ArithmeticBinary
{
    protected override double Apply(double a, double b) => a - b;
    protected override long Apply(long a, long b, bool isUnsigned) => a - b;
}
