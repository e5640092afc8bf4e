using EdgeLite.Converter.Ir;

namespace EdgeLite.Converter.Importers.Onnx.Upgrades.Microsoft;

/// <summary>Convolution or pooling of channels-last data: between two transposes, which lowering takes out again.</summary>
[Upgrades("NhwcConv", "NhwcMaxPool", Domain = "com.microsoft")]
internal sealed class NhwcConv : OperatorUpgrade
{
    public override void Apply(NodeDraft node)
    {
        int rank = node.RequiredRank(0);
        long[] toFirst = ChannelOrder.First(rank), toLast = ChannelOrder.Last(rank);
        Value?[] inputs = [.. node.Inputs];
        inputs[0] = node.Emit("Transpose", [node.Required(0)], ("perm", toFirst));
        node.Become("Transpose", [node.EmitWith(node.OpType["Nhwc".Length..], inputs, node.Attributes.Clone())], ("perm", toLast));
        node.MoveTo("");
    }
}
