using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>Adds the columns of input[n][c * product(block)][positions] back into an image[n][c][image..]: what im2col took from a
/// position goes back to it.</summary>
[Operator("Col2Im", "input, image_shape, block_shape", "output")]
public sealed partial class Col2Im : Operator
{
    [Attr] public long[]? Dilations { get; set; }
    [Attr] public long[]? Pads { get; set; }
    [Attr] public long[]? Strides { get; set; }

    public override void Infer(InferContext c)
    {
        c.ExpectRank(0, 3);
        Shape x = c.Shape(0);
        if (c.ConstantInts(1) is not { } image)
        {
            c.SetOutput(0, c.DType(0), c.Shape(1).IsKnown ? Shape.OfRank((int)c.Shape(1).Count + 2) : Shape.Unranked);
            return;
        }
        long taps = c.ConstantInts(2) is { } block ? new Shape(block).Count : Shape.Unknown;
        long channels = x.IsRanked && x[1] >= 0 && taps > 0 ? x[1] / taps : Shape.Unknown;
        if (taps > 0 && x.IsRanked && x[1] >= 0 && x[1] % taps != 0) throw c.Error($"{x[1]} rows are not a multiple of the {taps} elements of a block");
        Span<long> dims = stackalloc long[image.Length + 2];
        dims[0] = x.IsRanked ? x[0] : Shape.Unknown;
        dims[1] = channels;
        image.CopyTo(dims[2..]);
        c.SetOutput(0, c.DType(0), new Shape(dims));
    }

    public override unsafe void Compute(ComputeContext c)
    {
        Tensor x = c.Input(0), blocks = c.Input(2), y = c.Output(0);
        int r = y.Shape.Rank - 2;
        long taps = 1, channels = y.Shape[1], plane = y.Shape.Product(2, r + 2), positions = x.Shape[2];
        Span<long> block = stackalloc long[r], count = stackalloc long[r];
        for (int i = 0; i < r; i++)
        {
            block[i] = blocks.GetInt64(i);
            taps *= block[i];
            long room = y.Shape[i + 2] + (Pads?[i] ?? 0) + (Pads?[r + i] ?? 0) - ((Dilations?[i] ?? 1) * (block[i] - 1) + 1);
            count[i] = room / (Strides?[i] ?? 1) + 1;
        }
        int parts = x.DType.IsComplex() ? 2 : 1;
        Tensor from = Elements.Parts(x), to = Elements.Parts(y);
        using var sums = new WideBuffer(to.Count);
        for (long i = 0; i < x.Count; i++)
        {
            long position = i % positions, tap = i / positions % taps, image = i / (positions * taps), at = 0, stride = 1;
            bool isInside = true;
            for (int axis = r - 1; axis >= 0; axis--)
            {
                long p = position % count[axis] * (Strides?[axis] ?? 1) + tap % block[axis] * (Dilations?[axis] ?? 1) - (Pads?[axis] ?? 0);
                position /= count[axis];
                tap /= block[axis];
                isInside &= p >= 0 && p < y.Shape[axis + 2];
                at += p * stride;
                stride *= y.Shape[axis + 2];
            }
            for (int part = 0; part < parts && isInside; part++) sums.P[(image * plane + at) * parts + part] += from.GetDouble(i * parts + part);
        }
        for (long i = 0; i < to.Count; i++) to.SetDouble(i, sums.P[i]);
    }
}
