namespace EdgeLite.Ops.EdgeLite;

/// <summary>TFLite's integer MUL: <c>y = clamp(requantize((a + a_offset) * (b + b_offset), y_multiplier, y_shift) + y_offset,
/// y_min, y_max)</c> (el_quant.h).</summary>
[Operator("QMul", "A, B", "Y", Domain = "edgelite")]
public sealed partial class QMul : QuantizedBinary
{
    protected override int Combine(int a, int b) => a * b;
}
