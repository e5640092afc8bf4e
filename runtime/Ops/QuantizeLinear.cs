using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>y = saturate(round_half_even(x / scale) + zero_point); to a float type: y = cast(x / scale + zero_point). The result's
/// type is the zero point's, else output_dtype, else uint8.</summary>
[Operator("QuantizeLinear", "x, y_scale, y_zero_point?", "y")]
public sealed partial class QuantizeLinear : QuantizationOperator
{
    [Attr] public long OutputDtype { get; set; }

    /// <summary>Type in which x / scale is computed (a number of <see cref="DType"/>); 0 is the type of the scale.</summary>
    [Attr] public long Precision { get; set; }

    /// <summary>For 8-bit float results: overflow gives the largest value rather than infinity or NaN.</summary>
    [Attr] public bool Saturate { get; set; } = true;

    public override void Infer(InferContext c)
    {
        CheckParameters(c);
        DType type = c.HasInput(2) ? c.DType(2) : OutputDtype != 0 ? (DType)OutputDtype : DType.UInt8;
        if (c.HasInput(2) && OutputDtype != 0 && (DType)OutputDtype != type)
            throw c.Error($"output_dtype is {((DType)OutputDtype).Name()}, the zero point {type.Name()}");
        c.SetOutput(0, type, c.Shape(0));
    }

    public override unsafe void Compute(ComputeContext c)
    {
        Tensor x = c.Input(0), scale = c.Input(1), y = c.Output(0);
        Tensor? zero = c.OptionalInput(2);
        DType precision = Precision != 0 ? (DType)Precision : scale.DType;
        for (long i = 0, n = x.Count; i < n; i++)
        {
            long p = ParameterIndex(i, x.Shape, scale.Shape);
            double value = Divide(x.GetDouble(i), scale.GetDouble(p), precision);
            double z = zero?.GetDouble(p) ?? 0;
            if (y.DType.IsInteger()) Quantization.StoreRounded(y, i, value, z);
            else if (y.DType is DType.Float4E2M1) y.SetDouble(i, value + z);
            else y.Data[i] = SmallFloat.FromSingle(y.DType, (float)(value + z), Saturate);
        }
    }

    private static double Divide(double x, double scale, DType precision) => precision switch
    {
        DType.Float16 => (double)((Half)x / (Half)scale),
        DType.Float64 => x / scale,
        DType.Float32 => (float)x / (float)scale,
        _ => (float)x / (float)scale,
    };
}
