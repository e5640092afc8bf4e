namespace EdgeLite.Ops.EdgeLite;

/// <summary>Float transposed convolution, channels last: input position i adds through tap t to output position
/// i * stride + t * dilation - pad. Weights in float panels, the kernel not flipped (<see cref="PanelLayout"/>).</summary>
[Operator("ConvTranspose", "X, W, B?, R?, S?", "Y", Domain = "edgelite")]
public sealed partial class ConvTranspose : FusedConvolution
{
    [Attr] public long[] OutputPadding { get; set; } = [0, 0];

    protected override bool AllowsHalf => false;

    protected override long OutputSize(int axis, long size)
    {
        long full = (size - 1) * Strides[axis] + (KernelShape[axis] - 1) * Dilations[axis] + 1 + OutputPadding[axis];
        return Math.Max(0, full - Pads[axis] - Pads[axis + 2]);
    }

    protected override long PackedCount(long channels) => Panels(channels).Count;

    protected override long Source(int axis, long output, long tap, long size)
    {
        long scaled = output + Pads[axis] - tap * Dilations[axis];
        return scaled >= 0 && scaled % Strides[axis] == 0 && scaled / Strides[axis] < size ? scaled / Strides[axis] : -1;
    }

    public override void Compute(ComputeContext c) => GatherPanels(c);
}
