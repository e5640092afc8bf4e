namespace EdgeLite.Ops.Microsoft;

/// <summary>Product of two quantized tensors.</summary>
[Operator("QLinearMul", "A, A_scale, A_zero_point?, B, B_scale, B_zero_point?, C_scale, C_zero_point?", "C", Domain = "com.microsoft")]
public sealed partial class QLinearMul : QLinearBinary
{
    protected override double Apply(double a, double b) => a * b;
}
