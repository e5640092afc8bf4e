namespace EdgeLite.Converter.Importers.Onnx.Upgrades;

/// <summary>Operator set 13 turned axes into an input.</summary>
[Upgrades("Squeeze", "Unsqueeze")]
internal sealed class Squeeze : OperatorUpgrade
{
    public override void Apply(NodeDraft node)
    {
        if (node.Opset < 13) node.IntsToInput("axes", 1);
    }
}
