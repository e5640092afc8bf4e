using static EdgeLite.Tests.Ops.OperatorRun;

namespace EdgeLite.Tests.Ops;

public class ShapeRuleTests
{
    private static readonly long N = Shape.Symbol(0);

    [Theory]
    [InlineData(new long[] { 0, -1 }, "[s0,12]")]
    [InlineData(new long[] { -1, 12 }, "[s0,12]")]
    [InlineData(new long[] { -1, 4, 3 }, "[s0,4,3]")]
    [InlineData(new long[] { -1 }, "[?]")]
    [InlineData(new long[] { 0, 0, -1 }, "[s0,3,4]")]
    public void Reshape_keeps_and_cancels_symbols(long[] wanted, string expected) =>
        Assert.Equal(expected, Infer("Reshape", [(new(DType.Float32, new Shape(N, 3, 4)), null), Known(wanted)]).Shape.ToString());

    [Fact]
    public void Reshape_names_what_does_not_fit()
    {
        var error = Assert.Throws<EdgeLiteException>(() => Infer("Reshape", [(new(DType.Float32, new Shape(2, 3)), null), Known([4, 2])]));
        Assert.Contains("[2,3] with 6 elements cannot become [4,2]", error.Message);
    }

    [Fact]
    public void Concat_adds_sizes_and_unifies_the_rest()
    {
        (TensorType, Tensor?)[] inputs = [(new(DType.Float32, new Shape(N, 3)), null), (new(DType.Float32, new Shape(8, 5)), null)];
        Assert.Equal("[8,8]", Infer("Concat", inputs, Attributes(("axis", 1L))).Shape.ToString());
        Assert.Equal("[?,?]", Infer("Concat", [inputs[0], (new(DType.Float32, Shape.OfRank(2)), null)], Attributes(("axis", 1L))).Shape.With(0, -1).ToString());
    }

    [Fact]
    public void Slice_keeps_a_symbol_that_it_does_not_cut()
    {
        (TensorType, Tensor?) x = (new(DType.Float32, new Shape(N, 10)), null);
        Assert.Equal("[s0,4]", Infer("Slice", [x, Known([0, 1]), Known([long.MaxValue, 9]), Known([0, 1]), Known([1, 2])]).Shape.ToString());
        Assert.Equal("[?,10]", Infer("Slice", [x, Known([0]), Known([5])]).Shape.ToString());
    }

    [Fact]
    public void Reduction_keeps_rank_when_axes_are_not_known_yet()
    {
        (TensorType, Tensor?) x = (new(DType.Float32, new Shape(N, 10)), null), axes = (new(DType.Int64, new Shape(1)), null);
        Assert.Equal("[?,?]", Infer("ReduceMean", [x, axes]).Shape.ToString());
        Assert.Equal("[?]", Infer("ReduceMean", [x, axes], Attributes(("keepdims", 0L))).Shape.ToString());
        Assert.Equal("[s0,1]", Infer("ReduceMean", [x, Known([-1])]).Shape.ToString());
    }

    [Fact]
    public void Squeeze_and_unsqueeze_carry_symbols()
    {
        Assert.Equal("[s0,5]", Infer("Squeeze", [(new(DType.Float32, new Shape(1, N, 1, 5)), null), Known([0, -2])]).Shape.ToString());
        Assert.Equal("[1,s0,5,1]", Infer("Unsqueeze", [(new(DType.Float32, new Shape(N, 5)), null), Known([-1, 0])]).Shape.ToString());
    }

    private static (TensorType, Tensor?) Known(long[] values) => (new(DType.Int64, new Shape(values.Length)), V(values));
}
