namespace EdgeLite.Converter.Quantizing;

/// <summary>Scale and zero point of a block of weights: of several that leave out more and more of the extremes, the ones with the least
/// squared error. Weights are scale * (q - zero), q in [-2^(bits-1), 2^(bits-1)).</summary>
internal static class BlockRange
{
    private const int Trials = 16;

    public static (Half Scale, int Zero) Of(ReadOnlySpan<float> w, int bits, bool asymmetric)
    {
        float low = 0, high = 0;
        foreach (float v in w)
        {
            low = Math.Min(low, v);
            high = Math.Max(high, v);
        }
        if (low == 0 && high == 0) return ((Half)1, 0);
        int most = (1 << (bits - 1)) - 1, least = -most - 1;
        (Half, int) best = ((Half)1, 0);
        double bestError = double.PositiveInfinity;
        for (int t = 0; t < Trials; t++)
        {
            float kept = 1 - 0.5f * t / Trials;
            if (asymmetric)
            {
                float scale = (high - low) * kept / (most - least);
                Try(w, scale, (int)Math.Clamp(MathF.Round(least - low * kept / Rounded(scale)), least, most), bits, ref best, ref bestError);
                continue;
            }
            // There is one more negative number than positive ones: it may serve the larger side, by a scale of the other sign.
            float size = Math.Max(-low, high) * kept;
            Try(w, size / most, 0, bits, ref best, ref bestError);
            Try(w, high > -low ? size / least : -size / least, 0, bits, ref best, ref bestError);
        }
        return best;
    }

    /// <summary>The nearest number that can be stored.</summary>
    public static int Round(float value, float scale, int zero, int bits) =>
        (int)Math.Clamp(MathF.Round(value / scale, MidpointRounding.ToEven) + zero, -(1 << (bits - 1)), (1 << (bits - 1)) - 1);

    private static float Rounded(float scale) => (float)Stored(scale);

    /// <summary>As float16, not below its smallest number of full precision, nor infinite.</summary>
    private static Half Stored(float scale) =>
        (Half)(MathF.Abs(scale) < 6.1035156e-5f ? MathF.CopySign(6.1035156e-5f, scale) : Math.Clamp(scale, -65504, 65504));

    private static void Try(ReadOnlySpan<float> w, float wanted, int zero, int bits, ref (Half, int) best, ref double bestError)
    {
        Half stored = Stored(wanted);
        float scale = (float)stored;
        double error = 0;
        foreach (float v in w)
        {
            double d = v - scale * (Round(v, scale, zero, bits) - zero);
            error += d * d;
        }
        if (error >= bestError) return;
        bestError = error;
        best = (stored, zero);
    }
}
