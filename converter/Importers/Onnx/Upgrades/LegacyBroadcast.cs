namespace EdgeLite.Converter.Importers.Onnx.Upgrades;

/// <summary>Before operator set 7, B was repeated only where attribute broadcast was 1: its dimensions stand beside those of A from
/// <c>axis</c> on (the last ones when left out). Now dimensions always align at the end.</summary>
[Upgrades("Add", "Sub", "Mul", "Div", "Pow", "And", "Or", "Xor", "Equal", "Greater", "Less")]
internal sealed class LegacyBroadcast : OperatorUpgrade
{
    public override void Apply(NodeDraft node)
    {
        if (node.Opset >= 7) return;
        bool broadcast = node.Attributes.Int("broadcast", 0) != 0;
        long? axis = node.Attributes.Has("axis") ? node.Attributes.Int("axis", 0) : null;
        node.Attributes.Remove("broadcast");
        node.Attributes.Remove("axis");
        if (!broadcast || axis == null) return;
        int rankA = node.RequiredRank(0), rankB = node.RequiredRank(1);
        long from = axis.Value < 0 ? axis.Value + rankA : axis.Value;
        long trailing = rankA - from - rankB;
        if (trailing < 0) throw node.Error($"axis {axis} leaves no room for the {rankB} dimensions of B in the {rankA} of A");
        if (trailing == 0) return;
        long[] axes = [.. Enumerable.Range(rankB, (int)trailing).Select(i => (long)i)];
        node.SetInput(1, node.Emit("Unsqueeze", [node.Required(1), node.Ints("axes", axes)]));
    }
}
