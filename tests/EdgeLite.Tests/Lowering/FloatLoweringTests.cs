using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Lowering;
using EdgeLite.Converter.Passes;
using EdgeLite.Tests.Passes;

namespace EdgeLite.Tests.Lowering;

public class FloatLoweringTests
{
    private static Graph Lower(string body, string operators)
    {
        Graph graph = Equivalence.Check("graph \"g\" {\n" + body + "\n}", g =>
        {
            PassList.Optimize(g);
            CpuLowering.Run(g);
        });
        Assert.Equal(operators, Equivalence.Operators(graph));
        return graph;
    }

    [Fact]
    public void Convolution_bias_residual_and_activation_are_one_step()
    {
        Graph g = Lower("""
            input %x : float32[1,3,9,8]
            const %w1 : float32[5,3,3,3] = seeded(1)
            const %b1 : float32[5] = seeded(2)
            const %w2 : float32[5,5,3,3] = seeded(3)
            %a = Conv(%x, %w1, %b1) {pads=[1,1,1,1], strides=[2,1]}
            %b = Relu(%a)
            %c = Conv(%b, %w2) {pads=[1,1,1,1]}
            %d = Add(%c, %b)
            %e = LeakyRelu(%d) {alpha=0.1}
            output %e
            """, "Transpose edgelite.Conv edgelite.Conv Transpose");
        Assert.Equal("leaky_relu", g.Nodes[2].Attributes.String("activation", ""));
        Assert.Equal(g.Nodes[1].Output, g.Nodes[2].Input(3));
    }

    [Fact]
    public void Channel_shuffles_interleave_two_tensors_and_write_the_halves_apart()
    {
        Lower("""
            input %x : float32[1,4,6,5]
            const %w1 : float32[8,4,1,1] = seeded(1)
            const %w2 : float32[8,4,3,3] = seeded(2)
            const %w3 : float32[8,8,1,1] = seeded(3)
            const %apart : int64[5] = [1,2,8,6,5]
            const %together : int64[4] = [1,16,6,5]
            %a = Conv(%x, %w1)
            %b = Conv(%x, %w2) {pads=[1,1,1,1]}
            %ab = Concat(%a, %b) {axis=1}
            %r = Reshape(%ab, %apart)
            %t = Transpose(%r) {perm=[0,2,1,3,4]}
            %s = Reshape(%t, %together)
            %left, %right = Split(%s) {axis=1, num_outputs=2}
            %c = Conv(%right, %w3)
            %lc = Concat(%left, %c) {axis=1}
            %r2 = Reshape(%lc, %apart)
            %t2 = Transpose(%r2) {perm=[0,2,1,3,4]}
            %s2 = Reshape(%t2, %together)
            output %s2
            """, "Transpose edgelite.Conv edgelite.Conv edgelite.Interleave edgelite.Conv edgelite.Interleave Transpose");
    }

    private const string SqueezeAndExcite = """
            input %x : float32[BATCH,6,12,SIDE]
            const %dw : float32[6,1,3,3] = seeded(1)
            const %w1 : float32[2,6,1,1] = seeded(2)
            const %w2 : float32[6,2,1,1] = seeded(3)
            const %w3 : float32[20,6,1,1] = seeded(4)
            %a = Conv(%x, %dw) {pads=[1,1,1,1], group=6}
            %m = GlobalAveragePool(%a)
            %s = Conv(%m, %w1)
            %r = Relu(%s)
            %e = Conv(%r, %w2)
            %g = HardSigmoid(%e)
            %b = Mul(%a, %g)
            %c = Conv(%b, %w3)
            output %c
            """;

    [Fact]
    public void Gates_of_channels_scale_the_weights_of_a_large_picture()
    {
        Graph g = Lower(SqueezeAndExcite.Replace("BATCH", "1").Replace("SIDE", "7"),
            "Transpose edgelite.DepthwiseConv GlobalAveragePool edgelite.Conv edgelite.Conv Reshape Mul edgelite.Conv Transpose");
        Assert.Equal("edgelite.DepthwiseConv", g.Nodes[7].Input(0)!.Producer!.Domain + "." + g.Nodes[7].Input(0)!.Producer!.OpType);
    }

