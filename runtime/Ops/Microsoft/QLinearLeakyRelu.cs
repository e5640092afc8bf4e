namespace EdgeLite.Ops.Microsoft;

/// <summary>x, or alpha * x where negative, of a quantized tensor.</summary>
[Operator("QLinearLeakyRelu", "X, X_scale, X_zero_point?, Y_scale, Y_zero_point?", "Y", Domain = "com.microsoft")]
public sealed partial class QLinearLeakyRelu : QLinearUnary
{
    [Attr] public float Alpha { get; set; } = 0.01f;

    protected override double Apply(double x) => x < 0 ? Alpha * x : x;
}
