using EdgeLite.Converter.Ir;

namespace EdgeLite.Converter.Importers.Onnx.Upgrades.Microsoft;

/// <summary>Layer normalization of input + skip + bias over the last axis; the fourth output is that sum. Simplified: by the root of the mean of
/// squares (arXiv 1910.07467).</summary>
[Upgrades("SkipLayerNormalization", "SkipSimplifiedLayerNormalization", Domain = "com.microsoft")]
internal sealed class SkipNormalization : OperatorUpgrade
{
    public override void Apply(NodeDraft node)
    {
        bool isSimplified = node.OpType == "SkipSimplifiedLayerNormalization";
        Value sum = node.Emit("Add", [node.Required(0), node.Required(1)]);
        if (node.Input(isSimplified ? 3 : 4) is { } bias) sum = node.Emit("Add", [sum, bias]);
        float epsilon = node.Attributes.Float("epsilon", 1e-12f);
        Value?[] y;
        if (!isSimplified)
            y = node.EmitAllWith("LayerNormalization", [sum, node.Required(2), node.Input(3)], [true, node.IsWanted(1), node.IsWanted(2)], Ops.AttributeSet.Of(("axis", -1), ("epsilon", epsilon)));
        else if (node.IsWanted(1) || node.IsWanted(2)) throw node.Unsupported("mean and inverse deviation as outputs are not supported");
        else y = [node.Emit("RMSNormalization", [sum, node.Required(2)], ("axis", -1), ("epsilon", epsilon)), null, null];
        node.Results = [y[0], y[1], y[2], sum];
    }
}
