using EdgeLite.Core;

namespace EdgeLite.Ops.EdgeLite;

/// <summary>
/// Average over the positions of the window that lie inside the input, X and Y NHWC of one quantized type and one scale:
/// <c>y = clamp(sum / count, y_min, y_max)</c>, the division rounded to nearest, ties away from zero (TFLite's rule).
/// </summary>
[Operator("QAveragePool", "X", "Y", Domain = "edgelite")]
public sealed partial class QAveragePool : Operator
{
    [Attr(Required = true)] public long[] KernelShape { get; set; } = [];
    [Attr] public long[] Strides { get; set; } = [1, 1];
    [Attr] public long[] Pads { get; set; } = [0, 0, 0, 0];
    [Attr] public long YMin { get; set; } = sbyte.MinValue;
    [Attr] public long YMax { get; set; } = sbyte.MaxValue;

    public override void Infer(InferContext context)
    {
        if (KernelShape.Length != 2 || Strides.Length != 2 || Pads.Length != 4 || !ConvolutionOperator.ArePositive(KernelShape, Strides))
            throw context.Error("kernel_shape and strides are 2 positive numbers, pads are 4");
        Shape x = context.Shape(0);
        if (x.IsRanked && x.Rank != 4) throw context.Error($"X has shape {x}, expected 4 dimensions (NHWC)");
        Shape y = Shape.OfRank(4);
        if (x.IsRanked) y = new Shape(x[0], Size(context, x[1], 0), Size(context, x[2], 1), x[3]);
        context.SetOutput(0, context.DType(0), y);
    }

    public override void Compute(ComputeContext context)
    {
        Tensor x = context.Input(0), y = context.Output(0);
        long h = x.Shape[1], w = x.Shape[2], c = x.Shape[3], index = 0;
        for (long n = 0; n < x.Shape[0]; n++)
            for (long oy = 0; oy < y.Shape[1]; oy++)
                for (long ox = 0; ox < y.Shape[2]; ox++)
                    for (long ch = 0; ch < c; ch++)
                    {
                        long top = oy * Strides[0] - Pads[0], left = ox * Strides[1] - Pads[1];
                        int sum = 0, count = 0;
                        for (long iy = Math.Max(top, 0); iy < Math.Min(top + KernelShape[0], h); iy++)
                            for (long ix = Math.Max(left, 0); ix < Math.Min(left + KernelShape[1], w); ix++, count++)
                                sum += (int)x.GetInt64(((n * h + iy) * w + ix) * c + ch);
                        if (count == 0) throw context.Error($"the window at [{oy},{ox}] lies outside the input");
                        y.SetInt64(index++, Math.Clamp(FixedPoint.RoundingDivide(sum, count), YMin, YMax));
                    }
    }

    private long Size(InferContext context, long size, int axis)
    {
        if (size < 0) return Shape.Unknown;
        long span = size + Pads[axis] + Pads[axis + 2] - KernelShape[axis];
        return span >= 0 ? span / Strides[axis] + 1 : throw context.Error($"a window of {KernelShape[axis]} does not fit into {size}");
    }
}
