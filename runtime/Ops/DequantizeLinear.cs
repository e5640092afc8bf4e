using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>y = (x - zero_point) * scale, in output_dtype, which defaults to the type of the scale.</summary>
[Operator("DequantizeLinear", "x, x_scale, x_zero_point?", "y")]
public sealed partial class DequantizeLinear : QuantizationOperator
{
    [Attr] public long OutputDtype { get; set; }

    public override void Infer(InferContext c)
    {
        CheckParameters(c);
        if (c.HasInput(2) && c.DType(2) != c.DType(0)) throw c.Error($"zero point is {c.DType(2).Name()}, x is {c.DType(0).Name()}");
        c.SetOutput(0, OutputDtype != 0 ? (DType)OutputDtype : c.DType(1), c.Shape(0));
    }

    public override void Compute(ComputeContext c)
    {
        Tensor x = c.Input(0), scale = c.Input(1), y = c.Output(0);
        Tensor? zero = c.OptionalInput(2);
        for (long i = 0, n = x.Count; i < n; i++)
        {
            long p = ParameterIndex(i, x.Shape, scale.Shape);
            y.SetDouble(i, (x.GetDouble(i) - (zero?.GetDouble(p) ?? 0)) * scale.GetDouble(p));
        }
    }
}
