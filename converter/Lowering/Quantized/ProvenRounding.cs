using EdgeLite.Ops.EdgeLite;

namespace EdgeLite.Converter.Lowering.Quantized;

/// <summary>
/// Requantization in float32 that gives what the integer rule gives, for every sum that a channel can have: input Near of integer layers,
/// <c>y = saturate(floor(acc * scale + base))</c> with scale and base as <see cref="Decode"/> (el_quant.h). Both that and the rule are monotone steps in acc,
/// so they are equal everywhere where they are equal at both sides of the at most 255 places at which y steps. Factors near that of the rule are tried until they are.
/// </summary>
internal static class ProvenRounding
{
    /// <summary>A place where y steps: <c>y &gt;= Level</c> exactly for sums from <paramref name="First"/> on.</summary>
    private readonly record struct Step(int Level, long First);

    /// <summary>Near for each channel. Null where some channel has none, and where factors are such that kernels know without being told.</summary>
    /// <param name="factors">Of the channels.</param>
    /// <param name="reach">The least and the greatest sum of each.</param>
    /// <param name="yZero">Zero point of y, whose bounds are those of int8; -128 where the rule rounds twice.</param>
    /// <param name="once">Which rule: <see cref="FixedPoint.RequantizeOnce"/>, else <see cref="FixedPoint.Requantize(int, int, int)"/>.</param>
    public static int[]? Of(FixedMultiplier[] factors, (long Low, long High)[] reach, int yZero, bool once)
    {
        if (factors.All(IsWhole)) return null;
        var near = new int[factors.Length];
        for (int c = 0; c < near.Length; c++)
        {
            if (Prove(factors[c], reach[c].Low, reach[c].High, yZero, once) is not { } proven) return null;
            near[c] = proven;
        }
        return near;
    }

    /// <summary>What kernels make of Near, in the same operations: the lower 8 bits are added to scale in units of its last place, the upper 24 to base in units of scale * 2^-20.</summary>
    public static (float Scale, float Base) Decode(int near, FixedMultiplier factor, int yZero, bool once)
    {
        float scale = BitConverter.Int32BitsToSingle(BitConverter.SingleToInt32Bits(MathF.ScaleB(factor.Value, factor.Shift - 31)) + (sbyte)near);
        float nudge = once || factor.Shift >= 0 ? 0 : MathF.ScaleB(1, factor.Shift - 1);
        float start = yZero + 0.5f + nudge, more = (near >> 8) * (scale * MathF.ScaleB(1, -20));
        return (scale, start + more);
    }

    /// <summary>A multiple of 2^-16 of 24 bits, with which float32 rounds nothing.</summary>
    private static bool IsWhole(FixedMultiplier m) => (m.Value & 127) == 0 && (m.Shift >= 15 || m.Value % (1L << 15 - m.Shift) == 0);

    private static int? Prove(FixedMultiplier m, long low, long high, int yZero, bool once)
    {
        if (m.Value == 0) return 0;
        double most = Math.Max(high, -low);
        if (most * m.Value * Math.ScaleB(1, m.Shift - 31) > 1 << 30 || Math.ScaleB(most, once ? 0 : Math.Max(m.Shift, 0)) > int.MaxValue) return null;
        List<Step> steps = Steps(m, low, high, yZero, once);
        for (int i = 0; i < byte.MaxValue; i++)
        {
            int ulps = (i + 1) / 2 * (i % 2 == 0 ? -1 : 1);
            (float scale, float start) = Decode((byte)ulps, m, yZero, once);
            // y >= Level where base >= Level - acc * scale
            double least = double.NegativeInfinity, below = double.PositiveInfinity;
            foreach (Step s in steps)
            {
                if (s.First <= high) least = Math.Max(least, s.Level - (double)RoundDown(s.First) * scale);
                if (s.First > low) below = Math.Min(below, s.Level - (double)RoundDown(s.First - 1) * scale);
            }
            if (!(least < below)) continue;
            double middle = double.IsInfinity(least) || double.IsInfinity(below) ? Math.Clamp(start, least, below) : (least + below) / 2;
            foreach (double wanted in (ReadOnlySpan<double>)[start, middle, AtLeast(least)])
            {
                double units = Math.Round((wanted - start) / (scale * Math.ScaleB(1, -20)));
                if (!(Math.Abs(units) < 1 << 23)) continue;
                int near = (int)units << 8 | (byte)ulps;
                if (Holds(near)) return near;
            }
        }
        return null;

        // The sign of a fused multiply-add is exact, and so is the difference of a float and a level in double.
        bool Holds(int near)
        {
            (float scale, float start) = Decode(near, m, yZero, once);
            foreach (Step s in steps)
                if (s.First <= high && !Reaches(s.First, s.Level) || s.First > low && Reaches(s.First - 1, s.Level)) return false;
            return true;

            bool Reaches(long acc, int level) => Math.FusedMultiplyAdd(RoundDown(acc), scale, (double)start - level) >= 0;
        }
    }

    /// <summary>All steps that y takes within int8.</summary>
    private static List<Step> Steps(FixedMultiplier m, long low, long high, int yZero, bool once)
    {
        double factor = m.Value * Math.ScaleB(1, m.Shift - 31), half = once || m.Shift >= 0 ? 0.5 : 0.5 + Math.ScaleB(1, m.Shift - 1);
        var steps = new List<Step>();
        for (int level = sbyte.MinValue + 1; level <= sbyte.MaxValue; level++)
        {
            long first = (long)Math.Clamp(Math.Ceiling((level - yZero - half) / factor), low, high + 1);
            while (first > low && Rule(first - 1) >= level) first--;
            while (first <= high && Rule(first) < level) first++;
            steps.Add(new Step(level, first));
        }
        return steps;

        int Rule(long acc) => yZero + (once ? FixedPoint.RequantizeOnce((int)acc, m.Value, m.Shift) : FixedPoint.Requantize((int)acc, m));
    }

    /// <summary>A sum as kernels make a float32 of it.</summary>
    private static float RoundDown(long acc)
    {
        float nearest = acc;
        return nearest > (double)acc ? MathF.BitDecrement(nearest) : nearest;
    }

    private static float AtLeast(double x) => (float)x < x ? MathF.BitIncrement((float)x) : (float)x;
}
