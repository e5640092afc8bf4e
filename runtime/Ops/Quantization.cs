using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>The rounding that every quantizing operator of ONNX shares.</summary>
internal static class Quantization
{
    /// <summary>Smallest and largest value of an integer type.</summary>
    public static (double Min, double Max) Range(DType type)
    {
        int bits = type.Bits();
        return type.IsSigned() ? (-Math.ScaleB(1, bits - 1), Math.ScaleB(1, bits - 1) - 1) : (0, Math.ScaleB(1, bits) - 1);
    }

    /// <summary>y[i] = saturate(round_half_even(value) + zeroPoint) for an integer tensor; NaN gives the zero point.</summary>
    public static void StoreRounded(Tensor y, long i, double value, double zeroPoint)
    {
        (double min, double max) = Range(y.DType);
        double rounded = double.IsNaN(value) ? zeroPoint : Math.Round(value, MidpointRounding.ToEven) + zeroPoint;
        y.SetInt64(i, (long)Math.Clamp(rounded, min, max));
    }
}
