using EdgeLite.Ops.EdgeLite;

namespace EdgeLite.Converter.Quantizing;

/// <summary>What requantization factors the quantizer chooses scales of weights for. Any: whatever weights give. Short: of 8 significant bits. Whole: these, and
/// multiples of 2^-16, with which kernels round nothing on the way to int8 (el_quant.h) and need not look whether that mattered.</summary>
internal enum FactorForm
{
    Any,
    Short,
    Whole,
}

/// <summary>Requantization factors of <see cref="Bits"/> significant bits: the quantizer chooses scales of weights so that the factors of a layer
/// are such, up to the rounding of the scale to a float; the lowering takes them for what they were meant to be.</summary>
internal static class ShortFactor
{
    private const int Bits = 8;

    /// <summary>Rounding a scale to float32 moves a factor by at most 2^-24 of itself.</summary>
    private const int Tolerance = 1 << 31 - 24;

    /// <summary>The smallest factor of the form that is not below <paramref name="factor"/>, which is positive.</summary>
    public static double AtLeast(double factor, FactorForm form)
    {
        if (form == FactorForm.Any) return factor;
        int exponent = Math.ILogB(factor) + 1 - Bits;
        if (form == FactorForm.Whole) exponent = Math.Max(exponent, -16);
        return Math.ScaleB(Math.Ceiling(Math.ScaleB(factor, -exponent)), exponent);
    }

    /// <summary>The factors as short ones where all of them, and several, are that but for the rounding of scales to float32; otherwise as they
    /// are. Of factors that nobody chose so, one in 2^15 is so near to a short one; of a whole layer practically never.</summary>
    public static FixedMultiplier[] Restore(FixedMultiplier[] factors)
    {
        var restored = new FixedMultiplier[factors.Length];
        for (int c = 0; c < factors.Length; c++)
        {
            const int step = 1 << 31 - Bits;
            long value = ((long)factors[c].Value + step / 2) / step * step;
            if (Math.Abs(value - factors[c].Value) > Tolerance) return factors;
            restored[c] = value == 1L << 31 ? new FixedMultiplier(1 << 30, factors[c].Shift + 1) : factors[c] with { Value = (int)value };
        }
        return restored.Distinct().Count() >= 4 ? restored : factors;
    }
}
