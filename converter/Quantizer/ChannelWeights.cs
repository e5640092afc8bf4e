using EdgeLite.Core;

namespace EdgeLite.Converter.Quantizing;

/// <summary>Constant weights as int8 around zero, one scale for each output channel; the bias as int32 in the scale of the products.</summary>
internal static class ChannelWeights
{
    /// <summary>Of fewer channels short factors save nothing.</summary>
    private const int MinShort = 8;

    /// <summary>
    /// scale[c] = max |w[c]| / 127, raised where needed so that the bias fits (|b[c]| / (xScale * scale) below 2^30) and the
    /// factor xScale * scale / yScale stays above 2^-24: channels of almost nothing keep their bias. Where there are a few channels, it
    /// is raised further to where that factor has the <paramref name="form"/>: a short one takes a byte of a packed file in place of four, and is higher by at most 1/128 of
    /// itself; a whole one by 2^-16, of what the layer's result is rounded to.
    /// </summary>
    /// <param name="weights">float32</param>
    /// <param name="axis">the axis of output channels</param>
    /// <param name="bias">one number, or one for each channel; null: none</param>
    /// <param name="xScale">step of the layer's input</param>
    /// <param name="yScale">step of the layer's result</param>
    /// <param name="form">of the factors; Any for weights that several layers share, whose scales are to be the same</param>
    public static float[] Scales(Tensor weights, int axis, Tensor? bias, float xScale, float yScale, FactorForm form)
    {
        float[] scales = Largest(weights, axis);
        for (int c = 0; c < scales.Length; c++)
        {
            double b = bias == null ? 0 : Math.Abs(bias.GetDouble(bias.Count == 1 ? 0 : c));
            if (!double.IsFinite(b)) throw new EdgeLiteException(Status.InvalidGraph, $"A bias {bias} holds {b} for channel {c}; it cannot be quantized.");
            double least = Math.Max(Math.ScaleB((double)yScale / xScale, -24), Math.ScaleB(b / xScale, -30));
            double scale = Math.Max(scales[c] / 127.0, least), factor = xScale / (double)yScale;
            scales[c] = (float)(scales.Length >= MinShort ? ShortFactor.AtLeast(scale * factor, form) / factor : scale);
        }
        return scales;
    }

    /// <summary>max |w[c]|; all weights must be finite.</summary>
    public static float[] Largest(Tensor weights, int axis)
    {
        var largest = new float[weights.Shape[axis]];
        long inner = weights.Shape.Product(axis + 1, weights.Shape.Rank);
        ReadOnlySpan<float> w = weights.Span<float>();
        for (int i = 0; i < w.Length; i++)
        {
            int c = (int)(i / inner % largest.Length);
            if (!float.IsFinite(w[i])) throw new EdgeLiteException(Status.InvalidGraph, $"Weights {weights} hold {w[i]} at element {i}; they cannot be quantized.");
            largest[c] = Math.Max(largest[c], Math.Abs(w[i]));
        }
        return largest;
    }

    /// <summary>round(w / scale[c]) within [-127, 127].</summary>
    public static Tensor Quantize(Tensor weights, int axis, float[] scales)
    {
        var result = new Tensor(DType.Int8, weights.Shape);
        long inner = weights.Shape.Product(axis + 1, weights.Shape.Rank);
        ReadOnlySpan<float> w = weights.Span<float>();
        Span<sbyte> q = result.Span<sbyte>();
        for (int i = 0; i < w.Length; i++)
            q[i] = (sbyte)Math.Clamp(Math.Round((double)w[i] / scales[i / inner % scales.Length], MidpointRounding.ToEven), -127, 127);
        return result;
    }

    /// <summary>round(b / scale[c]) as int32 in the bias's shape; a single number is written out for all channels.</summary>
    public static Tensor Bias(Tensor bias, float[] scales)
    {
        var result = new Tensor(DType.Int32, bias.Count == scales.Length ? bias.Shape : new Shape(scales.Length));
        for (int c = 0; c < scales.Length; c++)
            result.SetInt64(c, (long)Math.Clamp(Math.Round(bias.GetDouble(bias.Count == 1 ? 0 : c) / scales[c], MidpointRounding.ToEven), int.MinValue, int.MaxValue));
        return result;
    }
}
