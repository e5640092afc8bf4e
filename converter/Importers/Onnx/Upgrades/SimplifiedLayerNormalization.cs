namespace EdgeLite.Converter.Importers.Onnx.Upgrades;

/// <summary>ONNX Runtime's name, in ONNX's own domain, for what operator set 23 calls RMSNormalization.</summary>
[Upgrades("SimplifiedLayerNormalization")]
internal sealed class SimplifiedLayerNormalization : OperatorUpgrade
{
    public override void Apply(NodeDraft node)
    {
        if (node.IsWanted(1)) throw node.Unsupported("the second output is not supported");
        node.Become("RMSNormalization", [node.Required(0), node.Required(1)], ("axis", node.Attributes.Int("axis", -1)), ("epsilon", node.Attributes.Float("epsilon", 1e-5f)));
    }
}
