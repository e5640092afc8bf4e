namespace EdgeLite.Converter.Importers.Onnx.Upgrades;

/// <summary>Operator set 5 turned shape into an input.</summary>
[Upgrades("Reshape")]
internal sealed class Reshape : OperatorUpgrade
{
    public override void Apply(NodeDraft node)
    {
        if (node.Opset < 5 && !node.IntsToInput("shape", 1)) throw node.Error("required attribute 'shape' is missing");
    }
}
