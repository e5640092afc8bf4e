using System.Numerics;
using EdgeLite.Core;

namespace EdgeLite.Ops.EdgeLite;

/// <summary>A positive real factor in fixed point: <c>Value * 2^(Shift - 31)</c>, Value in [2^30, 2^31) or 0.</summary>
public readonly record struct FixedMultiplier(int Value, int Shift);

/// <summary>Parameters of QAdd and QSub (el_qadd_params): both operands are brought to a common scale that is twice the larger of
/// theirs, with 2^LeftShift of headroom, added, and brought to the output's scale.</summary>
public readonly record struct AddScaling(int LeftShift, FixedMultiplier A, FixedMultiplier B, FixedMultiplier Y);

/// <summary>Parameters of QSoftmax (el_qsoftmax_params).</summary>
public readonly record struct SoftmaxScaling(int Multiplier, int LeftShift, int DiffMin);

/// <summary>
/// The integer arithmetic of quantized models, bit for bit that of TensorFlow Lite's interpreter: sources are
/// tensorflow/lite/kernels/internal/{common.h, quantization_util.cc}, kernels/{add,reduce,kernel_util}.cc, and
/// ruy/apply_multiplier.cc for convolutions and dense layers, which alone round once. The same rules in C
/// are in kernels-native/include/el_quant.h. The converter computes multipliers with it, the reference loops apply them.
/// </summary>
public static class FixedPoint
{
    /// <summary>high32(2ab), rounded to nearest, ties away from zero; saturates for INT_MIN * INT_MIN.</summary>
    public static int RoundingDoublingHighMul(int a, int b)
    {
        if (a == int.MinValue && b == int.MinValue) return int.MaxValue;
        long ab = (long)a * b;
        long nudge = ab >= 0 ? 1L << 30 : 1 - (1L << 30);
        return (int)((ab + nudge) / (1L << 31));
    }

    /// <summary>x / 2^exponent rounded to nearest, ties away from zero; exponent in [0, 31].</summary>
    public static int RoundingDivideByPot(int x, int exponent)
    {
        int mask = (int)((1L << exponent) - 1);
        int remainder = x & mask;
        int threshold = (mask >> 1) + (x < 0 ? 1 : 0);
        return (x >> exponent) + (remainder > threshold ? 1 : 0);
    }

    /// <summary>acc * multiplier, the rule of el_requantize.</summary>
    public static int Requantize(int acc, FixedMultiplier m) => Requantize(acc, m.Value, m.Shift);

    /// <summary>acc * multiplier * 2^(shift - 31), the rule of el_requantize.</summary>
    public static int Requantize(int acc, int multiplier, int shift) =>
        RoundingDivideByPot(RoundingDoublingHighMul(shift > 0 ? acc << shift : acc, multiplier), shift > 0 ? 0 : -shift);

    /// <summary>acc * multiplier * 2^(shift - 31) rounded once, halves up, and saturated: el_requantize_once, the rule of convolutions
    /// (neither depthwise nor transposed) and dense layers.</summary>
    public static int RequantizeOnce(int acc, int multiplier, int shift) =>
        (int)Math.Clamp((long)acc * multiplier + (1L << 30 - shift) >> 31 - shift, int.MinValue, int.MaxValue);

    /// <summary>The rule for 64-bit accumulators (int16 activations), el_requantize_s64: the multiplier is cut to 16 bits.</summary>
    public static long Requantize64(long acc, int multiplier, int shift)
    {
        int reduced = multiplier < 0x7fff0000 ? multiplier + (1 << 15) >> 16 : 0x7fff;
        int total = 15 - shift;
        return unchecked(acc * reduced + (1L << total - 1)) >> total;
    }

    /// <summary>The fixed-point form of a real factor; factors below about 2^-32 become 0.</summary>
    public static FixedMultiplier Quantize(double factor)
    {
        if (!(factor >= 0) || double.IsInfinity(factor))
            throw new EdgeLiteException(Status.InvalidGraph, $"{factor} cannot be a quantization multiplier; it must be finite and not negative.");
        if (factor == 0) return default;
        int shift = Math.ILogB(factor) + 1;
        long q = (long)Math.Round(Math.ScaleB(factor, 31 - shift), MidpointRounding.AwayFromZero);
        if (q == 1L << 31)
        {
            q /= 2;
            shift++;
        }
        if (shift < -31) return default;
        if (shift > 30) throw new EdgeLiteException(Status.InvalidGraph, $"{factor} is too large for a quantization multiplier.");
        return new FixedMultiplier((int)q, shift);
    }

