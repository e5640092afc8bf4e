namespace EdgeLite.Ops.Microsoft;

/// <summary>Sigmoid of a quantized tensor.</summary>
[Operator("QLinearSigmoid", "X, X_scale, X_zero_point?, Y_scale, Y_zero_point?", "Y", Domain = "com.microsoft")]
public sealed partial class QLinearSigmoid : QLinearUnary
{
    protected override double Apply(double x) => 1 / (1 + Math.Exp(-x));
}
