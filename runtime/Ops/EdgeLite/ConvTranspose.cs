namespace EdgeLite.Ops.EdgeLite;

/// <summary>Float transposed convolution, channels last: input position i adds through tap t to output position
/// i * stride + t * dilation - pad. Weights in float panels, the kernel not flipped (<see cref="PanelLayout"/>).</summary>
[Operator("ConvTranspose", "X, W, B?, R?, S?", "Y", Domain = "edgelite")]
public sealed partial class ConvTranspose : FusedConvolution
{
    [Attr] public long[] OutputPadding { get; set; } = [0, 0];

    protected override bool AllowsHalf => false;

    public override long[]? TransposedPadding => OutputPadding;

    public override void Compute(ComputeContext c) => GatherPanels(c);
}
