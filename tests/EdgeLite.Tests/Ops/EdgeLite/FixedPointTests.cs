using EdgeLite.Ops.EdgeLite;

namespace EdgeLite.Tests.Ops.EdgeLite;

/// <summary>Fixed-point functions against the real functions, and the rounding rules at their ties.</summary>
public class FixedPointTests
{
    [Theory]
    [InlineData(5, 1, 3)] // 2.5 -> 3: ties away from zero
    [InlineData(-5, 1, -3)]
    [InlineData(-4, 1, -2)]
    [InlineData(6, 2, 2)]
    [InlineData(-6, 2, -2)]
    [InlineData(7, 0, 7)]
    public void Divides_by_powers_of_two_with_ties_away_from_zero(int x, int exponent, int expected) =>
        Assert.Equal(expected, FixedPoint.RoundingDivideByPot(x, exponent));

    [Theory]
    [InlineData(0.5, 1 << 30, 0)]
    [InlineData(0.75, 1610612736, 0)]
    [InlineData(1.0, 1 << 30, 1)]
    [InlineData(0.25, 1 << 30, -1)]
    [InlineData(0.0, 0, 0)]
    [InlineData(1e-12, 0, 0)]
    [InlineData(0.99999999999, 1 << 30, 1)]
    public void Real_factors_become_multiplier_and_shift(double factor, int value, int shift) =>
        Assert.Equal(new FixedMultiplier(value, shift), FixedPoint.Quantize(factor));

    [Fact]
    public void Requantization_is_the_real_product_within_one_half_and_the_double_rounding()
    {
        var random = new Random(1);
        for (int i = 0; i < 20000; i++)
        {
            int acc = random.Next(-1 << 24, 1 << 24);
            double factor = Math.Pow(2, random.NextDouble() * 12 - 11);
            Assert.InRange(FixedPoint.Requantize(acc, FixedPoint.Quantize(factor)) - acc * factor, -1.01, 1.01);
            Assert.InRange(FixedPoint.Requantize64(acc, FixedPoint.Quantize(factor).Value, FixedPoint.Quantize(factor).Shift) - acc * factor,
                -1 - Math.Abs(acc * factor) / 32000, 1 + Math.Abs(acc * factor) / 32000);
        }
    }

    [Theory]
    [InlineData(1, 0, 1, 1)] // 0.5: halves go up
    [InlineData(-1, 0, 0, 0)]
    [InlineData(1, -1, 0, 1)] // 0.25 becomes 0.5, then 1, when rounded twice
    [InlineData(-2, -1, 0, -1)]
    [InlineData(-6, -2, -1, -1)] // -0.75
    [InlineData(int.MaxValue, 30, int.MaxValue, -536870912)] // the left shift of the rule with two roundings wraps around
    [InlineData(int.MinValue, 30, int.MinValue, 0)]
    public void Dense_layers_round_once_and_saturate(int acc, int shift, int once, int twice)
    {
        Assert.Equal(once, FixedPoint.RequantizeOnce(acc, 1 << 30, shift));
        Assert.Equal(twice, FixedPoint.Requantize(acc, 1 << 30, shift));
    }

    [Fact]
    public void Rounding_once_is_the_floor_of_the_exact_product_and_a_half()
    {
        var random = new Random(3);
        for (int i = 0; i < 20000; i++)
        {
            int shift = random.Next(-31, 31), acc = random.Next(int.MinValue, int.MaxValue) >> random.Next(32);
            int multiplier = random.Next(4) == 0 ? 1 << 30 : random.Next(1 << 30, int.MaxValue);
            // floor((2p + d) / 2d) for p / d = acc * multiplier / 2^(31 - shift)
            Int128 p = (Int128)acc * multiplier, d = Int128.One << 31 - shift;
            (Int128 quotient, Int128 rest) = Int128.DivRem(2 * p + d, 2 * d);
            Int128 expected = Int128.Clamp(rest < 0 ? quotient - 1 : quotient, int.MinValue, int.MaxValue);
            Assert.Equal((int)expected, FixedPoint.RequantizeOnce(acc, multiplier, shift));
        }
    }

    [Theory]
    [InlineData(16, 3, 5e-4)]
    [InlineData(16, 5, 5e-4)]
    [InlineData(32, 4, 1e-6)]
    public void Logistic_and_tanh_and_exp_come_close_to_the_real_functions(int width, int integerBits, double tolerance)
    {
        var f = new FixedFunctions(width);
        double unit = Math.Pow(2, integerBits - (width - 1)), one = Math.Pow(2, width - 1);
        var random = new Random(2);
        for (int i = 0; i < 5000; i++)
        {
            int a = (int)random.NextInt64(-(1L << width - 1), 1L << width - 1);
            double x = a * unit;
            Assert.Equal(1 / (1 + Math.Exp(-x)), f.Logistic(a, integerBits) / one, tolerance);
            Assert.Equal(Math.Tanh(x), f.Tanh(a, integerBits) / one, tolerance);
            Assert.Equal(Math.Exp(-Math.Abs(x)), f.ExpOnNegative(a > 0 ? -a : a, integerBits) / one, tolerance);
        }
        Assert.Equal(1 << width - 2, f.Logistic(0, integerBits));
    }
}
