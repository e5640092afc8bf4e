namespace EdgeLite.Converter.Importers.Onnx.Upgrades;

/// <summary>Before operator set 7, C was repeated only where attribute broadcast was 1; now it always may be.</summary>
[Upgrades("Gemm")]
internal sealed class Gemm : OperatorUpgrade
{
    public override void Apply(NodeDraft node)
    {
        if (node.Opset < 7) node.Attributes.Remove("broadcast");
    }
}
