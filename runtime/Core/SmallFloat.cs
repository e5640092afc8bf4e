namespace EdgeLite.Core;

/// <summary>
/// Conversions of the float types below 32 bits that .NET has no type for. Layouts: OCP 8-bit floating point specification 1.0
/// (E4M3FN, E5M2), Graphcore/AMD FNUZ variants (arXiv 2206.02915), OCP microscaling formats 1.0 (E8M0, E2M1).
/// </summary>
public static class SmallFloat
{
    private readonly record struct Layout(int Exponent, int Mantissa, int Bias, bool HasInfinity, bool IsUnsignedZero);

    private static Layout LayoutOf(DType type) => type switch
    {
        DType.Float8E4M3FN => new(4, 3, 7, false, false),
        DType.Float8E4M3FNUZ => new(4, 3, 8, false, true),
        DType.Float8E5M2 => new(5, 2, 15, true, false),
        DType.Float8E5M2FNUZ => new(5, 2, 16, false, true),
        DType.Float4E2M1 => new(2, 1, 1, false, false),
        _ => throw new EdgeLiteException(Status.InvalidType, $"{type.Name()} is not a small float type."),
    };

    public static ushort ToBFloat16(double value)
    {
        uint bits = BitConverter.SingleToUInt32Bits((float)value);
        if (double.IsNaN(value)) return (ushort)(bits >> 16 | 0x40);
        return (ushort)(bits + 0x7fff + (bits >> 16 & 1) >> 16);
    }

    public static float ToSingle(DType type, byte bits)
    {
        if (type == DType.Float8E8M0) return bits == 255 ? float.NaN : (float)Math.ScaleB(1.0, bits - 127);
        Layout l = LayoutOf(type);
        int width = 1 + l.Exponent + l.Mantissa;
        bool negative = (bits >> width - 1 & 1) != 0;
        int exponent = bits >> l.Mantissa & (1 << l.Exponent) - 1;
        int mantissa = bits & (1 << l.Mantissa) - 1;
        if (l.IsUnsignedZero && bits == 0x80) return float.NaN;
        if (l.HasInfinity && exponent == (1 << l.Exponent) - 1)
            return mantissa != 0 ? float.NaN : negative ? float.NegativeInfinity : float.PositiveInfinity;
        if (type == DType.Float8E4M3FN && (bits & 0x7f) == 0x7f) return float.NaN;
        double magnitude = exponent == 0
            ? Math.ScaleB(mantissa, 1 - l.Bias - l.Mantissa)
            : Math.ScaleB((1 << l.Mantissa) + mantissa, exponent - l.Bias - l.Mantissa);
        return (float)(negative ? -magnitude : magnitude);
    }

    /// <summary>Rounds to nearest even. <paramref name="saturate"/>: finite overflow and infinity give the largest finite value;
    /// otherwise infinity, or NaN where the type has none.</summary>
    public static byte FromSingle(DType type, float value, bool saturate)
    {
        if (type == DType.Float8E8M0) return ToE8M0(value);
        Layout l = LayoutOf(type);
        int width = 1 + l.Exponent + l.Mantissa;
        bool negative = float.IsNegative(value);
        byte sign = (byte)(negative ? 1 << width - 1 : 0);
        byte nan = type switch
        {
            DType.Float8E4M3FN => (byte)(sign | 0x7f),
            DType.Float8E5M2 => (byte)(sign | 0x7f),
            DType.Float4E2M1 => sign,
            _ => 0x80,
        };
        if (float.IsNaN(value)) return nan;

        byte largest = type switch
        {
            DType.Float8E4M3FN => 0x7e,
            DType.Float8E5M2 => 0x7b,
            DType.Float4E2M1 => 0x7,
            _ => 0x7f,
        };
        double magnitude = Math.Abs((double)value);
        double limit = ToSingle(type, largest);
        int e = magnitude == 0 ? 1 - l.Bias : Math.Max(Math.ILogB(magnitude), 1 - l.Bias);
        double quantum = Math.ScaleB(1.0, e - l.Mantissa);
        double rounded = double.IsInfinity(magnitude) ? magnitude : Math.Round(magnitude / quantum, MidpointRounding.ToEven) * quantum;
        if (rounded > limit)
        {
            if (saturate || type == DType.Float4E2M1) return (byte)(sign | largest);
            return l.HasInfinity ? (byte)(sign | 0x7c) : nan;
        }
        if (rounded == 0) return l.IsUnsignedZero ? (byte)0 : sign;
        int exponent = Math.ILogB(rounded);
        if (exponent < 1 - l.Bias)
            return (byte)(sign | (int)Math.ScaleB(rounded, l.Bias - 1 + l.Mantissa));
        int mantissa = (int)Math.ScaleB(rounded, l.Mantissa - exponent) - (1 << l.Mantissa);
        return (byte)(sign | exponent + l.Bias << l.Mantissa | mantissa);
    }

    private static byte ToE8M0(float value)
    {
        if (float.IsNaN(value) || value < 0) return 255;
        if (value == 0) return 0;
        if (float.IsInfinity(value)) return 254;
        int exponent = Math.ILogB(value);
        if (value / Math.ScaleB(1.0, exponent) >= 1.5) exponent++;
        return (byte)Math.Clamp(exponent + 127, 0, 254);
    }
}
