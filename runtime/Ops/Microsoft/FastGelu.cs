namespace EdgeLite.Ops.Microsoft;

/// <summary>Gelu of X plus an optional bias, by its tanh approximation.</summary>
[Operator("FastGelu", "X, bias?", "Y", Domain = "com.microsoft")]
public sealed partial class FastGelu : BiasedActivation
{
    protected override double Apply(double x) => 0.5 * x * (1 + Math.Tanh(Math.Sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x)));
}
