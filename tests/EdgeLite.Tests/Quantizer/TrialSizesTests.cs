using EdgeLite.Converter;
using EdgeLite.Converter.Ir;

namespace EdgeLite.Tests.Quantizing;

/// <summary>The sizes that free dimensions are given for the proof.</summary>
public sealed class TrialSizesTests
{
    private static IReadOnlyList<Shape> Found(string body) => TrialSizes.Samples(GraphText.Parse("graph \"net\" {\n" + body + "\n}"), 1).Shapes;

    [Fact]
    public void The_batch_is_1_and_other_dimensions_are_64() =>
        Assert.Equal([new Shape(1, 64, 7)], Found("""
            input %x : float32[N,L,7]
            %y = Relu(%x)
            output %y
            """));

    [Fact]
    public void A_free_batch_alone_is_not_tried() =>
        Assert.Equal([new Shape(1, 7)], Found("""
            input %x : float32[N,7]
            %y = Relu(%x)
            output %y
            """));

    /// <summary>12 numbers in rows of 4.</summary>
    [Fact]
    public void A_batch_that_cannot_be_1_is_found() =>
        Assert.Equal([new Shape(3, 4)], Found("""
            input %x : float32[N,4]
            const %shape : int64[2] = [2, 6]
            %y = Reshape(%x, %shape)
            output %y
            """));

    /// <summary>Blocks of 512 samples.</summary>
    [Fact]
    public void The_first_size_that_the_model_takes_is_taken() =>
        Assert.Equal([new Shape(1, 1024)], Found("""
            input %x : float32[N,L]
            const %shape : int64[3] = [1, 512, -1]
            %y = Reshape(%x, %shape)
            output %y
            """));

    /// <summary>What is past and what is new, side by side, have the length of the mask: 1 and 1 make 2.</summary>
    [Fact]
    public void Sizes_that_depend_on_each_other_are_found() =>
        Assert.Equal([new Shape(1, 1), new Shape(1, 1), new Shape(1, 2)], Found("""
            input %past : float32[1,P]
            input %new : float32[1,S]
            input %mask : float32[1,T]
            const %one : int64[1] = [1]
            const %all : int64[2] = [1, -1]
            %both = Concat(%past, %new) {axis=1}
            %flat = Transpose(%mask) {perm=[1,0]}
            %y = MatMul(%both, %flat)
            output %y
            """));

    [Fact]
    public void A_model_that_takes_none_says_why()
    {
        var e = Assert.Throws<EdgeLiteException>(() => Found("""
            input %x : float32[1,L]
            const %shape : int64[2] = [1, 77]
            %y = Reshape(%x, %shape)
            output %y
            """));
        Assert.Equal(Status.InvalidShape, e.Status);
        Assert.Contains("--shape", e.Message, StringComparison.Ordinal);
        Assert.Contains("77", e.Message, StringComparison.Ordinal);
    }
}
