namespace EdgeLite.Ops;

/// <summary>y = x / sqrt(mean(x^2) + epsilon) * scale over the trailing axes (arXiv 1910.07467).</summary>
[Operator("RMSNormalization", "X, scale", "Y")]
public sealed partial class RMSNormalization : TrailingNormalization
{
    protected override bool IsCentered => false;
}
