namespace EdgeLite.Converter.Importers.Onnx.Upgrades;

/// <summary>Before operator set 4, axis could be left out and was 1.</summary>
[Upgrades("Concat")]
internal sealed class Concat : OperatorUpgrade
{
    public override void Apply(NodeDraft node)
    {
        if (node.Opset < 4 && !node.Attributes.Has("axis")) node.Attributes["axis"] = 1;
    }
}