    [Theory]
    [InlineData("2", "7")]
    [InlineData("1", "3")]
    public void Gates_of_channels_scale_several_pictures_and_small_ones_themselves(string batch, string side) =>
        Lower(SqueezeAndExcite.Replace("BATCH", batch).Replace("SIDE", side),
            "Transpose edgelite.DepthwiseConv GlobalAveragePool edgelite.Conv edgelite.Conv Mul edgelite.Conv Transpose");

    [Fact]
    public void Depthwise_grouped_and_transposed_convolutions_stay_channels_last()
    {
        Lower("""
            input %x : float32[2,4,7,6]
            const %dw : float32[4,1,3,3] = seeded(1)
            const %gw : float32[6,2,1,1] = seeded(2)
            const %tw : float32[6,2,2,2] = seeded(3)
            const %tb : float32[2] = seeded(4)
            const %zero : float32 [] = 0
            const %six : float32[] = 6
            %a = Conv(%x, %dw) {pads=[1,1,1,1], group=4}
            %b = Clip(%a, %zero, %six)
            %c = Conv(%b, %gw) {group=2}
            %d = ConvTranspose(%c, %tw, %tb) {strides=[2,2], output_padding=[1,0]}
            %e = Sigmoid(%d)
            output %e
            """, "Transpose edgelite.DepthwiseConv edgelite.Conv edgelite.ConvTranspose Transpose");
    }

    [Fact]
    public void A_convolution_over_one_axis_runs_with_height_one()
    {
        Lower("""
            input %x : float32[1,4,20]
            const %w : float32[6,4,3] = seeded(1)
            %a = Conv(%x, %w) {strides=[2], pads=[2,0], dilations=[2]}
            %b = Relu(%a)
            output %b
            """, "Unsqueeze Transpose edgelite.Conv Squeeze Transpose");
    }

    /// <summary>As many inputs come transposed as not: the permutation of rank 3 is its own inverse, and the tie must not be decided
    /// again and again.</summary>
    [Fact]
    public void A_tie_between_a_transposed_and_another_input_ends()
    {
        Lower("""
            input %x : float32[1,4,5]
            input %y : float32[1,5,4]
            %a = Transpose(%x) {perm=[0,2,1]}
            %b = Relu(%a)
            %c = Add(%b, %y)
            output %c
            """, "Relu Transpose Add");
    }

    [Fact]
    public void Squeeze_and_excite_pools_and_concatenation_need_no_transpose_inside()
    {
        Lower("""
            input %x : float32[1,8,6,6]
            const %w : float32[8,8,1,1] = seeded(1)
            const %w1 : float32[2,8,1,1] = seeded(2)
            const %w2 : float32[8,2,1,1] = seeded(3)
            const %scale : float32[1,8,1,1] = seeded(4)
            %a = Conv(%x, %w)
            %p = GlobalAveragePool(%a)
            %s1 = Conv(%p, %w1)
            %s2 = Relu(%s1)
            %s3 = Conv(%s2, %w2)
            %s4 = HardSigmoid(%s3)
            %m = Mul(%a, %s4)
            %n = Mul(%m, %scale)
            %mp = MaxPool(%n) {kernel_shape=[3,3], pads=[1,1,1,1]}
            %ap = AveragePool(%n) {kernel_shape=[3,3], pads=[1,1,1,1]}
            %cat = Concat(%mp, %ap, %a) {axis=1}
            output %cat
            """, "Transpose edgelite.Conv GlobalAveragePool edgelite.Conv edgelite.Conv Mul Mul MaxPool AveragePool Concat Transpose");
    }

