using EdgeLite.Converter.Quantizing;

namespace EdgeLite.Tests.Quantizing;

public class RangeObserverTests
{
    private static float[] Ramp(int n, float from, float to) => [.. Enumerable.Range(0, n).Select(i => from + (to - from) * (i + 0.5f) / n)];

    [Fact]
    public void Extremes_include_zero()
    {
        var o = new RangeObserver();
        o.Observe([3, 5, 4]);
        Assert.Equal((0, 5), o.Range(RangeMethod.MinMax, 100));
        o.Observe([-7]);
        Assert.Equal((-7, 5), o.Range(RangeMethod.MinMax, 100));
        Assert.Equal((-7, 5), o.Range(RangeMethod.Percentile, 100));
    }

    // Uniform on [-10, 30): 99 % keeps all but 0.5 % of the width, 0.2, at each end.
    [Theory]
    [InlineData(99, -9.8, 29.8)]
    [InlineData(90, -8, 28)]
    [InlineData(60, -2, 22)]
    public void A_percentile_cuts_half_of_the_rest_at_each_end(double percentile, double low, double high)
    {
        var o = new RangeObserver();
        o.Observe(Ramp(40000, -10, 30));
        (float min, float max) = o.Range(RangeMethod.Percentile, percentile);
        Assert.Equal(low, min, 2);
        Assert.Equal(high, max, 2);
    }

    [Fact]
    public void Outliers_are_cut_and_the_order_of_samples_does_not_matter()
    {
        float[] small = Ramp(100000, 0, 1), outlier = [1000, -0.001f];
        var a = new RangeObserver();
        a.Observe(small);
        a.Observe(outlier);
        var b = new RangeObserver();
        b.Observe(outlier);
        for (int i = small.Length - 1; i >= 0; i--) b.Observe([small[i]]);
        (float Min, float Max) range = a.Range(RangeMethod.Percentile, 99.99);
        Assert.Equal(range, b.Range(RangeMethod.Percentile, 99.99));
        Assert.Equal(a.Range(RangeMethod.MeanSquaredError, 0), b.Range(RangeMethod.MeanSquaredError, 0));
        Assert.InRange(range.Max, 0.99f, 1.25f); // bins are 1024 / 4096 wide
        Assert.Equal(1000, a.Range(RangeMethod.MinMax, 0).Max);
    }

    [Fact]
    public void Least_squared_error_cuts_a_long_tail_and_leaves_a_uniform_range()
    {
        var uniform = new RangeObserver();
        uniform.Observe(Ramp(10000, -1, 1));
        (float min, float max) = uniform.Range(RangeMethod.MeanSquaredError, 0);
        Assert.InRange(min, -1, -0.97f);
        Assert.InRange(max, 0.97f, 1);

        // Exponential: clipping at a costs 2 exp(-a), steps cost (a / 255)^2 / 12; the least sum is at a = 11.2.
        var tail = new RangeObserver();
        tail.Observe([.. Ramp(1000000, 0, 1).Select(u => -MathF.Log(1 - u))]);
        Assert.InRange(tail.Range(RangeMethod.MeanSquaredError, 0).Max, 10.5f, 11.9f);
        Assert.True(tail.Max > 13);
    }

    [Fact]
    public void Zeros_are_exact_in_every_range_and_do_not_count()
    {
        float[] tail = [.. Ramp(100000, 0, 1).Select(u => -MathF.Log(1 - u))];
        RangeObserver alone = new(), rectified = new();
        alone.Observe(tail);
        rectified.Observe(tail);
        rectified.Observe(new float[900000]);
        foreach (RangeMethod method in new[] { RangeMethod.MeanSquaredError, RangeMethod.Entropy })
            Assert.Equal(alone.Range(method, 0), rectified.Range(method, 0));
    }

    [Fact]
    public void Entropy_keeps_what_is_spread_evenly_and_cuts_one_stray_number()
    {
        var uniform = new RangeObserver();
        uniform.Observe(Ramp(100000, -1, 1));
        (float min, float max) = uniform.Range(RangeMethod.Entropy, 0);
        Assert.InRange(min, -1, -0.97f);
        Assert.InRange(max, 0.97f, 1);
        uniform.Observe([3.9f]);
        Assert.InRange(uniform.Range(RangeMethod.Entropy, 0).Max, 0.97f, 1.2f);
    }

    // 0.9 * (0.9 * 10 + 0.1 * 20) + 0.1 * 0 of the largest, each sample weighing a tenth.
    [Fact]
    public void A_moving_average_follows_the_ends_of_samples()
    {
        var o = new RangeObserver();
        o.Observe([-1, 10]);
        o.Observe([-1, 20]);
        o.Observe([-1, 0]);
        Assert.Equal((-1, 9.9f), o.Range(RangeMethod.MovingAverage, 0));
    }

    [Fact]
    public void NaN_and_infinity_are_counted_and_in_no_range()
    {
        var o = new RangeObserver();
        o.Observe([float.NaN, 2, float.NegativeInfinity]);
        o.Observe([float.NaN]);
        Assert.Equal(3, o.NonFinite);
        Assert.Equal(1, o.Count);
        Assert.Equal((0, 2), o.Range(RangeMethod.MinMax, 100));
    }

    [Fact]
    public void A_percentile_that_is_none_is_refused()
    {
        var o = new RangeObserver();
        o.Observe([1]);
        Assert.Throws<EdgeLiteException>(() => o.Range(RangeMethod.Percentile, 101));
        Assert.Throws<EdgeLiteException>(() => o.Range(RangeMethod.Percentile, double.NaN));
    }
}
