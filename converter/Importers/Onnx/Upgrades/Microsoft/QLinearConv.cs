using EdgeLite.Converter.Ir;

namespace EdgeLite.Converter.Importers.Onnx.Upgrades.Microsoft;

/// <summary>ONNX's QLinearConv, of channels-last data where channels_last is 1.</summary>
[Upgrades("QLinearConv", Domain = "com.microsoft")]
internal sealed class QLinearConv : OperatorUpgrade
{
    private static readonly QLinearLayers s_plain = new();

    public override void Apply(NodeDraft node)
    {
        bool isLast = node.Attributes.Int("channels_last", 0) != 0;
        int rank = node.RequiredRank(0);
        node.Attributes.Remove("channels_last");
        if (isLast) node.SetInput(0, node.Emit("Transpose", [node.Required(0)], ("perm", ChannelOrder.First(rank))));
        node.MoveTo("");
        s_plain.Apply(node);
        if (isLast) node.Results = [node.Emit("Transpose", [node.EmitSelf()[0]], ("perm", ChannelOrder.Last(rank)))];
    }
}
