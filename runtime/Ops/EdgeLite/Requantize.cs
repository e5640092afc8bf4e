using EdgeLite.Core;

namespace EdgeLite.Ops.EdgeLite;

/// <summary>Another scale and zero point for a quantized tensor: <c>y = clamp(requantize(x - x_zero_point, multiplier, shift) +
/// y_zero_point, y_min, y_max)</c> (el_quant.h); X of int64 by the rule of 64-bit sums. <c>to</c> names the output's type where it differs from X's.</summary>
[Operator("Requantize", "X", "Y", Domain = "edgelite")]
public sealed partial class Requantize : Operator
{
    [Attr] public long XZeroPoint { get; set; }
    [Attr] public long YZeroPoint { get; set; }
    [Attr(Required = true)] public long Multiplier { get; set; }
    [Attr(Required = true)] public long Shift { get; set; }
    [Attr] public long YMin { get; set; } = sbyte.MinValue;
    [Attr] public long YMax { get; set; } = sbyte.MaxValue;
    [Attr] public long? To { get; set; }

    public override bool CanRunInPlace(int input) => input == 0 && To == null;

    public override void Infer(InferContext context) => context.SetOutput(0, To is { } to ? (DType)to : context.DType(0), context.Shape(0));

    public override void Compute(ComputeContext context)
    {
        Tensor x = context.Input(0), y = context.Output(0);
        for (long i = 0, n = y.Count; i < n; i++)
        {
            long v = x.GetInt64(i) - XZeroPoint;
            v = x.DType == DType.Int64 ? FixedPoint.Requantize64(v, (int)Multiplier, (int)Shift) : FixedPoint.Requantize((int)v, (int)Multiplier, (int)Shift);
            y.SetInt64(i, Math.Clamp(v + YZeroPoint, YMin, YMax));
        }
    }
}
