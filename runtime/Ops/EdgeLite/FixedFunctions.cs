using System.Numerics;

namespace EdgeLite.Ops.EdgeLite;

/// <summary>
/// exp, 1/(1+x), logistic, tanh and 1/sqrt(x) in fixed point, bit for bit those of gemmlowp (fixedpoint/fixedpoint.h), over numbers of
/// <paramref name="width"/> bits (16 or 32): Qm.n means m integer bits, n = width - 1 - m fractional bits, one sign bit.
/// </summary>
public readonly struct FixedFunctions(int width)
{
    /// <summary>exp(-2^k) in Q0 of 32 bits, k = -2 .. 4.</summary>
    private static readonly int[] s_exponentials = [1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242];

    private int Max => (int)((1L << width - 1) - 1);
    private int Min => -Max - 1;

    /// <summary>exp(a) for a &lt;= 0 given in Q<paramref name="integerBits"/>; the result is Q0.</summary>
    public int ExpOnNegative(int a, int integerBits)
    {
        int fraction = width - 1 - integerBits;
        int quarter = 1 << fraction - 2;
        int rest = (a & quarter - 1) - quarter;
        int result = ExpOnLastQuarter(MultiplyByPot(rest, integerBits));
        int remainder = rest - a;
        for (int k = -2; k <= 4 && integerBits > k; k++)
            if ((remainder & 1 << fraction + k) != 0) result = Multiply(result, Constant(s_exponentials[k + 2]));
        if (integerBits > 5 && a < -(1 << fraction + 5)) result = 0;
        return a == 0 ? Max : result;
    }

    /// <summary>1 / (1 + a) for a in [0, 1], Q0 in and out.</summary>
    public int OneOverOnePlus(int a) => MultiplyByPot(Reciprocal(a), 1);

    /// <summary>1 / (1 + exp(-a)), a in Q<paramref name="integerBits"/>, result Q0.</summary>
    public int Logistic(int a, int integerBits)
    {
        if (a == 0) return 1 << width - 2;
        int positive = OneOverOnePlus(ExpOnNegative(a > 0 ? -a : a, integerBits));
        return a > 0 ? positive : Max - positive;
    }

    /// <summary>tanh(a), a in Q<paramref name="integerBits"/>, result Q0: (1 - e) / (1 + e) with e = exp(-2|a|).</summary>
    public int Tanh(int a, int integerBits)
    {
        if (a == 0) return 0;
        int e = ExpOnNegative(a < 0 ? a : -a, integerBits + 1);
        int t = MultiplyByPot(Reciprocal(e) - (1 << width - 3), 2);
        return a < 0 ? -t : t;
    }

    /// <summary>1/x of a positive Q<paramref name="integerBits"/> number, as a Q0 number and the bits that x is over one.</summary>
    public (int Value, int BitsOverUnit) Reciprocal(int x, int integerBits)
    {
        int headroom = BitOperations.LeadingZeroCount((uint)x);
        int shifted = (int)(((uint)x << headroom) - (1u << 31));
        return (OneOverOnePlus(shifted), integerBits - headroom);
    }

    /// <summary>
    /// 1 / sqrt(x) of a whole number as a multiplier: five Newton steps with 3 integer bits (internal/common.h, GetInvSqrtQuantizedMultiplierExp).
    /// 0 counts as 1. Needs a width of 32.
    /// </summary>
    public FixedMultiplier InverseSquareRoot(int x)
    {
        const int One = 1 << 28, HalfRootOfTwo = 1518500250;
        if (x <= 1) return new FixedMultiplier(int.MaxValue, 0);
        int shift = 11;
        for (; x >= 1 << 29; x /= 4) shift++;
        int pairs = (BitOperations.LeadingZeroCount((uint)x) - 1) / 2 - 1;
        shift -= pairs;
        int scaled = x << 2 * pairs >> 1, half = FixedPoint.RoundingDivideByPot(scaled, 1), root = One;
        for (int step = 0; step < 5; step++)
        {
            int cube = MultiplyByPot(Multiply(Multiply(root, root), root), 6);
            root = MultiplyByPot(Multiply(One + One / 2, root) - Multiply(half, cube), 3);
        }
        root = Multiply(root, HalfRootOfTwo);
        return shift < 0 ? new FixedMultiplier(root << -shift, 0) : new FixedMultiplier(root, -shift);
    }

    /// <summary>High half of 2ab, rounded; saturates for the most negative number squared.</summary>
    public int Multiply(int a, int b)
    {
        if (a == Min && b == Min) return Max;
        long ab = (long)a * b;
        long nudge = ab >= 0 ? 1L << width - 2 : 1 - (1L << width - 2);
        return (int)((ab + nudge) / (1L << width - 1));
    }

    /// <summary>exp(a) for a in [-1/4, 0): the Taylor polynomial around -1/8. Q0 in and out.</summary>
    private int ExpOnLastQuarter(int a)
    {
        int atEighth = Constant(1895147668), third = Constant(715827883); // exp(-1/8), 1/3
        int x = Wrap(a + (1 << width - 4));
        int x2 = Multiply(x, x), x3 = Multiply(x2, x), x4 = Multiply(x2, x2);
        int quarterX4 = FixedPoint.RoundingDivideByPot(x4, 2);
        int tail = FixedPoint.RoundingDivideByPot(Wrap(Multiply(Wrap(quarterX4 + x3), third) + x2), 1);
        long sum = (long)atEighth + Multiply(atEighth, Wrap(x + tail));
        return width == 16 ? (int)Math.Clamp(sum, Min, Max) : (int)sum;
    }

    /// <summary>2 / (1 + a) in Q2, a in [0, 1] in Q0: three Newton steps from 48/17 - 32/17 d, d = (1 + a) / 2.</summary>
    private int Reciprocal(int a)
    {
        long sum = (long)a + Max;
        int half = (int)((sum + (sum >= 0 ? 1 : -1)) / 2);
        int x = Wrap(Constant(1515870810) + Multiply(half, Constant(-1010580540)));
        for (int step = 0; step < 3; step++)
        {
            int error = Wrap((1 << width - 3) - Multiply(half, x));
            x = Wrap(x + MultiplyByPot(Multiply(x, error), 2));
        }
        return x;
    }

    /// <summary>A 32-bit constant in this width.</summary>
    private int Constant(int value) => FixedPoint.RoundingDivideByPot(value, 32 - width);

    private int MultiplyByPot(int x, int exponent)
    {
        int threshold = (int)((1L << width - 1 - exponent) - 1);
        return x > threshold ? Max : x < -threshold ? Min : x << exponent;
    }

    private int Wrap(int x) => width == 16 ? (short)x : x;
}
