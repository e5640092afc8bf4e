namespace EdgeLite.Converter.Importers.Onnx.Upgrades;

/// <summary>The experimental DynamicSlice of ONNX 1.2 became Slice of operator set 10, with the same inputs.</summary>
[Upgrades("DynamicSlice")]
internal sealed class DynamicSlice : OperatorUpgrade
{
    public override void Apply(NodeDraft node) => node.Rename("Slice");
}
