using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>Moves between channels and blocks of space: N,C*b*b,H,W against N,C,H*b,W*b (or channels last).</summary>
public abstract class BlockRearrangement : Operator
{
    [Attr("blocksize", Required = true)] public long BlockSize { get; set; }

    /// <summary>Extension of ours: X and Y are N,H,W,C.</summary>
    [Attr] public bool ChannelsLast { get; set; }

    private protected (int Channels, int Height, int Width) Axes => ChannelsLast ? (3, 1, 2) : (1, 2, 3);

    private protected void Infer(InferContext context, bool toSpace)
    {
        if (BlockSize < 1) throw context.Error($"blocksize is {BlockSize}");
        context.ExpectRank(0, 4);
        Shape x = context.Shape(0);
        if (!x.IsRanked)
        {
            context.SetOutput(0, context.DType(0), Shape.OfRank(4));
            return;
        }
        (int c, int h, int w) = Axes;
        long b = BlockSize;
        if (toSpace) x = x.With(c, Divide(x[c], b * b)).With(h, Multiply(x[h], b)).With(w, Multiply(x[w], b));
        else x = x.With(c, Multiply(x[c], b * b)).With(h, Divide(x[h], b)).With(w, Divide(x[w], b));
        context.SetOutput(0, context.DType(0), x);

        long Multiply(long dim, long by) => dim < 0 ? by == 1 ? dim : Shape.Unknown : checked(dim * by);
        long Divide(long dim, long by) => dim < 0 ? by == 1 ? dim : Shape.Unknown
            : dim % by == 0 ? dim / by : throw context.Error($"{dim} is not a multiple of {by} in shape {context.Shape(0)}");
    }

    /// <summary>Walks the small-space side (N, C*b*b, H, W) and gives each of its elements its place on the large-space side.</summary>
    private protected void Move(Tensor deep, Tensor wide, bool crd, bool toSpace)
    {
        (int ca, int ha, int wa) = Axes;
        long n = deep.Shape[0], depth = deep.Shape[ca], height = deep.Shape[ha], width = deep.Shape[wa], b = BlockSize, channels = depth / (b * b);
        for (long i = 0; i < n; i++)
            for (long d = 0; d < depth; d++)
            {
                (long c, long by, long bx) = crd ? (d / (b * b), d / b % b, d % b) : (d % channels, d / channels / b, d / channels % b);
                for (long y = 0; y < height; y++)
                    for (long x = 0; x < width; x++)
                    {
                        long from = At(i, d, y, x, depth, height, width), to = At(i, c, y * b + by, x * b + bx, channels, height * b, width * b);
                        if (toSpace) Elements.Copy(deep, from, wide, to);
                        else Elements.Copy(wide, to, deep, from);
                    }
            }
    }

    private long At(long n, long c, long y, long x, long channels, long height, long width) => ChannelsLast
        ? ((n * height + y) * width + x) * channels + c
        : ((n * channels + c) * height + y) * width + x;
}
