using EdgeLite.Ops;

namespace EdgeLite.Converter.Importers.Onnx.Upgrades;

/// <summary>Operator set 2 turned p from a float into an integer.</summary>
[Upgrades("LpPool", "GlobalLpPool")]
internal sealed class LpPool : OperatorUpgrade
{
    public override void Apply(NodeDraft node)
    {
        if (node.Attributes.Find("p") is not { Kind: AttributeKind.Float } p) return;
        if (p.Float != MathF.Round(p.Float)) throw node.Unsupported($"p = {p.Float} is not an integer");
        node.Attributes["p"] = (long)p.Float;
    }
}
