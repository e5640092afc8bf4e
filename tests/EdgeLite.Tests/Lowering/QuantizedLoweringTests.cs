using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Lowering;
using EdgeLite.Converter.Passes;
using EdgeLite.Tests.Passes;

namespace EdgeLite.Tests.Lowering;

public class QuantizedLoweringTests
{
    private const string Parameters = """
        const %sx : float32[] = 0.05
        const %zx : int8[] = -3
        const %sy : float32[] = 0.1
        const %zy : int8[] = 5
        const %su : float32[] = 0.1
        const %zu : uint8[] = 131

        """;

    /// <summary>The integer form may differ from the float form by one step, where float rounding ties another way.</summary>
    private static Graph Lower(string body, string operators, int steps = 1)
    {
        Graph graph = Equivalence.Check("graph \"g\" {\n" + Parameters + body + "\n}", g =>
        {
            PassList.Optimize(g);
            CpuLowering.Run(g);
        }, steps: steps);
        Assert.Equal(operators, Equivalence.Operators(graph));
        return graph;
    }

    /// <summary>Calibration makes such scales of masks with -inf.</summary>
    [Fact]
    public void An_infinite_scale_stays_float() => Lower("""
        input %x : int8[2,4]
        input %y : int8[2,4]
        const %inf : float32[] = inf
        %xr = DequantizeLinear(%x, %inf, %zx)
        %yr = DequantizeLinear(%y, %sx, %zx)
        %a = Add(%xr, %yr)
        %q = QuantizeLinear(%a, %sy, %zy)
        output %q
        """, "DequantizeLinear DequantizeLinear Add QuantizeLinear");

    [Fact]
    public void A_convolution_with_scales_per_channel_becomes_integer()
    {
        Graph g = Lower("""
            input %x : int8[1,3,6,6]
            const %w : int8[4,3,3,3] = seeded(1)
            const %sw : float32[4] = [0.01, 0.02, 0.03, 0.005]
            const %b : int32[4] = [100, -200, 3000, 7]
            const %sb : float32[4] = [0.0005, 0.001, 0.0015, 0.00025]
            %xr = DequantizeLinear(%x, %sx, %zx)
            %wr = DequantizeLinear(%w, %sw) {axis=0}
            %br = DequantizeLinear(%b, %sb) {axis=0}
            %a = Conv(%xr, %wr, %br) {pads=[1,1,1,1], strides=[2,2]}
            %r = Relu(%a)
            %y = QuantizeLinear(%r, %sy, %zy)
            output %y
            """, "Transpose edgelite.QConv Transpose");
        Node conv = Equivalence.Only(g, "QConv", "edgelite");
        Assert.Equal(5, conv.Attributes.Int("y_min", 0));
        Assert.Equal([100, -200, 3000, 7], conv.Input(2)!.Constant!.Span<int>());
        // 0.05 * 0.01 / 0.1 = 0.005 = 0.64 * 2^-7
        Assert.Equal(-7, conv.Input(5)!.Constant!.Span<int>()[0]);
        Assert.Equal(0.64, conv.Input(4)!.Constant!.Span<int>()[0] / (double)(1L << 31), 6);
    }

    [Theory]
    [InlineData("1,3,8,16", "5,3,4,8", "strides=[4,4], pads=[0,4,0,0]", "Transpose Reshape edgelite.QConv Transpose", 12)]
    [InlineData("2,1,7,18", "4,1,3,6", "strides=[2,3], pads=[1,3,1,5]", "Reshape edgelite.QConv Transpose", 3)]
    [InlineData("1,1,40", "6,1,20", "strides=[8]", "Reshape edgelite.QConv Squeeze Transpose", 4)]
    [InlineData("1,3,8,16", "5,3,4,8", "strides=[4,4], pads=[0,1,0,0]", "Transpose edgelite.QConv Transpose", 3)]
    public void Pixels_of_few_channels_are_joined_where_widths_have_a_common_factor(string x, string w, string attributes, string operators, long channels)
    {
        Graph g = Lower($$"""
            input %x : int8[{{x}}]
            const %w : int8[{{w}}] = seeded(1)
            const %sw : float32[] = 0.02
            %xr = DequantizeLinear(%x, %sx, %zx)
            %wr = DequantizeLinear(%w, %sw)
            %a = Conv(%xr, %wr) { {{attributes}} }
            %y = QuantizeLinear(%a, %sy, %zy)
            output %y
            """, operators);
        Assert.Equal(channels, Equivalence.Only(g, "QConv", "edgelite").Inputs[0]!.Shape[3]);
    }