    [Fact]
    public void A_classifier_head_flattens_without_moving_bytes()
    {
        Lower("""
            input %x : float32[2,3,8,8]
            const %w : float32[6,3,3,3] = seeded(1)
            const %fc : float32[10,6] = seeded(2)
            const %fb : float32[10] = seeded(3)
            %a = Conv(%x, %w)
            %p = GlobalAveragePool(%a)
            %f = Flatten(%p)
            %y = Gemm(%f, %fc, %fb) {transB=1, alpha=0.5, beta=2.0}
            %s = Softmax(%y)
            output %s
            """, "Transpose edgelite.Conv GlobalAveragePool Reshape edgelite.Gemm Softmax");
    }

    [Fact]
    public void A_channels_last_source_ends_without_any_transpose()
    {
        Lower("""
            input %x : float32[1,8,8,3]
            const %w : float32[4,3,3,3] = seeded(1)
            const %dw : float32[4,1,3,3] = seeded(2)
            const %pads : int64[8] = [0,0,0,0,0,0,0,2]
            const %axes : int64[2] = [2,3]
            %t1 = Transpose(%x) {perm=[0,3,1,2]}
            %a = Conv(%t1, %w) {auto_pad="SAME_UPPER", strides=[2,2]}
            %ar = Relu(%a)
            %t2 = Transpose(%ar) {perm=[0,2,3,1]}
            %t3 = Transpose(%t2) {perm=[0,3,1,2]}
            %b = Conv(%t3, %dw) {group=4, pads=[1,1,1,1]}
            %t4 = Transpose(%b) {perm=[0,2,3,1]}
            %r = Add(%t2, %t4)
            %p = Pad(%r, %pads)
            %t5 = Transpose(%p) {perm=[0,3,1,2]}
            %m = ReduceMean(%t5, %axes) {keepdims=0}
            output %m
            output %r
            """, "edgelite.Conv edgelite.DepthwiseConv Pad ReduceMean");
    }

    [Fact]
    public void Detection_heads_reshape_in_the_layout_they_have()
    {
        Lower("""
            input %x : float32[1,3,4,4]
            const %w : float32[12,3,1,1] = seeded(1)
            const %shape : int64[3] = [1,-1,6]
            %a = Conv(%x, %w)
            %t = Transpose(%a) {perm=[0,2,3,1]}
            %r = Reshape(%t, %shape)
            output %r
            """, "Transpose edgelite.Conv Reshape");
        Lower("""
            input %x : float32[1,3,4,5]
            const %w : float32[12,3,1,1] = seeded(1)
            const %shape : int64[3] = [1,12,20]
            %a = Conv(%x, %w)
            %r = Reshape(%a, %shape)
            %t = Transpose(%r) {perm=[0,2,1]}
            output %t
            """, "Transpose edgelite.Conv Reshape");
    }

    [Fact]
    public void Slices_splits_and_resizes_follow_the_layout()
    {
        Lower("""
            input %x : float32[1,4,4,6]
            const %w : float32[8,4,1,1] = seeded(1)
            const %starts : int64[2] = [1,0]
            const %ends : int64[2] = [7,3]
            const %axes : int64[2] = [1,2]
            const %split : int64[2] = [2,4]
            const %scales : float32[4] = [1,1,2,2]
            const %none : float32[0] = []
            const %idx : int64[2] = [1,0]
            %a = Conv(%x, %w)
            %s = Slice(%a, %starts, %ends, %axes)
            %p, %q = Split(%s, %split) {axis=1}
            %r = Resize(%q, %none, %scales) {mode="nearest"}
            %g = Gather(%r, %idx) {axis=1}
            %h = Softmax(%g) {axis=1}
            %l = Relu(%p)
            output %l
            output %h
            """, "Transpose edgelite.Conv Slice Split Resize Gather Softmax Transpose Relu Transpose");
    }

    [Fact]
    public void Matrix_products_take_bias_and_activation()
    {
        Graph g = Lower("""
            input %x : float32[2,5,8]
            const %w : float32[8,6] = seeded(1)
            const %b : float32[6] = seeded(2)
            const %w2 : float32[6,8] = seeded(3)
            %a = MatMul(%x, %w)
            %b1 = Add(%b, %a)
            %c = Gelu(%b1)
            %d = MatMul(%c, %w2)
            %e = Add(%d, %x)
            output %e
            """, "edgelite.Gemm edgelite.Gemm");
        Assert.Equal("gelu", g.Nodes[0].Attributes.String("activation", ""));
        Assert.Equal("x", g.Nodes[1].Input(3)!.Name);
    }

