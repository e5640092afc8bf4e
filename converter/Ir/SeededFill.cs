using System.Runtime.InteropServices;
using EdgeLite.Core;

namespace EdgeLite.Converter.Ir;

/// <summary>Fills tensors with random numbers that depend on a seed alone, the same everywhere (SplitMix64, Steele, Lea and
/// Flood, OOPSLA 2014).</summary>
public static class SeededFill
{
    /// <summary>Uniform numbers: floats in [-1, 1), 8-bit integers over their whole range (int8 without -128), other integers in [-8, 8] or [0, 8].</summary>
    public static void Fill(Tensor tensor, ulong seed)
    {
        (double low, double high) = tensor.DType switch
        {
            DType.Int8 => (-127, 128),
            DType.UInt8 => (0, 256),
            DType.Bool => (0, 2),
            DType.Int4 => (-8, 8),
            DType.Int2 => (-2, 2),
            DType.UInt2 => (0, 4),
            _ when tensor.DType.IsUnsigned() => (0, 9),
            _ when tensor.DType.IsSigned() => (-8, 9),
            _ => (-1.0, 1.0),
        };
        Fill(tensor, seed, low, high);
    }

    /// <summary>Uniform numbers in [low, high); integers are rounded down.</summary>
    public static unsafe void Fill(Tensor tensor, ulong seed, double low, double high)
    {
        if (tensor.Strings != null)
        {
            for (int i = 0; i < tensor.Strings.Length; i++) tensor.Strings[i] = $"s{Next(ref seed) % 100}";
            return;
        }
        if (tensor.DType.IsComplex())
        {
            Span<float> parts = MemoryMarshal.Cast<byte, float>(tensor.Bytes);
            if (tensor.DType == DType.Complex64)
                foreach (ref float part in parts) part = (float)(low + (high - low) * Unit(ref seed));
            else
                foreach (ref double part in MemoryMarshal.Cast<byte, double>(tensor.Bytes)) part = low + (high - low) * Unit(ref seed);
            return;
        }
        for (long i = 0, n = tensor.Count; i < n; i++)
        {
            double value = low + (high - low) * Unit(ref seed);
            if (tensor.DType.IsFloat()) tensor.SetDouble(i, value);
            else tensor.SetInt64(i, (long)Math.Floor(value));
        }
    }

    private static double Unit(ref ulong state) => (Next(ref state) >> 11) * (1.0 / (1ul << 53));

    private static ulong Next(ref ulong state)
    {
        ulong z = state += 0x9E3779B97F4A7C15;
        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9;
        z = (z ^ z >> 27) * 0x94D049BB133111EB;
        return z ^ z >> 31;
    }
}
