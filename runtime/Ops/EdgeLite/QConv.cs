namespace EdgeLite.Ops.EdgeLite;

/// <summary>Integer convolution; weights in int8 panels (<see cref="PanelLayout"/>); sums are rounded once. See <see cref="QuantizedConvolution"/>.</summary>
[Operator("QConv", "X, W, B?, WSum, Multiplier, Shift, Near?", "Y", Domain = "edgelite")]
public sealed partial class QConv : QuantizedConvolution
{
    protected override int Requantize(int acc, int multiplier, int shift) => FixedPoint.RequantizeOnce(acc, multiplier, shift);

    public override void Compute(ComputeContext context) => GatherPanels(context);
}
