namespace EdgeLite.Ops;

/// <summary>C = A * B.</summary>
[Operator("Mul", "A, B", "C")]
public sealed partial class Mul : ArithmeticBinary
{
    protected override double Apply(double a, double b) => a * b;
    protected override long Apply(long a, long b, bool isUnsigned) => a * b;
}
