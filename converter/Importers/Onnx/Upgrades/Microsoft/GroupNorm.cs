using EdgeLite.Converter.Ir;

namespace EdgeLite.Converter.Importers.Onnx.Upgrades.Microsoft;

/// <summary>Group normalization of diffusion models, channels last unless channels_last is 0, with SiLU behind it where activation is 1; of a sum of input,
/// skip and bias, which is the second output, in SkipGroupNorm.</summary>
[Upgrades("GroupNorm", "SkipGroupNorm", Domain = "com.microsoft")]
internal sealed class GroupNorm : OperatorUpgrade
{
    public override void Apply(NodeDraft node)
    {
        int rank = node.RequiredRank(0);
        bool isLast = node.Attributes.Int("channels_last", 1) != 0;
        Value x = node.Required(0);
        if (node.OpType == "SkipGroupNorm")
        {
            if (!isLast) throw node.Unsupported("channels_last 0 is not supported");
            Value skip = node.Required(3);
            if (node.Rank(3) == 2) skip = node.Emit("Unsqueeze", [skip, node.Ints("plane", 1, 2)]);
            x = node.Emit("Add", [x, skip]);
            if (node.Input(4) is { } bias) x = node.Emit("Add", [x, bias]);
        }
        Value first = isLast ? node.Emit("Transpose", [x], ("perm", ChannelOrder.First(rank))) : x;
        Value y = node.Emit("GroupNormalization", [first, Parameter(1), Parameter(2)], ("num_groups", node.Attributes["groups"].Int), ("epsilon", node.Attributes.Float("epsilon", 1e-5f)));
        y = node.Attributes.Int("activation", 0) switch
        {
            0 => y,
            1 => node.Emit("Swish", [y]),
            var other => throw node.Unsupported($"activation {other} is not known"),
        };
        node.Results = [isLast ? node.Emit("Transpose", [y], ("perm", ChannelOrder.Last(rank))) : y, x];

        // float32 beside float16 data.
        Value Parameter(int i) => node.DType(i) == node.DType(0) ? node.Required(i) : node.Emit("Cast", [node.Required(i)], ("to", (long)node.DType(0)));
    }
}
