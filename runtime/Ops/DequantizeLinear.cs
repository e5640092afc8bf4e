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
        if (x.DType == DType.Int8 && scale.DType == DType.Float32 && y.DType == DType.Float32 && zero == null && x.Shape.Rank > 0)
        {
            Bytes(x, scale, y);
            return;
        }
        for (long i = 0, n = x.Count; i < n; i++)
        {
            long p = ParameterIndex(i, x.Shape, scale.Shape);
            y.SetDouble(i, (x.GetDouble(i) - (zero?.GetDouble(p) ?? 0)) * scale.GetDouble(p));
        }
    }

    /// <summary>The same for int8 around zero, as weights are stored: they become floats when a session starts.</summary>
    private void Bytes(Tensor x, Tensor scale, Tensor y)
    {
        ReadOnlySpan<sbyte> from = x.Span<sbyte>();
        ReadOnlySpan<float> scales = scale.Span<float>();
        Span<float> to = y.Span<float>();
        int axis = (int)(Axis < 0 ? Axis + x.Shape.Rank : Axis), inner = scales.Length == 1 ? from.Length : (int)x.Shape.Product(axis + 1, x.Shape.Rank);
        bool isBlocked = scales.Length > 1 && BlockSize > 0;
        for (int i = 0; i < from.Length; i += inner)
        {
            // One scale for the whole run, or one for each of its elements.
            int p = scales.Length == 1 ? 0 : (int)ParameterIndex(i, x.Shape, scale.Shape);
            for (int k = 0; k < inner; k++) to[i + k] = from[i + k] * scales[isBlocked ? p + k : p];
        }
    }
}
