namespace EdgeLite.Converter.Importers.Onnx.Upgrades;

/// <summary>Operator set 10 turned starts, ends and axes into inputs.</summary>
[Upgrades("Slice")]
internal sealed class Slice : OperatorUpgrade
{
    public override void Apply(NodeDraft node)
    {
        if (node.Opset >= 10) return;
        if (!node.IntsToInput("starts", 1) || !node.IntsToInput("ends", 2)) throw node.Error("attributes 'starts' and 'ends' are required");
        node.IntsToInput("axes", 3);
    }
}
