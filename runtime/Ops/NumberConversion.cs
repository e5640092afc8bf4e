using System.Globalization;
using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>Converts one element between any two types, as Cast defines it.</summary>
internal static unsafe class NumberConversion
{
    /// <summary>Floats round to nearest even, to integers they truncate; integers keep their low bits; bool is "not zero".
    /// <paramref name="saturate"/> is for 8-bit floats: overflow gives the largest value instead of infinity or NaN.
    /// <paramref name="roundMode"/> is for float8e8m0: "up", "down" or "nearest".</summary>
    public static void Convert(Tensor x, long i, Tensor y, long j, bool saturate = true, string roundMode = "up")
    {
        y.Require(j, 1);
        if (y.DType == x.DType) Elements.Copy(x, i, y, j);
        else if (x.DType == DType.String) Parse(x.Strings![i], y, j, saturate, roundMode);
        else if (y.DType == DType.String) y.Strings![j] = Format(x, i);
        else if (!x.DType.IsFloat()) FromInteger(x, i, y, j, saturate, roundMode);
        else FromDouble(x.GetDouble(i), y, j, saturate, roundMode);
    }

    private static void FromInteger(Tensor x, long i, Tensor y, long j, bool saturate, string roundMode)
    {
        long value = x.GetInt64(i);
        bool isUnsigned = x.DType == DType.UInt64;
        if (!y.DType.IsFloat()) y.SetInt64(j, value);
        else if (y.DType == DType.Float32) ((float*)y.Data)[j] = isUnsigned ? (ulong)value : value;
        else FromDouble(isUnsigned ? (ulong)value : value, y, j, saturate, roundMode);
    }

    private static void FromDouble(double value, Tensor y, long j, bool saturate, string roundMode)
    {
        switch (y.DType)
        {
            case DType.Float8E4M3FN or DType.Float8E4M3FNUZ or DType.Float8E5M2 or DType.Float8E5M2FNUZ:
                y.Data[j] = SmallFloat.FromSingle(y.DType, (float)value, saturate);
                break;
            case DType.Float8E8M0:
                y.Data[j] = ToPowerOfTwo((float)value, saturate, roundMode);
                break;
            default:
                y.SetDouble(j, value);
                break;
        }
    }

    /// <summary>float8e8m0 holds 2^(bits - 127), 255 being NaN; OCP microscaling formats 1.0. The sign is dropped.</summary>
    private static byte ToPowerOfTwo(float value, bool saturate, string roundMode)
    {
        if (float.IsNaN(value)) return 255;
        uint bits = BitConverter.SingleToUInt32Bits(value) & 0x7fffffff;
        if (float.IsInfinity(value)) return saturate ? (byte)254 : (byte)255;
        uint exponent = bits >> 23, fraction = bits & 0x7fffff;
        bool up = roundMode switch
        {
            "up" => exponent == 0 ? fraction > 0x400000 : fraction != 0,
            "nearest" => exponent == 0 ? fraction > 0x600000 : fraction >= 0x400000,
            _ => false,
        };
        if (up) exponent++;
        return exponent > 254 ? saturate ? (byte)254 : (byte)255 : (byte)exponent;
    }

    private static void Parse(string text, Tensor y, long j, bool saturate, string roundMode)
    {
        ReadOnlySpan<char> t = text.AsSpan().Trim();
        if (y.DType.IsInteger())
        {
            if (y.DType == DType.UInt64 && ulong.TryParse(t, NumberStyles.Integer, CultureInfo.InvariantCulture, out ulong u)) y.SetInt64(j, (long)u);
            else if (long.TryParse(t, NumberStyles.Integer, CultureInfo.InvariantCulture, out long l)) y.SetInt64(j, l);
            else FromDouble(ParseReal(t, text), y, j, saturate, roundMode);
        }
        else FromDouble(ParseReal(t, text), y, j, saturate, roundMode);
    }

    private static double ParseReal(ReadOnlySpan<char> t, string text)
    {
        ReadOnlySpan<char> bare = t.TrimStart("+-");
        double sign = t.Length > 0 && t[0] == '-' ? -1 : 1;
        if (bare.Equals("inf", StringComparison.OrdinalIgnoreCase) || bare.Equals("infinity", StringComparison.OrdinalIgnoreCase)) return sign * double.PositiveInfinity;
        if (bare.Equals("nan", StringComparison.OrdinalIgnoreCase)) return double.NaN;
        if (double.TryParse(t, NumberStyles.Float, CultureInfo.InvariantCulture, out double value)) return value;
        throw new EdgeLiteException(Status.RuntimeFailure, $"Cast: the string '{text}' is not a number.");
    }

    /// <summary>The shortest text that reads back as the same number of the same type.</summary>
    private static string Format(Tensor x, long i)
    {
        if (x.DType == DType.Bool) return x.GetInt64(i) != 0 ? "True" : "False";
        if (x.DType == DType.UInt64) return ((ulong)x.GetInt64(i)).ToString(CultureInfo.InvariantCulture);
        if (!x.DType.IsFloat()) return x.GetInt64(i).ToString(CultureInfo.InvariantCulture);
        double value = x.GetDouble(i);
        if (double.IsNaN(value)) return "NaN";
        if (double.IsInfinity(value)) return value > 0 ? "INF" : "-INF";
        return x.DType switch
        {
            DType.Float64 => value.ToString("R", CultureInfo.InvariantCulture),
            DType.Float16 => ((Half)value).ToString("R", CultureInfo.InvariantCulture),
            _ => ((float)value).ToString("R", CultureInfo.InvariantCulture),
        };
    }
}
