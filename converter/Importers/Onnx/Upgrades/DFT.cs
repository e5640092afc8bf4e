namespace EdgeLite.Converter.Importers.Onnx.Upgrades;

/// <summary>Operator set 20 turned axis from an attribute (default 1) into an input (default -2).</summary>
[Upgrades("DFT")]
internal sealed class DFT : OperatorUpgrade
{
    public override void Apply(NodeDraft node)
    {
        if (node.Opset >= 20) return;
        node.SetInput(2, node.Int("axis", node.Attributes.Int("axis", 1)));
        node.Attributes.Remove("axis");
    }
}
