using EdgeLite.Core;

namespace EdgeLite.Ops.Microsoft;

/// <summary>A function of each element of a quantized tensor: dequantized, mapped, quantized. Inputs: X, its scale and zero point, Y's
/// scale and zero point.</summary>
public abstract class QLinearUnary : Operator
{
    protected abstract double Apply(double x);

    public override void Infer(InferContext c) => c.SetOutput(0, c.DType(0), c.Shape(0));

    public override void Compute(ComputeContext c)
    {
        Tensor x = c.Input(0), y = c.Output(0);
        double zx = c.OptionalInput(2)?.GetDouble(0) ?? 0, zy = c.OptionalInput(4)?.GetDouble(0) ?? 0;
        double sx = c.Input(1).GetDouble(0), sy = c.Input(3).GetDouble(0);
        for (long i = 0; i < x.Count; i++) Quantization.StoreRounded(y, i, Apply((x.GetDouble(i) - zx) * sx) / sy, zy);
    }
}