    /// <summary>Convolution and dense layers: x scale * w scale / y scale, computed in double as the reference does.</summary>
    public static FixedMultiplier QuantizeProduct(float xScale, float wScale, float yScale) =>
        Quantize((double)xScale * wScale / yScale);

    /// <summary>The mean of <paramref name="count"/> elements: the division is folded into the multiplier (kernels/reduce.cc).</summary>
    public static FixedMultiplier QuantizeMean(float xScale, float yScale, long count)
    {
        FixedMultiplier m = Quantize(xScale / yScale);
        int shift = Math.Min(Math.Min(63 - BitOperations.LeadingZeroCount((ulong)count), 32), 31 + m.Shift);
        return new FixedMultiplier((int)(((long)m.Value << shift) / count), m.Shift - shift);
    }

    /// <summary>ADD and SUB. <paramref name="leftShift"/>: 20 for 8 bits, 15 for 16 bits.</summary>
    public static AddScaling ForAdd(float aScale, float bScale, float yScale, int leftShift = 20)
    {
        double twice = 2 * Math.Max(aScale, bScale);
        return new AddScaling(leftShift, Quantize(aScale / twice), Quantize(bScale / twice), Quantize(twice / ((1 << leftShift) * yScale)));
    }

    /// <summary>SOFTMAX over 8-bit input: differences from the maximum become Q5.26; those below DiffMin count as 0.</summary>
    public static SoftmaxScaling ForSoftmax(float xScale, float beta = 1)
    {
        const int integerBits = 5;
        double factor = Math.Min((double)beta * xScale * (1 << 31 - integerBits), (1L << 31) - 1.0);
        FixedMultiplier m = Quantize(factor);
        if (m.Shift < 0) throw new EdgeLiteException(Status.Unsupported, $"An integer softmax needs scale * beta above 2^-26, got {beta * xScale}.");
        double radius = 1.0 * ((1 << integerBits) - 1) * (1L << 31 - integerBits) / (1L << m.Shift);
        return new SoftmaxScaling(m.Value, m.Shift, -(int)Math.Floor(radius));
    }

    /// <summary>The integer range of a fused clamp [low, high] (infinities: none) within the type's range.</summary>
    public static (int Min, int Max) Range(DType type, float scale, int zeroPoint, float low = float.NegativeInfinity, float high = float.PositiveInfinity)
    {
        (int min, int max) = TypeRange(type);
        if (!float.IsInfinity(low)) min = Math.Max(min, zeroPoint + (int)MathF.Round(low / scale, MidpointRounding.AwayFromZero));
        if (!float.IsInfinity(high)) max = Math.Min(max, zeroPoint + (int)MathF.Round(high / scale, MidpointRounding.AwayFromZero));
        return (Math.Min(min, max), max);
    }

    public static (int Min, int Max) TypeRange(DType type) => type switch
    {
        DType.Int8 => (sbyte.MinValue, sbyte.MaxValue),
        DType.UInt8 => (0, byte.MaxValue),
        DType.Int16 => (short.MinValue, short.MaxValue),
        DType.UInt16 => (0, ushort.MaxValue),
        _ => throw new EdgeLiteException(Status.InvalidType, $"{type.Name()} is not a type of quantized activations."),
    };

    /// <summary>The table of Lut for a function of one real variable over int8 or uint8; entry i belongs to the value i - 128
    /// (int8) or i (uint8). Computed in float32 as the reference does.</summary>
    public static Tensor LookupTable(DType type, float xScale, int xZero, float yScale, int yZero, Func<float, float> function)
    {
        (int min, int max) = TypeRange(type);
        var table = new Tensor(type, new Shape(256));
        float inverse = 1 / yScale;
        for (int value = min; value <= max; value++)
        {
            float y = MathF.Round(function(xScale * (value - xZero)) * inverse, MidpointRounding.AwayFromZero) + yZero;
            table.SetInt64(value - min, (long)Math.Clamp(y, min, max));
        }
        return table;
    }

    /// <summary>Integer division rounded to nearest, ties away from zero, as average pooling does.</summary>
    public static int RoundingDivide(int sum, int count) => (sum > 0 ? sum + count / 2 : sum - count / 2) / count;
}
