using static EdgeLite.Tests.Ops.OperatorRun;

namespace EdgeLite.Tests.Ops;

public class ArithmeticTests
{
    [Fact]
    public void Int64_arithmetic_does_not_go_through_double()
    {
        const long odd = (1L << 53) + 1;
        Assert.Equal([odd + 2], Run("Add", [V(odd), V(2L)])[0].ToArray<long>());
        Assert.Equal([odd * 3], Run("Mul", [V(odd), V(3L)])[0].ToArray<long>());
        Assert.Equal([odd], Run("Abs", [V(-odd)])[0].ToArray<long>());
        Assert.Equal([odd], Run("Max", [V(odd), V(odd - 1)])[0].ToArray<long>());
        Assert.Equal([false], Run("Equal", [V(odd), V(odd - 1)])[0].ToArray<bool>());
        Assert.Equal([2 * odd], Run("ReduceSum", [V(odd, odd)])[0].ToArray<long>());
        Assert.Equal([odd, 2 * odd], Run("CumSum", [V(odd, odd), Tensor.FromScalar(0L)])[0].ToArray<long>());
        Assert.Equal([3486784401L, -27L], Run("Pow", [V(3L, -3L), V(20, 3)])[0].ToArray<long>());
        Assert.Equal([odd], Run("Clip", [V(long.MaxValue), null, Tensor.FromScalar(odd)])[0].ToArray<long>());
    }

    [Fact]
    public void Uint64_compares_and_divides_above_the_sign_bit()
    {
        const ulong big = 0x8000_0000_0000_0003;
        Assert.Equal([true], Run("Greater", [V(big), V(1UL)])[0].ToArray<bool>());
        Assert.Equal([0x4000_0000_0000_0001UL], Run("Div", [V(big), V(2UL)])[0].ToArray<ulong>());
        Assert.Equal([big % 10], Run("Mod", [V(big), V(10UL)])[0].ToArray<ulong>());
        Assert.Equal([big], Run("Max", [V(big), V(5UL)])[0].ToArray<ulong>());
        Assert.Equal([big], Run("ReduceMax", [V(5UL, big)])[0].ToArray<ulong>());
        Assert.Equal([big >> 3], Run("BitShift", [V(big), V(3UL)], Attributes(("direction", "RIGHT")))[0].ToArray<ulong>());
    }

    [Fact]
    public void Integer_division_truncates_and_survives_its_corners()
    {
        Assert.Equal([-3, 3, 0, int.MinValue], Run("Div", [V(-7, 7, 5, int.MinValue), V(2, 2, 0, -1)])[0].ToArray<int>());
        Assert.Equal([long.MinValue], Run("Div", [V(long.MinValue), V(-1L)])[0].ToArray<long>());
        Assert.Equal([(sbyte)-128], Run("Div", [V((sbyte)-128), V((sbyte)-1)])[0].ToArray<sbyte>());
    }

    [Fact]
    public void Mod_takes_the_sign_of_the_divisor_and_fmod_that_of_the_dividend()
    {
        Tensor a = V(-4, 7, 5, 4, -7, 8), b = V(2, -3, 8, -2, 3, 5);
        Assert.Equal([0, -2, 5, 0, 2, 3], Run("Mod", [a, b])[0].ToArray<int>());
        Assert.Equal([0, 1, 5, 0, -1, 3], Run("Mod", [a, b], Attributes(("fmod", 1L)))[0].ToArray<int>());
    }

    [Fact]
    public void Clip_gives_max_where_the_bounds_cross_and_passes_nan()
    {
        Assert.Equal([1, 1, float.NaN],
            Run("Clip", [V(-2f, 6f, float.NaN), Tensor.FromScalar(2f), Tensor.FromScalar(1f)])[0].ToArray<float>());
    }

    [Fact]
    public void Half_results_are_rounded_once()
    {
        // 2049 and 1/4096 do not fit in the sum of halves 2048 + 1 + 2^-12, but 2048 + 2 does.
        Tensor sum = Run("Sum", [V((Half)2048), V((Half)1), V((Half)0.000244140625)])[0];
        Assert.Equal((Half)2050, sum.Span<Half>()[0]);
    }

    [Fact]
    public void Comparison_with_nan_is_false()
    {
        Tensor nan = V(float.NaN), one = V(1f);
        foreach (string op in new[] { "Less", "LessOrEqual", "Greater", "GreaterOrEqual", "Equal" })
            Assert.False(Run(op, [nan, one])[0].Span<bool>()[0]);
    }

    [Theory]
    [InlineData(0.5, 0.5204998778130465)]
    [InlineData(-2.9, -0.9999589021219005)]
    [InlineData(3.5, 0.9999992569016276)]
    public void Erf_is_good_to_double_precision(double x, double expected) =>
        Assert.Equal(expected, Run("Erf", [V(x)])[0].Span<double>()[0], 1e-15);

    [Fact]
    public void Mixed_types_are_refused_with_operator_and_types_named()
    {
        var error = Assert.Throws<EdgeLiteException>(() => Run("Add", [V(1f), V(1)]));
        Assert.Contains("Add 'node'", error.Message);
        Assert.Contains("float32 and int32", error.Message);
    }
}
