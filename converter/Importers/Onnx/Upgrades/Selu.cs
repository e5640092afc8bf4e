namespace EdgeLite.Converter.Importers.Onnx.Upgrades;

/// <summary>Operator set 6 gave the default constants more digits.</summary>
[Upgrades("Selu")]
internal sealed class Selu : OperatorUpgrade
{
    public override void Apply(NodeDraft node)
    {
        if (node.Opset >= 6) return;
        node.Attributes["alpha"] = node.Attributes.Float("alpha", 1.6732f);
        node.Attributes["gamma"] = node.Attributes.Float("gamma", 1.0507f);
    }
}
