namespace EdgeLite.Converter.Importers.Onnx.Upgrades;

/// <summary>Operator set 9 replaced across_channels and normalize_variance by axes.</summary>
[Upgrades("MeanVarianceNormalization")]
internal sealed class MeanVarianceNormalization : OperatorUpgrade
{
    public override void Apply(NodeDraft node)
    {
        if (node.Opset >= 9) return;
        if (node.Attributes.Int("normalize_variance", 1) == 0) throw node.Unsupported("normalize_variance = 0 is not supported");
        bool across = node.Attributes.Int("across_channels", 0) != 0;
        node.Attributes.Remove("normalize_variance");
        node.Attributes.Remove("across_channels");
        node.Attributes["axes"] = across ? new long[] { 1, 2, 3 } : [2, 3];
    }
}
