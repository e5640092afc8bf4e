using EdgeLite.Converter.Quantizing;
using EdgeLite.Ops.EdgeLite;

namespace EdgeLite.Tests.Quantizing;

public class TensorQuantizationTests
{
    // (max - min) / 255 and -128 - min / scale, by hand.
    [Theory]
    [InlineData(0, 255, 1, -128)]
    [InlineData(-128, 127, 1, 0)]
    [InlineData(-1, 1.55, 0.01, -28)]
    [InlineData(0, 6, 6 / 255.0, -128)]
    [InlineData(-2.55, 0, 0.01, 127)]
    [InlineData(1, 2.55, 0.01, -128)] // widened to 0
    [InlineData(-2.55, -1, 0.01, 127)]
    [InlineData(0, 0, 1, 0)]
    [InlineData(-0.3, 0.4, 0.7 / 255, -19)] // -128 + 109.29
    public void A_range_gives_scale_and_zero_point(float min, float max, double scale, int zero)
    {
        TensorQuantization q = TensorQuantization.FromRange(min, max);
        Assert.Equal(scale, q.Scale, 6);
        Assert.Equal(zero, q.ZeroPoint);
        Assert.Equal(0, q.Dequantize(q.Quantize(0)));
    }

    [Theory]
    [InlineData(float.NaN, 1)]
    [InlineData(0, float.PositiveInfinity)]
    [InlineData(2, 1)]
    public void What_is_no_range_is_refused(float min, float max) => Assert.Throws<EdgeLiteException>(() => TensorQuantization.FromRange(min, max));

    [Fact]
    public void Weights_get_a_scale_for_each_channel()
    {
        Tensor w = Tensor.FromArray<float>([1.27f, -0.5f, 0.1f, -2.54f], new Shape(2, 2));
        float[] scales = ChannelWeights.Scales(w, 0, null, 0.5f, 0.1f, FactorForm.Any);
        Assert.Equal([0.01f, 0.02f], scales);
        Assert.Equal([127, -50, 5, -127], ChannelWeights.Quantize(w, 0, scales).ToArray<sbyte>().Select(v => (int)v));
        Assert.Equal([0.01f, 0.02f], ChannelWeights.Scales(Tensor.FromArray<float>([1.27f, 0.1f, -0.5f, -2.54f], new Shape(2, 2)), 1, null, 0.5f, 0.1f, FactorForm.Any));
        Tensor bias = ChannelWeights.Bias(Tensor.FromArray<float>([1, -3], new Shape(2)), [0.005f, 0.01f]);
        Assert.Equal([200, -300], bias.ToArray<int>());
    }

    [Fact]
    public void Factors_of_requantization_are_short_where_weights_are_of_one_layer()
    {
        const float X = 0.0173f, Y = 0.0419f;
        var w = new Tensor(DType.Float32, new Shape(40, 1));
        for (int c = 0; c < 40; c++) w.SetDouble(c, 0.3 + 0.0371 * c);
        float[] plain = ChannelWeights.Scales(w, 0, null, X, Y, FactorForm.Any), scales = ChannelWeights.Scales(w, 0, null, X, Y, FactorForm.Short);
        FixedMultiplier[] exact = [.. scales.Select(s => FixedPoint.QuantizeProduct(X, s, Y))], restored = ShortFactor.Restore(exact);
        for (int c = 0; c < 40; c++)
        {
            Assert.InRange(scales[c] / plain[c], 0.9999999f, 1 + 1f / 128);
            Assert.Equal(0, restored[c].Value & 0x7fffff);
            Assert.InRange(Math.ScaleB(restored[c].Value, restored[c].Shift) / Math.ScaleB(exact[c].Value, exact[c].Shift), 1 - 1e-7, 1 + 1e-7);
        }
        // Whole ones are multiples of 2^-16 besides, higher by one of them at most.
        float[] whole = ChannelWeights.Scales(w, 0, null, X, Y, FactorForm.Whole);
        FixedMultiplier[] factors = ShortFactor.Restore([.. whole.Select(s => FixedPoint.QuantizeProduct(X, s, Y))]);
        for (int c = 0; c < 40; c++)
        {
            double units = Math.ScaleB(factors[c].Value, factors[c].Shift - 31 + 16), least = Math.ScaleB((double)X * plain[c] / Y, 16);
            Assert.Equal(Math.Round(units), units);
            Assert.InRange(units, least * 0.9999999, Math.Max(least * (1 + 1.0 / 128), least + 1));
        }
        // Factors that were not chosen so stay as they are to the bit.
        FixedMultiplier[] others = [.. plain.Select(s => FixedPoint.QuantizeProduct(X, s, Y))];
        Assert.Equal(others, ShortFactor.Restore(others));
    }

    [Fact]
    public void A_channel_without_weights_keeps_its_bias()
    {
        Tensor w = Tensor.FromArray<float>([0, 0, 1e-20f, 0], new Shape(2, 2)), b = Tensor.FromArray<float>([3, 0.25f], new Shape(2));
        const float X = 0.02f, Y = 0.05f;
        float[] scales = ChannelWeights.Scales(w, 0, b, X, Y, FactorForm.Whole);
        Tensor stored = ChannelWeights.Bias(b, [.. scales.Select(s => s * X)]);
        for (int c = 0; c < 2; c++)
        {
            Assert.True(X * scales[c] / Y >= 1.0 / (1 << 25), $"factor of channel {c}");
            Assert.Equal(b.GetDouble(c), stored.GetInt64(c) * (double)scales[c] * X, 4);
        }
    }
}
