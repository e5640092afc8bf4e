using EdgeLite.Core;
using EdgeLite.Ops.EdgeLite;

namespace EdgeLite.Converter.Quantizing;

/// <summary>Parameters of an int8 or int16 tensor as a whole: real = Scale * (stored - ZeroPoint).</summary>
public readonly record struct TensorQuantization(float Scale, int ZeroPoint, DType Type = DType.Int8)
{
    /// <summary>What Sigmoid and Softmax give: [0, 255/256].</summary>
    public static TensorQuantization Probability { get; } = new(1f / 256, -128);

    public float Min => Scale * (Least - ZeroPoint);
    public float Max => Scale * (Most - ZeroPoint);

    private int Least => FixedPoint.TypeRange(Type).Min;
    private int Most => FixedPoint.TypeRange(Type).Max;

    /// <summary>
    /// Asymmetric parameters: scale = (max - min) / 255, zero point = round(-128 - min / scale), so that 0 is a stored number and the range
    /// moves by at most half a step. The range is widened to include 0. A range of nothing has scale 1. int16 is symmetric, as in TFLite's
    /// 16x8 scheme: scale = max(-min, max) / 32767.
    /// </summary>
    public static TensorQuantization FromRange(float min, float max, DType type = DType.Int8)
    {
        if (!float.IsFinite(min) || !float.IsFinite(max) || min > max)
            throw new EdgeLiteException(Status.InvalidArgument, $"[{min}, {max}] is not a range that can be quantized.");
        min = Math.Min(min, 0);
        max = Math.Max(max, 0);
        if (type == DType.Int16)
        {
            float most = Math.Max(-min, max);
            return new(most > 0 ? Math.Max((float)((double)most / short.MaxValue), MinScale) : 1, 0, type);
        }
        float scale = (float)(((double)max - min) / 255);
        if (scale < MinScale) return max > min ? new(MinScale, min < 0 ? 127 : -128) : new(1, 0);
        return new(scale, (int)Math.Clamp(Math.Round(-128 - (double)min / scale, MidpointRounding.AwayFromZero), -128, 127));
    }

    /// <summary>The stored number of a real one.</summary>
    public int Quantize(double value) => (int)Math.Clamp(Math.Round(value / Scale, MidpointRounding.ToEven) + ZeroPoint, Least, Most);

    public double Dequantize(long stored) => (double)Scale * (stored - ZeroPoint);

    // Smaller steps leave no room for products of scales among normal floats.
    private const float MinScale = 1e-15f;
}
