namespace EdgeLite.Converter.Importers.Onnx.Upgrades;

/// <summary>Before operator set 7, a slope of one dimension belonged to the channels (dimension 1); now it aligns at the end.</summary>
[Upgrades("PRelu")]
internal sealed class PRelu : OperatorUpgrade
{
    public override void Apply(NodeDraft node)
    {
        if (node.Opset >= 7 || node.RequiredRank(1) != 1 || node.Required(1).Shape[0] == 1) return;
        int rank = node.RequiredRank(0);
        if (rank <= 2) return;
        long[] axes = [.. Enumerable.Range(1, rank - 2).Select(i => (long)i)];
        node.SetInput(1, node.Emit("Unsqueeze", [node.Required(1), node.Ints("axes", axes)]));
    }
}
