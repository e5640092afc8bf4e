namespace EdgeLite.Ops.EdgeLite;

/// <summary>Integer transposed convolution; weights in int8 panels, the kernel not flipped: input position i meets output position
/// i * stride - pad + tap * dilation. See <see cref="QuantizedConvolution"/>.</summary>
[Operator("QConvTranspose", "X, W, B?, WSum, Multiplier, Shift", "Y", Domain = "edgelite")]
public sealed partial class QConvTranspose : QuantizedConvolution
{
    [Attr] public long[] OutputPadding { get; set; } = [0, 0];

    public override long[]? TransposedPadding => OutputPadding;

    public override void Compute(ComputeContext context) => GatherPanels(context);
}
