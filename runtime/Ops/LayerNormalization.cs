namespace EdgeLite.Ops;

/// <summary>y = (x - mean) / sqrt(variance + epsilon) * scale + bias over the trailing axes (arXiv 1607.06450).</summary>
[Operator("LayerNormalization", "X, Scale, B?", "Y, Mean?, InvStdDev?")]
public sealed partial class LayerNormalization : TrailingNormalization
{
    protected override bool IsCentered => true;
}