    [Fact]
    public void A_pad_of_edges_goes_among_integers_without_the_value_that_it_does_not_use()
    {
        Lower("""
            input %x : int8[2,3]
            const %pads : int64[4] = [1,0,0,2]
            const %v : float32[] = 0.5
            %xr = DequantizeLinear(%x, %sx, %zx)
            %p = Pad(%xr, %pads, %v) {mode="edge"}
            %y = QuantizeLinear(%p, %sx, %zx)
            output %y
            """, "Pad");
    }

    [Fact]
    public void Unsigned_activations_are_shifted_only_at_the_border()
    {
        Lower("""
            input %x : uint8[1,4,5,5]
            const %w : uint8[4,1,3,3] = seeded(1)
            const %w2 : int8[2,4,1,1] = seeded(2)
            const %sw : float32[] = 0.01
            const %zw : uint8[] = 128
            %xr = DequantizeLinear(%x, %su, %zu)
            %wr = DequantizeLinear(%w, %sw, %zw)
            %a = Conv(%xr, %wr) {pads=[1,1,1,1], group=4}
            %q = QuantizeLinear(%a, %su, %zu)
            %qr = DequantizeLinear(%q, %su, %zu)
            %w2r = DequantizeLinear(%w2, %sw)
            %c = Conv(%qr, %w2r)
            %y = QuantizeLinear(%c, %su, %zu)
            output %y
            """, "edgelite.Lut Transpose edgelite.QDepthwiseConv edgelite.QConv edgelite.Lut Transpose");
    }

    [Theory]
    [InlineData("%r = Add(%xr, %cr)", "edgelite.QAdd")]
    [InlineData("%a = Sub(%cr, %xr) %r = Relu(%a)", "edgelite.QSub")]
    [InlineData("%r = Mul(%xr, %cr)", "edgelite.QMul")]
    [InlineData("%r = ReduceMean(%xr, %axes) {keepdims=0}", "edgelite.QMean")]
    [InlineData("%t = Transpose(%xr) {perm=[0,3,1,2]} %r = GlobalAveragePool(%t)", "edgelite.QMean Unsqueeze")]
    [InlineData("%wr = DequantizeLinear(%w, %sw) %br = DequantizeLinear(%b, %sb) %d = MatMul(%xr, %wr) %r = Add(%d, %br)", "edgelite.QGemm")]
    public void Layers_of_one_step_agree_with_floats_to_one_step(string nodes, string operators)
    {
        Lower($"""
            input %x : int8[2,4,4,3]
            const %c : int8[3] = [10, -20, 30]
            const %w : int8[3,5] = seeded(3)
            const %sw : float32[] = 0.02
            const %b : int32[5] = [10, 20, 30, 40, 50]
            const %sb : float32[] = 0.001
            const %axes : int64[2] = [1,2]
            %xr = DequantizeLinear(%x, %sx, %zx)
            %cr = DequantizeLinear(%c, %sy, %zy)
            {nodes}
            %y = QuantizeLinear(%r, %sy, %zy)
            output %y
            """, operators);
    }

    [Fact]
    public void An_average_pool_keeps_its_scale_and_layout()
    {
        Lower("""
            input %x : int8[1,6,6,3]
            %xr = DequantizeLinear(%x, %sx, %zx)
            %t = Transpose(%xr) {perm=[0,3,1,2]}
            %p = AveragePool(%t) {kernel_shape=[3,3], strides=[2,2], pads=[1,1,1,1]}
            %q = QuantizeLinear(%p, %sx, %zx)
            %y = Transpose(%q) {perm=[0,2,3,1]}
            output %y
            """, "edgelite.QAveragePool");
    }

    [Fact]
    public void Softmax_of_the_scale_that_it_needs_becomes_integer()
    {
        Lower("""
            input %x : int8[5,9]
            const %s256 : float32[] = 0.00390625
            const %z256 : int8[] = -128
            %xr = DequantizeLinear(%x, %sx, %zx)
            %s = Softmax(%xr)
            %y = QuantizeLinear(%s, %s256, %z256)
            output %y
            """, "edgelite.QSoftmax");
    }

