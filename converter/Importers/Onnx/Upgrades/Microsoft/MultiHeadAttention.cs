using EdgeLite.Converter.Ir;
using EdgeLite.Ops;

namespace EdgeLite.Converter.Importers.Onnx.Upgrades.Microsoft;

/// <summary>
/// ONNX's Attention of projections that lack their bias. Queries [b][s][heads * size] with keys and values of the same layout or
/// [b][heads][t][size]; or all three packed in [b][s][heads][3][size], or keys and values in [b][t][heads][2][size]. A past of
/// past_sequence_length entries may lie in a cache of more places, into which the new ones are written. DecoderMaskedMultiHeadAttention has
/// its inputs in another order, one query, and may have all packed in [b][1][3 * heads * size].
/// </summary>
[Upgrades("MultiHeadAttention", "DecoderMaskedMultiHeadAttention", Domain = "com.microsoft")]
internal sealed class MultiHeadAttention : OperatorUpgrade
{
    public override void Apply(NodeDraft node)
    {
        AttributeSet a = node.Attributes;
        bool isDecoder = node.OpType != "MultiHeadAttention";
        long heads = a["num_heads"].Int;
        Value q = node.Required(0);
        Value? k = node.Input(1), v = node.Input(2), bias = node.Input(isDecoder ? 10 : 3), mask = node.Input(isDecoder ? 3 : 4), added = node.Input(isDecoder ? 4 : 5);
        Value? pastKey = node.Input(isDecoder ? 5 : 6), pastValue = node.Input(isDecoder ? 6 : 7), taken = node.Input(isDecoder ? 7 : 8), beams = node.Input(9);
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
        else if (isDecoder && k == null && v == null)
        {
            Value?[] parts = node.EmitAll("Split", [q], 3, ("axis", 2), ("num_outputs", 3));
            (q, k, v) = (parts[0]!, parts[1], parts[2]);
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
        SharedCache? cache = taken != null && pastKey != null && pastValue != null ? new SharedCache(node, taken, beams, 2) : null;
        if (cache == null && beams != null) throw node.Error("cache_indirection needs past_key, past_value and past_sequence_length");
        (Value? keyCache, Value? valueCache) = (pastKey, pastValue);
        if (cache != null) (pastKey, pastValue) = (cache.Past(keyCache!), cache.Past(valueCache!));
        Value keys = hasHeads ? node.Emit("Shape", [k], ("start", 2), ("end", 3)) : node.Emit("Shape", [k], ("start", 1), ("end", 2));
        if (pastKey != null) keys = node.Emit("Add", [keys, node.Emit("Shape", [pastKey], ("start", 2), ("end", 3))]);
        mask = AttentionMask.Of(node, mask, added, keys, batch, q.DType);
        // Keys with heads apart want queries with heads apart.
        if (hasHeads) q = HeadsApart(node, q, heads);
        var attributes = AttributeSet.Of(("q_num_heads", heads), ("kv_num_heads", heads), ("is_causal", a.Int("unidirectional", 0)), ("qk_matmul_output_mode", 3));
        if (a.Float("scale", 0) is not 0 and float scale) attributes["scale"] = scale;
        bool grows = cache == null;
        Value?[] results = node.EmitAllWith("Attention", [q, k, v, mask, pastKey, pastValue], [true, grows && node.IsWanted(1), grows && node.IsWanted(2), node.IsWanted(3)], attributes);
        if (hasHeads) results[0] = node.Emit("Reshape", [node.Emit("Transpose", [results[0]], ("perm", new long[] { 0, 2, 1, 3 })), node.Ints("folded", 0, 0, -1)]);
        if (cache != null && node.IsWanted(1)) results[1] = cache.Written(keyCache!, hasHeads ? k : HeadsApart(node, k, heads));
        if (cache != null && node.IsWanted(2)) results[2] = cache.Written(valueCache!, hasHeads ? v : HeadsApart(node, v, heads));
        node.Results = results;
    }

    /// <summary>[b][t][heads * size] as [b][heads][t][size].</summary>
    public static Value HeadsApart(NodeDraft node, Value x, long heads) =>
        node.Emit("Transpose", [node.Emit("Reshape", [x, node.Ints("heads", 0, 0, heads, -1)])], ("perm", new long[] { 0, 2, 1, 3 }));

    /// <summary>[b][t][heads][count][size] as <paramref name="count"/> tensors [b][t][heads * size].</summary>
    private static Value?[] Unpack(NodeDraft node, Value packed, int count)
    {
        Value?[] parts = node.EmitAll("Split", [packed], count, ("axis", 3), ("num_outputs", count));
        for (int i = 0; i < count; i++) parts[i] = node.Emit("Reshape", [parts[i], node.Ints("folded", 0, 0, -1)]);
        return parts;
    }
}
