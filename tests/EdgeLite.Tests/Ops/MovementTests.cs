using static EdgeLite.Tests.Ops.OperatorRun;

namespace EdgeLite.Tests.Ops;

public class MovementTests
{
    [Theory]
    [InlineData("reflect", new[] { 2, 1, 2, 3, 2, 1, 2 })]
    [InlineData("edge", new[] { 1, 1, 2, 3, 3, 3, 3 })]
    [InlineData("wrap", new[] { 3, 1, 2, 3, 1, 2, 3 })]
    [InlineData("constant", new[] { 9, 1, 2, 3, 9, 9, 9 })]
    public void Pad_beyond_the_size_of_the_input(string mode, int[] expected) =>
        Assert.Equal(expected, Run("Pad", [V(1, 2, 3), V(1L, 3L), Tensor.FromScalar(9)], Attributes(("mode", mode)))[0].ToArray<int>());

    [Fact]
    public void Negative_pads_crop() =>
        Assert.Equal([2, 3, 0], Run("Pad", [V(1, 2, 3), V(-1L, 1L)])[0].ToArray<int>());

    [Fact]
    public void Slice_backwards_reaches_the_first_element()
    {
        Assert.Equal([3, 2, 1], Run("Slice", [V(1, 2, 3), V(-1L), V(long.MinValue), V(0L), V(-1L)])[0].ToArray<int>());
        Assert.Equal([3, 1], Run("Slice", [V(1, 2, 3), V(100L), V(-100L), V(0L), V(-2L)])[0].ToArray<int>());
        Assert.Equal(0, Run("Slice", [V(1, 2, 3), V(2L), V(1L)])[0].Count);
    }

    [Fact]
    public void Split_gives_the_smaller_part_to_the_last_output()
    {
        Tensor[] parts = Run("Split", [V(1, 2, 3, 4, 5, 6, 7)], Attributes(("num_outputs", 4L)), outputs: 4);
        Assert.Equal([2L, 2, 2, 1], parts.Select(p => p.Count));
        Assert.Equal(7, parts[3].Span<int>()[0]);
    }

    [Fact]
    public void Scatter_adds_up_duplicate_indices_and_refuses_those_outside()
    {
        Tensor[] inputs = [V(1f, 2, 3), V(1L, -2L), V(10f, 100)];
        Assert.Equal([1, 112, 3], Run("ScatterElements", inputs, Attributes(("reduction", "add")))[0].ToArray<float>());
        var error = Assert.Throws<EdgeLiteException>(() => Run("ScatterElements", [V(1f, 2, 3), V(3L), V(1f)]));
        Assert.Contains("index 3 is outside a dimension of 3", error.Message);
    }

    [Fact]
    public void Depth_to_space_is_the_same_in_both_layouts_and_inverted_by_space_to_depth()
    {
        Tensor x = T<int>(new Shape(1, 4, 1, 2), 0, 1, 2, 3, 4, 5, 6, 7);
        Tensor y = Run("DepthToSpace", [x], Attributes(("blocksize", 2L)))[0];
        Assert.Equal([0, 2, 1, 3, 4, 6, 5, 7], y.ToArray<int>());
        Tensor last = T<int>(new Shape(1, 1, 2, 4), 0, 2, 4, 6, 1, 3, 5, 7);
        Assert.Equal(y.ToArray<int>(), Run("DepthToSpace", [last], Attributes(("blocksize", 2L), ("channels_last", 1L)))[0].ToArray<int>());
        Assert.Equal(x.ToArray<int>(), Run("SpaceToDepth", [y], Attributes(("blocksize", 2L)))[0].ToArray<int>());
    }

    [Fact]
    public void Einsum_without_arrow_sorts_its_labels()
    {
        // "ba" is read as [b, a]; the result is [a, b]: the transpose.
        Assert.Equal([1, 3, 2, 4], Run("Einsum", [T<int>(new Shape(2, 2), 1, 2, 3, 4)], Attributes(("equation", "ba")))[0].ToArray<int>());
        Assert.Equal([5], Run("Einsum", [T<int>(new Shape(2, 2), 1, 2, 3, 4)], Attributes(("equation", "ii")))[0].ToArray<int>());
    }

    [Fact]
    public void Four_bit_elements_move_without_disturbing_their_neighbours()
    {
        var x = new Tensor(DType.Int4, new Shape(5));
        for (int i = 0; i < 5; i++) x.SetInt64(i, i - 2);
        Tensor y = Run("Slice", [x, V(-1L), V(long.MinValue), V(0L), V(-1L)])[0];
        Assert.Equal([2L, 1, 0, -1, -2], y.ToInt64Array());
    }

    [Fact]
    public void Seeded_normal_numbers_repeat_and_have_mean_0_and_deviation_1()
    {
        var attributes = Attributes(("seed", 7f), ("shape", new long[] { 1000 }));
        float[] a = Run("RandomNormal", [], attributes)[0].ToArray<float>(), b = Run("RandomNormal", [], attributes)[0].ToArray<float>();
        Assert.Equal(a, b);
        Assert.InRange(a.Average(), -0.15f, 0.15f);
        Assert.InRange(a.Average(v => v * v), 0.8f, 1.2f);
    }
}
