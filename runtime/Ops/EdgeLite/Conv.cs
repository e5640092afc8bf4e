namespace EdgeLite.Ops.EdgeLite;

/// <summary>Float convolution, channels last, any number of groups; weights in float panels (<see cref="PanelLayout"/>).</summary>
[Operator("Conv", "X, W, B?, R?, S?", "Y", Domain = "edgelite")]
public sealed partial class Conv : FusedConvolution
{
    public override void Compute(ComputeContext c) => GatherPanels(c);
}
