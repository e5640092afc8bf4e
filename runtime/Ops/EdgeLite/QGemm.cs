using EdgeLite.Core;

namespace EdgeLite.Ops.EdgeLite;

/// <summary>
/// Integer dense layer over the last axis: X[..., K] int8 (or int16 with 64-bit bias) -> Y[..., out_features]; weights in int8
/// panels of one group and one tap. <c>y = clamp(requantize(sum((x - x_zero_point) * w) + b, multiplier[o], shift[o]) +
/// y_zero_point, y_min, y_max)</c>, requantize rounding once; arithmetic as in kernels-native/include/el_quant.h.
/// </summary>
[Operator("QGemm", "X, W, B?, WSum, Multiplier, Shift, Near?", "Y", Domain = "edgelite")]
public sealed partial class QGemm : Operator
{
    [Attr(Required = true)] public long OutFeatures { get; set; }
    [Attr] public long XZeroPoint { get; set; }
    [Attr] public long YZeroPoint { get; set; }
    [Attr] public long YMin { get; set; } = sbyte.MinValue;
    [Attr] public long YMax { get; set; } = sbyte.MaxValue;

    public override void Infer(InferContext context)
    {
        Shape x = context.Shape(0);
        DType type = context.DType(0);
        if (type is not (DType.Int8 or DType.Int16)) throw context.Error($"X is {type.Name()}, expected int8 or int16");
        if (!x.IsRanked)
        {
            context.SetOutput(0, type, Shape.Unranked);
            return;
        }
        if (x.Rank == 0) throw context.Error("X is a scalar, expected at least one dimension");
        long k = x[x.Rank - 1];
        if (k >= 0) context.ExpectCount(1, Layout((int)k).Count);
        for (int i = 2; i <= 6; i++) context.ExpectCount(i, OutFeatures);
        context.SetOutput(0, type, x.With(x.Rank - 1, OutFeatures));
    }

    public override unsafe void Compute(ComputeContext context)
    {
        Tensor x = context.Input(0), y = context.Output(0), multiplier = context.Input(4), shift = context.Input(5);
        Tensor? bias = context.OptionalInput(2);
        int k = (int)x.Shape[x.Shape.Rank - 1];
        PanelLayout layout = Layout(k);
        sbyte* weights = (sbyte*)context.Input(1).Data;
        for (long m = 0, rows = y.Count / OutFeatures; m < rows; m++)
            for (int o = 0; o < OutFeatures; o++)
            {
                long acc = bias?.GetInt64(o) ?? 0;
                for (int i = 0; i < k; i++) acc += (x.GetInt64(m * k + i) - XZeroPoint) * weights[layout.At(0, 0, i, o)];
                long value = bias?.DType == DType.Int64
                    ? FixedPoint.Requantize64(acc, (int)multiplier.GetInt64(o), (int)shift.GetInt64(o))
                    : FixedPoint.RequantizeOnce((int)acc, (int)multiplier.GetInt64(o), (int)shift.GetInt64(o));
                y.SetInt64(m * OutFeatures + o, Math.Clamp(value + YZeroPoint, YMin, YMax));
            }
    }

    private PanelLayout Layout(int k) => new(DType.Int8, 1, 1, k, (int)OutFeatures);
}
