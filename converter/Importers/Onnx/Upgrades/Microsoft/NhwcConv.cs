using EdgeLite.Converter.Ir;

namespace EdgeLite.Converter.Importers.Onnx.Upgrades.Microsoft;

/// <summary>Convolution of channels-last data: Conv between two transposes, which lowering takes out again.</summary>
[Upgrades("NhwcConv", Domain = "com.microsoft")]
internal sealed class NhwcConv : OperatorUpgrade
{
    public override void Apply(NodeDraft node)
    {
        int rank = node.RequiredRank(0);
        long[] toFirst = [0, rank - 1, .. Enumerable.Range(1, rank - 2).Select(d => (long)d)], toLast = [0, .. Enumerable.Range(2, rank - 2).Select(d => (long)d), 1];
        Value?[] inputs = [.. node.Inputs];
        inputs[0] = node.Emit("Transpose", [node.Required(0)], ("perm", toFirst));
        node.Become("Transpose", [node.EmitWith("Conv", inputs, node.Attributes.Clone())], ("perm", toLast));
        node.MoveTo("");
    }
}
