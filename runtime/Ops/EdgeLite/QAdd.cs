namespace EdgeLite.Ops.EdgeLite;

/// <summary>TFLite's integer ADD: <c>y = clamp(requantize(ra + rb, y_multiplier, y_shift) + y_offset, y_min, y_max)</c>,
/// <c>ra = requantize((a + a_offset) &lt;&lt; left_shift, a_multiplier, a_shift)</c>, rb likewise (el_quant.h).</summary>
[Operator("QAdd", "A, B", "Y", Domain = "edgelite")]
public sealed partial class QAdd : QuantizedSum
{
    protected override int Combine(int a, int b) => ScaleA(a) + ScaleB(b);
}
