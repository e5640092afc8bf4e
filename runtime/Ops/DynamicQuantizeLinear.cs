using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>Quantizes to uint8 with the range of the data, zero included: scale = (max - min) / 255,
/// zero_point = saturate(round_half_even(-min / scale)).</summary>
[Operator("DynamicQuantizeLinear", "x", "y, y_scale, y_zero_point")]
public sealed partial class DynamicQuantizeLinear : Operator
{
    public override void Infer(InferContext c)
    {
        c.SetOutput(0, DType.UInt8, c.Shape(0));
        c.SetOutput(1, DType.Float32, Shape.Scalar);
        c.SetOutput(2, DType.UInt8, Shape.Scalar);
    }

    public override void Compute(ComputeContext c)
    {
        Tensor x = c.Input(0);
        float min = 0, max = 0;
        for (long i = 0; i < x.Count; i++)
        {
            min = Math.Min(min, (float)x.GetDouble(i));
            max = Math.Max(max, (float)x.GetDouble(i));
        }
        float scale = (max - min) / 255;
        if (scale == 0) scale = 1;
        float zero = Math.Clamp(MathF.Round(-min / scale, MidpointRounding.ToEven), 0, 255);
        if (c.HasOutput(0))
            for (long i = 0; i < x.Count; i++) Quantization.StoreRounded(c.Output(0), i, (float)x.GetDouble(i) / scale, zero);
        if (c.HasOutput(1)) c.Output(1).SetDouble(0, scale);
        if (c.HasOutput(2)) c.Output(2).SetDouble(0, zero);
    }
}
