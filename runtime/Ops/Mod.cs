namespace EdgeLite.Ops;

/// <summary>Remainder of A / B. fmod = 0: the sign is the divisor's (Python's %); fmod = 1: the dividend's (C's fmod).
/// Integers give 0 for a division by zero.</summary>
[Operator("Mod", "A, B", "C")]
public sealed partial class Mod : ArithmeticBinary
{
    [Attr] public bool Fmod { get; set; }

    protected override double Apply(double a, double b)
    {
        double rest = a % b;
        return Fmod || rest == 0 || rest < 0 == b < 0 ? rest : rest + b;
    }

    protected override long Apply(long a, long b, bool isUnsigned)
    {
        if (b == 0) return 0;
        if (isUnsigned) return (long)((ulong)a % (ulong)b);
        long rest = b == -1 ? 0 : a % b;
        return Fmod || rest == 0 || rest < 0 == b < 0 ? rest : rest + b;
    }
}