    [Fact]
    public void A_pad_over_channels_last_is_drawn_into_the_convolution()
    {
        Lower("""
            input %x : float32[1,6,6,3]
            const %pads : int64[8] = [0,0,1,0,0,2,1,0]
            const %w : float32[4,3,3,3] = seeded(1)
            %p = Pad(%x, %pads)
            %t = Transpose(%p) {perm=[0,3,1,2]}
            %a = Conv(%t, %w) {strides=[2,2]}
            %y = Transpose(%a) {perm=[0,2,3,1]}
            output %y
            """, "edgelite.Conv");
    }

    [Fact]
    public void What_has_no_lowered_form_stays()
    {
        Lower("""
            input %x : float32[1,2,4,4,4]
            input %m : float32[4,4]
            const %w : float32[3,2,2,2,2] = seeded(1)
            %a = Conv(%x, %w)
            %b = MatMul(%m, %m)
            output %a
            output %b
            """, "Conv MatMul");
    }

    [Fact]
    public void Transposes_of_nothing_keep_its_shape()
    {
        Lower("""
            input %x : float32[1,0,3]
            %y = Transpose(%x) {perm=[1,0,2]}
            output %y
            """, "Transpose");
        Lower("""
            input %x : float32[2,3,0,4]
            const %shape : int64[3] = [12,0,2]
            %t = Transpose(%x) {perm=[3,1,2,0]}
            %y = Reshape(%t, %shape) {allowzero=1}
            output %y
            """, "Transpose Reshape");
    }

    [Fact]
    public void A_transpose_of_indices_is_none_of_the_data()
    {
        Lower("""
            input %x : float32[2,3,4,5]
            input %i : bool[2,3]
            %c = Cast(%i) {to=7}
            %t = Transpose(%c) {perm=[1,0]}
            %y = Gather(%x, %t) {axis=3}
            output %y
            """, "Cast Transpose Gather");
    }

    [Fact]
    public void Transposes_that_move_nothing_come_to_rest()
    {
        Lower("""
            input %x : float32[1,4,3,5]
            input %one : float32[1,1,1,1]
            const %w : float32[1,4,3,5] = seeded(1)
            %a = Conv(%x, %w)
            %y = Add(%one, %a)
            output %y
            """, "Transpose edgelite.Conv");
        Lower("""
            input %x : float32[n,4,3,5]
            input %z : float32[n,4,n,n]
            %a = GlobalAveragePool(%x)
            %y = Add(%a, %z)
            output %y
            """, "Transpose GlobalAveragePool Reshape Add");
        Lower("""
            input %x : float32[1,4,3,5]
            input %z : float32[1,4,3,5]
            input %c : bool[1,1,1,5]
            const %w : float32[4,4,1,1] = seeded(1)
            %a = Conv(%x, %w)
            %y = Where(%c, %z, %a)
            output %y
            """, "Transpose edgelite.Conv Reshape Transpose Where Transpose");
    }

    [Fact]
    public void A_part_of_a_split_that_nobody_reads_is_left()
    {
        Lower("""
            input %x : float32[1,4,3,5]
            const %w : float32[4,4,1,1] = seeded(1)
            %a = Conv(%x, %w)
            %b, %c = Split(%a) {axis=1, num_outputs=2}
            %y = Relu(%b)
            output %y
            """, "Transpose edgelite.Conv Split Relu Transpose");
        Lower("""
            input %x : int8[2,4]
            const %s : float32[] = 0.5
            const %z : int8[] = 1
            %d = DequantizeLinear(%x, %s, %z)
            %b, %c = Split(%d) {axis=1, num_outputs=2}
            %y = QuantizeLinear(%b, %s, %z)
            output %y
            """, "Split");
    }
}
