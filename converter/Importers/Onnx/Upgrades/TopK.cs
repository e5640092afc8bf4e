namespace EdgeLite.Converter.Importers.Onnx.Upgrades;

/// <summary>Operator set 10 turned k into an input.</summary>
[Upgrades("TopK")]
internal sealed class TopK : OperatorUpgrade
{
    public override void Apply(NodeDraft node)
    {
        if (node.Opset >= 10) return;
        node.SetInput(1, node.Ints("k", node.Attributes["k"].Int));
        node.Attributes.Remove("k");
    }
}
