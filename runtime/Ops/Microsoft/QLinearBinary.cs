using EdgeLite.Core;

namespace EdgeLite.Ops.Microsoft;

/// <summary>An element-wise operation on quantized tensors: both operands are dequantized, the result is quantized. Inputs: A, its
/// scale and zero point, B, its scale and zero point, C's scale and zero point; NumPy broadcasting.</summary>
public abstract class QLinearBinary : Operator
{
    protected abstract double Apply(double a, double b);

    public override void Infer(InferContext c) => c.SetOutput(0, c.DType(0), c.Broadcast(c.Shape(0), c.Shape(3)));

    public override void Compute(ComputeContext c)
    {
        Tensor a = c.Input(0), b = c.Input(3), y = c.Output(0);
        double za = c.OptionalInput(2)?.GetDouble(0) ?? 0, zb = c.OptionalInput(5)?.GetDouble(0) ?? 0, zy = c.OptionalInput(7)?.GetDouble(0) ?? 0;
        double sa = c.Input(1).GetDouble(0), sb = c.Input(4).GetDouble(0), sy = c.Input(6).GetDouble(0);
        for (long i = 0; i < y.Count; i++)
        {
            double va = (a.GetDouble(Broadcasting.Index(i, y.Shape, a.Shape)) - za) * sa;
            double vb = (b.GetDouble(Broadcasting.Index(i, y.Shape, b.Shape)) - zb) * sb;
            Quantization.StoreRounded(y, i, Apply(va, vb) / sy, zy);
        }
    }
}
