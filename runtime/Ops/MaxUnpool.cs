using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>Puts each element of X back where MaxPool found it (Indices count through the whole unpooled tensor), zeros elsewhere.
/// Output size (in - 1) * stride + kernel - pads, or output_shape.</summary>
[Operator("MaxUnpool", "X, I, output_shape?", "output")]
public sealed partial class MaxUnpool : Operator
{
    [Attr(Required = true)] public long[] KernelShape { get; set; } = [];
    [Attr] public long[]? Pads { get; set; }
    [Attr] public long[]? Strides { get; set; }

    public override void Infer(InferContext c)
    {
        Shape x = c.Shape(0);
        if (x.IsRanked && (x.Rank < 3 || KernelShape.Length != x.Rank - 2 || (Strides ?? KernelShape).Length != KernelShape.Length || Pads != null && Pads.Length != 2 * KernelShape.Length))
            throw c.Error($"input has shape {x}; kernel_shape, strides and pads are not for its {Math.Max(0, x.Rank - 2)} spatial dimensions");
        if (x.IsRanked) c.ExpectShape(1, x.AsSpan());
        if (c.HasInput(2))
        {
            c.SetOutput(0, c.DType(0), c.ConstantInts(2) is { } shape ? new Shape(shape) : x.IsRanked ? Shape.OfRank(x.Rank) : x);
            return;
        }
        for (int i = 2; x.IsRanked && i < x.Rank; i++) x = x.With(i, Unpooled(c.Shape(0), i));
        c.SetOutput(0, c.DType(0), x);
    }

    private long Unpooled(in Shape x, int axis)
    {
        int i = axis - 2, spatial = x.Rank - 2;
        return x[axis] < 0 ? Shape.Unknown
            : (x[axis] - 1) * (Strides?[i] ?? 1) + KernelShape[i] - (Pads?[i] ?? 0) - (Pads?[spatial + i] ?? 0);
    }

    public override void Compute(ComputeContext c)
    {
        Tensor x = c.Input(0), indices = c.Input(1), y = c.Output(0);
        // Indices refer to the size that follows from the attributes; a larger output_shape keeps the positions.
        Shape source = x.Shape;
        for (int i = 2; i < source.Rank; i++) source = source.With(i, Unpooled(x.Shape, i));
        for (long i = 0; i < y.Count; i++) y.SetInt64(i, 0);
        for (long i = 0; i < x.Count; i++)
        {
            long rest = indices.GetInt64(i), at = 0, stride = 1;
            for (int axis = source.Rank - 1; axis >= 0; axis--)
            {
                long size = Math.Max(source[axis], 1), p = axis == 0 ? rest : rest % size;
                rest /= size;
                if (p < 0 || p >= y.Shape[axis]) throw c.Error($"index {indices.GetInt64(i)} lies outside the output {y.Shape}");
                at += p * stride;
                stride *= y.Shape[axis];
            }
            y.SetDouble(at, x.GetDouble(i));
        }
    }
}
