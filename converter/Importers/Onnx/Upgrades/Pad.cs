namespace EdgeLite.Converter.Importers.Onnx.Upgrades;

/// <summary>Operator set 11 turned pads and value into inputs; before 2, pads was called paddings.</summary>
[Upgrades("Pad")]
internal sealed class Pad : OperatorUpgrade
{
    public override void Apply(NodeDraft node)
    {
        if (node.Opset >= 11) return;
        if (!node.IntsToInput("pads", 1) && !node.IntsToInput("paddings", 1)) throw node.Error("required attribute 'pads' is missing");
        float value = node.Attributes.Float("value", 0);
        node.Attributes.Remove("value");
        if (value != 0) node.SetInput(2, node.Number("value", value));
    }
}
