using EdgeLite.Ops.EdgeLite;

namespace EdgeLite.Tests.Ops.EdgeLite;

/// <summary>Positions computed by hand from the layout comments of el_nn.h and el_quant.h.</summary>
public class PanelPackingTests
{
    private static Tensor Ramp(params long[] dims)
    {
        var shape = new Shape(dims);
        return Tensor.FromArray<float>(Enumerable.Range(1, (int)shape.Count).Select(i => (float)i).ToArray(), shape);
    }

    private static Tensor RampInt8(params long[] dims)
    {
        var shape = new Shape(dims);
        return Tensor.FromArray<sbyte>(Enumerable.Range(1, (int)shape.Count).Select(i => (sbyte)i).ToArray(), shape);
    }

    [Fact]
    public void A_dense_float_matrix_is_cut_into_panels_of_16_columns()
    {
        Tensor packed = PanelPacking.PackGemm(Ramp(2, 17), transposed: false);
        Assert.Equal(2 * 2 * 16, packed.Count);
        Span<float> p = packed.Span<float>();
        Assert.Equal(1, p[0]);
        Assert.Equal(16, p[15]);
        Assert.Equal(18, p[16]);      // row 1, column 0
        Assert.Equal(17, p[32]);      // panel 1: row 0, column 16
        Assert.Equal(0, p[33]);       // padding
        Assert.Equal(34, p[48]);
    }

    [Fact]
    public void Conv_rows_are_tap_major_and_groups_follow_each_other()
    {
        // W[4][3][1][2], two groups: w(co, ci, kx) = 1 + (co*3 + ci)*2 + kx
        Span<float> p = PanelPacking.PackConv(Ramp(4, 3, 1, 2), 2).Span<float>();
        Assert.Equal(2 * 6 * 16, p.Length);
        Assert.Equal(1 + 2, p[1 * 16]);                // g 0, tap 0, ci 1, co 0
        Assert.Equal(2, p[3 * 16]);                    // g 0, tap 1, ci 0, co 0
        Assert.Equal(1 + (3 + 2) * 2, p[2 * 16 + 1]);  // g 0, tap 0, ci 2, co 1
        Assert.Equal(1 + 6 * 2, p[6 * 16]);            // g 1 starts with output channel 2
    }

    [Fact]
    public void Conv_transpose_takes_input_channels_from_the_first_axis()
    {
        // W[2][3][1][2]: w(ci, co, kx) = 1 + (ci*3 + co)*2 + kx
        Span<float> p = PanelPacking.PackConvTranspose(Ramp(2, 3, 1, 2), 1).Span<float>();
        Assert.Equal(1 + 3 * 2, p[1 * 16]);        // tap 0, ci 1, co 0
        Assert.Equal(1 + 2 * 2 + 1, p[2 * 16 + 2]); // tap 1, ci 0, co 2
    }

    [Fact]
    public void Int8_panels_interleave_four_rows_and_pad_channels_per_tap()
    {
        // W[2][5][1][2]: cin 5 -> 8 rows per tap; w(co, ci, kx) = 1 + (co*5 + ci)*2 + kx
        Span<sbyte> p = PanelPacking.PackConv(RampInt8(2, 5, 1, 2), 1).Span<sbyte>();
        Assert.Equal(4 * 64, p.Length);
        Assert.Equal(1, p[0]);
        Assert.Equal(3, p[1]);                 // ci 1, co 0
        Assert.Equal(11, p[4]);                // ci 0, co 1
        Assert.Equal(9, p[64]);                // ci 4 opens the second quad
        Assert.Equal(0, p[65]);                // ci 5 does not exist
        Assert.Equal(2, p[128]);               // tap 1 opens the third quad
    }

    [Fact]
    public void Depthwise_blocks_hold_16_channels_tap_by_tap()
    {
        Span<float> p = PanelPacking.PackDepthwise(Ramp(17, 1, 1, 2)).Span<float>();
        Assert.Equal(2 * 2 * 16, p.Length);
        Assert.Equal(1, p[0]);
        Assert.Equal(3, p[1]);
        Assert.Equal(2, p[16]);
        Assert.Equal(33, p[32]);               // channel 16
        Assert.Equal(34, p[48]);
    }
}
