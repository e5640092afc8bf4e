using EdgeLite.Ops;
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

    /// <summary>Shapes of X, W, R, B, sequence_lens, initial_h; the one that is wrong.</summary>
    [Theory]
    [InlineData(1, new long[] { 1, 9, 5 })]
    [InlineData(2, new long[] { 1, 9, 4 })]
    [InlineData(2, new long[] { 2, 9, 3 })]
    [InlineData(3, new long[] { 1, 9 })]
    [InlineData(4, new long[] { 1 })]
    [InlineData(5, new long[] { 1, 1, 3 })]
    public void A_recurrent_layer_checks_all_of_its_weights(int input, long[] shape)
    {
        long[][] good = [[7, 2, 4], [1, 9, 4], [1, 9, 3], [1, 18], [2], [1, 2, 3]];
        (TensorType, Tensor?)[] Inputs(long[][] shapes) => [.. shapes.Select((s, i) => (new TensorType(i == 4 ? DType.Int32 : DType.Float32, new Shape(s)), (Tensor?)null))];
        AttributeSet hidden = Attributes(("hidden_size", 3L));
        Assert.Equal("[7,1,2,3]", Infer("GRU", Inputs(good), hidden).Shape.ToString());
        good[input] = shape;
        Assert.Throws<EdgeLiteException>(() => Infer("GRU", Inputs(good), hidden));
    }

    [Theory]
    [InlineData("kernel_shape", new long[] { long.MaxValue, 3 })]
    [InlineData("strides", new long[] { 1, 1L << 40 })]
    [InlineData("pads", new long[] { 0, 0, long.MaxValue, 0 })]
    [InlineData("dilations", new long[] { 0, 1 })]
    public void A_window_whose_places_cannot_be_counted_is_refused(string attribute, long[] values)
    {
        AttributeSet attributes = Attributes(("kernel_shape", new long[] { 3, 3 }));
        attributes[attribute] = values;
        Assert.Contains(attribute, Assert.Throws<EdgeLiteException>(() => Infer("MaxPool", [(new(DType.Float32, new Shape(1, 2, 8, 8)), null)], attributes)).Message);
    }

    [Theory]
    [InlineData("output_padding", new long[] { 1 }, 576, "output_padding have 2 entries")]
    [InlineData("pads", new long[] { 1, 1 }, 576, "pads has 4")]
    [InlineData("strides", new long[] { 2, 0 }, 576, "must be positive")]
    [InlineData("dilations", new long[] { 1, 1 }, 575, "expected 576 elements")]
    public void A_lowered_convolution_checks_its_windows_and_weights(string attribute, long[] values, int packed, string message)
    {
        foreach ((string op, DType type) in new[] { ("ConvTranspose", DType.Float32), ("QConvTranspose", DType.Int8) })
        {
            AttributeSet attributes = Attributes(("kernel_shape", new long[] { 3, 3 }), ("out_channels", 8L));
            TensorType Infer(int count) => OperatorRun.Infer(op, [(new(type, new Shape(1, 8, 8, 4)), null), (new(type, new Shape(count)), null)], attributes, "edgelite");
            Assert.Equal("[1,10,10,8]", Infer(9 * 4 * 16).Shape.ToString());
            attributes[attribute] = values;
            Assert.Contains(message, Assert.Throws<EdgeLiteException>(() => Infer(packed)).Message);
        }
    }

    private static (TensorType, Tensor?) Known(long[] values) => (new(DType.Int64, new Shape(values.Length)), V(values));
}
