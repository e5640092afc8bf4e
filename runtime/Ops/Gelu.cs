namespace EdgeLite.Ops;

/// <summary>Gaussian error linear unit: x * Phi(x), or its tanh approximation (arXiv 1606.08415).</summary>
[Operator("Gelu", "X", "Y")]
public sealed partial class Gelu : ElementwiseUnary
{
    /// <summary>"none" or "tanh".</summary>
    [Attr] public string Approximate { get; set; } = "none";

    public override void Infer(InferContext context)
    {
        if (Approximate is not ("none" or "tanh")) throw context.Error($"approximate must be 'none' or 'tanh', got '{Approximate}'");
        base.Infer(context);
    }

    protected override double Apply(double x) => Approximate == "tanh"
        ? 0.5 * x * (1 + Math.Tanh(Math.Sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x)))
        : 0.5 * x * (1 + ErrorFunction.Erf(x / Math.Sqrt(2)));
}
