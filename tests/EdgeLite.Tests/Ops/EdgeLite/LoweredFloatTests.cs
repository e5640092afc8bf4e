using EdgeLite.Ops;
using EdgeLite.Ops.EdgeLite;
using static EdgeLite.Tests.Ops.OperatorRun;

namespace EdgeLite.Tests.Ops.EdgeLite;

/// <summary>The lowered operators against the ONNX operators they come from, which the ONNX suite checks.</summary>
public class LoweredFloatTests
{
    private static Tensor Numbers(int seed, params long[] dims)
    {
        var random = new Random(seed);
        var shape = new Shape(dims);
        return Tensor.FromArray<float>(Enumerable.Range(0, (int)shape.Count).Select(_ => random.NextSingle() * 2 - 1).ToArray(), shape);
    }

    private static Tensor ChannelsLast(Tensor x) => Run("Transpose", [x], Attributes(("perm", new long[] { 0, 2, 3, 1 })))[0];

    private static void Close(Tensor expected, Tensor actual)
    {
        Assert.Equal(expected.Shape, actual.Shape);
        for (int i = 0; i < expected.Count; i++) Assert.Equal(expected.GetDouble(i), actual.GetDouble(i), 1e-4);
    }

    private static AttributeSet Lowered(long channels, params (string, AttributeValue)[] more) =>
        Attributes([("kernel_shape", new long[] { 3, 2 }), ("strides", new long[] { 2, 1 }), ("pads", new long[] { 1, 0, 2, 1 }), ("out_channels", channels), .. more]);

    private static AttributeSet Plain(params (string, AttributeValue)[] more) =>
        Attributes([("strides", new long[] { 2, 1 }), ("pads", new long[] { 1, 0, 2, 1 }), .. more]);

    [Theory]
    [InlineData(1, 6, 19)]
    [InlineData(2, 6, 34)]
    public void Conv_equals_onnx_conv_plus_residual_then_clamp(int groups, long cin, long cout)
    {
        Tensor x = Numbers(1, 2, cin, 7, 6), w = Numbers(2, cout, cin / groups, 3, 2), b = Numbers(3, cout);
        (string, AttributeValue)[] shared = [("group", (long)groups), ("dilations", new long[] { 1, 2 })];
        Tensor y = Run("Conv", [x, w, b], Plain(shared))[0];
        Tensor residual = Numbers(4, y.Shape.AsSpan().ToArray());
        Tensor expected = Run("Clip", [Run("Add", [y, residual])[0], Tensor.FromScalar(0f), Tensor.FromScalar(1.5f)])[0];
        Tensor actual = Run("Conv", [ChannelsLast(x), PanelPacking.PackConv(w, groups), b, ChannelsLast(residual)],
            Lowered(cout, [.. shared, ("activation", "clamp"), ("alpha", 0f), ("beta", 1.5f)]), domain: "edgelite")[0];
        Close(ChannelsLast(expected), actual);
    }

    [Fact]
    public void Depthwise_conv_equals_grouped_onnx_conv_then_prelu()
    {
        Tensor x = Numbers(1, 1, 18, 5, 6), w = Numbers(2, 18, 1, 3, 2), slope = Numbers(3, 18);
        Tensor y = Run("Conv", [x, w], Plain(("group", 18L)))[0];
        Tensor expected = Run("PRelu", [y, slope.Reshaped(new Shape(18, 1, 1))])[0];
        Tensor actual = Run("DepthwiseConv", [ChannelsLast(x), PanelPacking.PackDepthwise(w), null, null, slope],
            Lowered(18, ("group", 18L), ("activation", "prelu")), domain: "edgelite")[0];
        Close(ChannelsLast(expected), actual);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Interleave_equals_stacking_along_a_new_last_axis(int outputs)
    {
        Tensor a = Numbers(1, 2, 3, 6), b = Numbers(2, 2, 3, 6);
        Tensor pairs = Run("Concat", [a.Reshaped(new Shape(2, 3, 6, 1)), b.Reshaped(new Shape(2, 3, 6, 1))], Attributes(("axis", -1L)))[0].Reshaped(new Shape(2, 3, 12));
        Tensor[] expected = outputs == 1 ? [pairs] : Run("Split", [pairs], Attributes(("axis", -1L), ("num_outputs", 2L)), outputs: 2);
        Tensor[] actual = Run("Interleave", [a, b], null, domain: "edgelite", outputs: outputs);
        for (int i = 0; i < outputs; i++) Close(expected[i], actual[i]);
    }

    [Theory]
    [InlineData(1, 4, 17)]
    [InlineData(2, 4, 6)]
    public void Conv_transpose_equals_onnx_conv_transpose(int groups, long cin, long cout)
    {
        Tensor x = Numbers(1, 1, cin, 4, 5), w = Numbers(2, cin, cout / groups, 3, 2), b = Numbers(3, cout);
        (string, AttributeValue)[] shared = [("group", (long)groups), ("output_padding", new long[] { 1, 0 })];
        Tensor expected = Run("ConvTranspose", [x, w, b], Plain(shared))[0];
        Tensor actual = Run("ConvTranspose", [ChannelsLast(x), PanelPacking.PackConvTranspose(w, groups), b], Lowered(cout, shared), domain: "edgelite")[0];
        Close(ChannelsLast(expected), actual);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Gemm_equals_onnx_matmul_over_all_leading_dimensions(bool transposed)
    {
        Tensor x = Numbers(1, 2, 3, 5), w = Numbers(2, 5, 21);
        Tensor expected = Run("Tanh", [Run("MatMul", [x, w])[0]])[0];
        Tensor given = transposed ? Run("Transpose", [w])[0] : w;
        Tensor actual = Run("Gemm", [x, PanelPacking.PackGemm(given, transposed)], Attributes(("out_features", 21L), ("activation", "tanh")), domain: "edgelite")[0];
        Close(expected, actual);
    }
}
