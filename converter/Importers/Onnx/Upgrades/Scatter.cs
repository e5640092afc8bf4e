namespace EdgeLite.Converter.Importers.Onnx.Upgrades;

/// <summary>Operator set 11 renamed Scatter to ScatterElements.</summary>
[Upgrades("Scatter")]
internal sealed class Scatter : OperatorUpgrade
{
    public override void Apply(NodeDraft node) => node.Rename("ScatterElements");
}
