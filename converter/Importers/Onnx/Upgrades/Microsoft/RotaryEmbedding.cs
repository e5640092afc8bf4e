using EdgeLite.Converter.Ir;

namespace EdgeLite.Converter.Importers.Onnx.Upgrades.Microsoft;

/// <summary>ONNX's RotaryEmbedding with other inputs: X, position_ids[b][s] or one first position, cos, sin. The number of heads may follow
/// from the width of the caches.</summary>
[Upgrades("RotaryEmbedding", Domain = "com.microsoft")]
internal sealed class RotaryEmbedding : OperatorUpgrade
{
    public override void Apply(NodeDraft node)
    {
        if (node.Attributes.Int("is_packed_batching", 0) != 0 || node.Attributes.Float("scale", 1) != 1) throw node.Unsupported("packed batches and scale are not supported");
        Value x = node.Required(0), places = node.Required(1), cos = node.Required(2);
        int rank = node.RequiredRank(0);
        long rotated = node.Attributes.Int("rotary_embedding_dim", 0), heads = node.Attributes.Int("num_heads", 0);
        if (rank == 3 && heads == 0)
        {
            if (!cos.Shape.IsRanked || cos.Shape[1] <= 0 || x.Shape[2] <= 0) throw node.Unsupported("num_heads is not given and the sizes that it follows from are not known");
            heads = x.Shape[2] / (2 * cos.Shape[1]);
        }
        if (node.RequiredRank(1) == 1)
        {
            Value batch = node.Emit("Shape", [x], ("start", 0), ("end", 1));
            Value length = node.Emit("Shape", [x], ("start", rank - 2), ("end", rank - 1));
            if (rank == 3) length = node.Emit("Shape", [x], ("start", 1), ("end", 2));
            Value steps = node.Emit("Range", [node.Int("zero", 0), node.Emit("Squeeze", [length]), node.Int("one", 1)]);
            places = node.Emit("Expand", [node.Emit("Add", [places, steps]), node.Emit("Concat", [batch, length], ("axis", 0))]);
        }
        node.Become("RotaryEmbedding", [x, cos, node.Required(3), places],
            ("interleaved", node.Attributes.Int("interleaved", 0)), ("num_heads", heads), ("rotary_embedding_dim", rotated));
        node.MoveTo("");
    }
}
