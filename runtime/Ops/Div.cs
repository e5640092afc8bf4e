namespace EdgeLite.Ops;

/// <summary>C = A / B; integers truncate toward zero, and give 0 for a division by zero.</summary>
[Operator("Div", "A, B", "C")]
public sealed partial class Div : ArithmeticBinary
{
    protected override double Apply(double a, double b) => a / b;

    protected override long Apply(long a, long b, bool isUnsigned) =>
        b == 0 ? 0 : isUnsigned ? (long)((ulong)a / (ulong)b) : b == -1 ? -a : a / b;
}
