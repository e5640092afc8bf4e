using EdgeLite.Converter.Ir;
using EdgeLite.Ops;

namespace EdgeLite.Converter.Importers.Onnx.Upgrades.Microsoft;

/// <summary>
/// ONNX's Attention of projections that lack their bias. Queries [b][s][heads * size] with keys and values of the same layout or
/// [b][heads][t][size]; or all three packed in [b][s][heads][3][size], or keys and values in [b][t][heads][2][size].
/// </summary>
[Upgrades("MultiHeadAttention", Domain = "com.microsoft")]
internal sealed class MultiHeadAttention : OperatorUpgrade
{
    public override void Apply(NodeDraft node)
    {
        AttributeSet a = node.Attributes;
        long heads = a["num_heads"].Int;
        if (node.Input(8) != null || node.Input(9) != null) throw node.Unsupported("past_sequence_length and cache_indirection (a cache shared by beams) are not supported");
        Value q = node.Required(0);
        Value? k = node.Input(1), v = node.Input(2), bias = node.Input(3);
        long batch = q.Shape.IsRanked ? q.Shape[0] : -1;
        int keyRank = k == null ? 0 : node.RequiredRank(1);
        if (node.RequiredRank(0) == 5)
        {
            Value?[] parts = Unpack(node, q, 3);
            (q, k, v) = (parts[0]!, parts[1], parts[2]);
        }
        else if (keyRank == 5)
        {
            Value?[] parts = Unpack(node, k!, 2);
            (k, v) = (parts[0], parts[1]);
        }
        if (k == null || v == null) throw node.Error("key and value are missing, and query is not packed with them");
        bool hasHeads = keyRank == 4;
        if (bias != null)
        {
            long width = q.Shape[2], all = bias.Shape.IsRanked ? bias.Shape[0] : -1;
            if (width <= 0 || all <= 0) throw node.Unsupported($"the sizes of query {q.Shape} and bias {bias.Shape} are not known");
            Value?[] parts = node.EmitAll("Split", [bias, node.Ints("sizes", width, width, all - 2 * width)], 3, ("axis", 0));
            q = node.Emit("Add", [q, parts[0]]);
            if (!hasHeads)
            {
                k = node.Emit("Add", [k, parts[1]]);
                v = node.Emit("Add", [v, parts[2]]);
            }
        }
        Value keys = hasHeads ? node.Emit("Shape", [k], ("start", 2), ("end", 3)) : node.Emit("Shape", [k], ("start", 1), ("end", 2));
        if (node.Input(6) is { } past) keys = node.Emit("Add", [keys, node.Emit("Shape", [past], ("start", 2), ("end", 3))]);
        Value? mask = AttentionMask.Of(node, node.Input(4), node.Input(5), keys, batch, q.DType);
        // Keys with heads apart want queries with heads apart.
        if (hasHeads) q = node.Emit("Transpose", [node.Emit("Reshape", [q, node.Ints("heads", 0, 0, heads, -1)])], ("perm", new long[] { 0, 2, 1, 3 }));
        var attributes = AttributeSet.Of(("q_num_heads", heads), ("kv_num_heads", heads), ("is_causal", a.Int("unidirectional", 0)), ("qk_matmul_output_mode", 3));
        if (a.Float("scale", 0) is not 0 and float scale) attributes["scale"] = scale;
        Value?[] results = node.EmitAllWith("Attention", [q, k, v, mask, node.Input(6), node.Input(7)], [true, node.IsWanted(1), node.IsWanted(2), node.IsWanted(3)], attributes);
        if (hasHeads) results[0] = node.Emit("Reshape", [node.Emit("Transpose", [results[0]], ("perm", new long[] { 0, 2, 1, 3 })), node.Ints("folded", 0, 0, -1)]);
        node.Results = results;
    }

    /// <summary>[b][t][heads][count][size] as <paramref name="count"/> tensors [b][t][heads * size].</summary>
    private static Value?[] Unpack(NodeDraft node, Value packed, int count)
    {
        Value?[] parts = node.EmitAll("Split", [packed], count, ("axis", 3), ("num_outputs", count));
        for (int i = 0; i < count; i++) parts[i] = node.Emit("Reshape", [parts[i], node.Ints("folded", 0, 0, -1)]);
        return parts;
    }
}