    [Fact]
    public void Functions_of_one_element_are_one_table()
    {
        Graph g = Lower("""
            input %x : int8[100]
            const %half : float32[] = 0.5
            %xr = DequantizeLinear(%x, %sx, %zx)
            %a = Mul(%xr, %half)
            %b = Sigmoid(%a)
            %y = QuantizeLinear(%b, %sy, %zy)
            output %y
            """, "edgelite.Lut");
        // x = 17 is 1.0; sigmoid(0.5) = 0.6225 is 6.2 steps above the zero point of 5.
        Assert.Equal(11, g.Nodes[0].Input(1)!.Constant!.GetInt64(17 + 128));
    }

    /// <summary>Numbers worked out from TFLite's reference kernels, with its printed table of the sigmoid; the last two or three bits are not
    /// those of the functions themselves (which end in 16381.5, 7502.8 and 985.7).</summary>
    [Theory]
    [InlineData("Sigmoid", "edgelite.Lut", new long[] { -32768, -5000, -1, 0, 1, 777, 12345, 32767 }, new long[] { 2, 5978, 16381, 16384, 16387, 18285, 31980, 32766 })]
    [InlineData("Tanh", "edgelite.Lut", new long[] { -32768, -5000, -1, 0, 1, 777, 12345, 32767 }, new long[] { -32767, -29660, -11, 0, 11, 7502, 32729, 32767 })]
    [InlineData("Softmax", "edgelite.QSoftmax", new long[] { -32768, 0, 100, 7000, 7000, 9000 }, new long[] { 1, 986, 1016, 8050, 8050, 14667 })]
    public void Functions_of_sixteen_bits_are_the_tables_of_TFLite(string function, string operators, long[] x, long[] expected)
    {
        Graph g = GraphText.Parse($$"""
            graph "g" {
            input %x : int16[{{x.Length}}]
            const %s : float32[] = 0.0003
            const %one : float32[] = 0.000030517578125
            const %zero : int16[] = 0
            %xr = DequantizeLinear(%x, %s, %zero)
            %f = {{function}}(%xr)
            %y = QuantizeLinear(%f, %one, %zero)
            output %y
            }
            """);
        PassList.Optimize(g);
        CpuLowering.Run(g);
        Assert.Equal(operators, Equivalence.Operators(g));
        var stored = new Tensor(DType.Int16, new Shape(x.Length));
        for (int i = 0; i < x.Length; i++) stored.SetInt64(i, x[i]);
        Assert.Equal(expected, new GraphInterpreter(g).Run([stored])[0].ToInt64Array());
    }

    [Fact]
    public void Movement_works_on_stored_integers_and_scales_that_differ_are_requantized()
    {
        Lower("""
            input %x : int8[2,6]
            input %z : int8[2,6]
            const %shape : int64[2] = [4,3]
            %xr = DequantizeLinear(%x, %sx, %zx)
            %zr = DequantizeLinear(%z, %sy, %zy)
            %c = Concat(%xr, %zr) {axis=0}
            %cq = QuantizeLinear(%c, %sy, %zy)
            %cr = DequantizeLinear(%cq, %sy, %zy)
            %r = Reshape(%cr, %shape)
            %t = Transpose(%r) {perm=[1,0]}
            %tq = QuantizeLinear(%t, %sy, %zy)
            output %tq
            """.Replace("[4,3]", "[8,3]"), "edgelite.Requantize Concat Reshape Transpose");
    }

    [Fact]
    public void Patterns_that_do_not_fit_stay_in_floats()
    {
        Lower("""
            input %x : int8[1,3,4,4]
            const %w : int8[2,3,1,1] = seeded(1)
            const %zw : int8[] = 4
            %xr = DequantizeLinear(%x, %sx, %zx)
            %wr = DequantizeLinear(%w, %sx, %zw)
            %a = Conv(%xr, %wr)
            %s = Sigmoid(%a)
            %y = QuantizeLinear(%s, %sy, %zy)
            output %y
            output %s
            """, "DequantizeLinear Transpose edgelite.Conv Transpose QuantizeLinear Transpose");
    }
}
