using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Passes;
using EdgeLite.Core;

namespace EdgeLite.Converter.Lowering.Quantized;

/// <summary>
/// A convolution of few channels whose kernel, stride, padding and picture have widths with a common factor g: among channels-last
/// numbers, g neighbouring pixels of c channels are one pixel of g * c. The sums are the same, and kernels that take channels four at a
/// time have few to fill up: a patch of 16x16 pixels of three channels becomes 16x1 pixels of 48, a filter over sound 512x1 of one 16x1 of 32.
/// </summary>
internal static class JoinedPixels
{
    /// <summary>The joined form of a convolution of <paramref name="x"/> [n, h, w, c], inserted before <paramref name="before"/>, or what was given.</summary>
    public static (Value X, ConvGeometry Geometry, Tensor Weights) Join(Graph graph, Node before, Value x, ConvGeometry geometry, Tensor weights)
    {
        long width = x.Shape.IsRanked ? x.Shape[2] : -1, channels = geometry.InChannels;
        if (geometry.OpType != "Conv" || geometry.Groups != 1 || channels % 4 == 0 || geometry.Dilations[1] != 1 || width <= 0) return (x, geometry, weights);
        long joined = Factor(Factor(geometry.Kernel[1], geometry.Strides[1]), Factor(width, geometry.Pads[1]));
        if (joined == 1) return (x, geometry, weights);
        Value pixels = Rewrite.Insert(graph, before, "Reshape", x.Name + ".joined", [x, Rewrite.Ints(graph, "joined", 0, 0, width / joined, channels * joined)]);
        ConvGeometry narrow = geometry with
        {
            Kernel = [geometry.Kernel[0], geometry.Kernel[1] / joined],
            Strides = [geometry.Strides[0], geometry.Strides[1] / joined],
            Pads = [geometry.Pads[0], geometry.Pads[1] / joined, geometry.Pads[2], geometry.Pads[3] / joined],
            InChannels = channels * joined,
        };
        return (pixels, narrow, Join(weights, joined));
    }

    /// <summary>[o, c, .., k] to [o, g * c, .., k / g]: column x of a kernel is channels (x mod g) * c .. of column x / g.</summary>
    private static Tensor Join(Tensor weights, long joined)
    {
        Shape from = weights.Shape;
        long outputs = from[0], channels = from[1], rows = from.Product(2, from.Rank - 1), columns = from[from.Rank - 1];
        var result = new Tensor(weights.DType, from.With(1, channels * joined).With(from.Rank - 1, columns / joined));
        for (long o = 0, i = 0; o < outputs; o++)
            for (long c = 0; c < channels; c++)
                for (long y = 0; y < rows; y++)
                    for (long x = 0; x < columns; x++, i++)
                        result.SetInt64(((o * joined * channels + x % joined * channels + c) * rows + y) * (columns / joined) + x / joined, weights.GetInt64(i));
        return result;
    }

    /// <summary>The greatest common divisor; that of 0 and b is b.</summary>
    private static long Factor(long a, long b)
    {
        while (b != 0) (a, b) = (b, a % b);
        return a;
    }
}
