using EdgeLite.Converter.Ir;
using EdgeLite.Core;
using EdgeLite.Ops;

namespace EdgeLite.Converter.Importers.Onnx.Upgrades.Microsoft;

/// <summary>
/// Attention of grouped queries over a cache of keys and values [b][kv heads][places][size]. Sample b has seqlens_k[b] + 1 keys, the new
/// ones last; a prompt (as many new keys as total_sequence_length) starts at place 0. The new keys are written into the cache, which
/// grows to total_sequence_length where it is shorter; then it is ONNX's Attention with as many valid keys as each sample has.
/// A cache may be quantized (<see cref="CacheForm"/>) or hold the last places only (<see cref="SlidingCache"/>).
/// head_sink and smooth_softmax add exp(sink) to the denominator of the softmax: a factor sigmoid(logsumexp(scores) - sink).
/// </summary>
[Upgrades("GroupQueryAttention", Domain = "com.microsoft")]
internal sealed class GroupQueryAttention : OperatorUpgrade
{
    private static readonly long[] s_headsFirst = [0, 2, 1, 3];

    public override void Apply(NodeDraft node)
    {
        AttributeSet a = node.Attributes;
        bool hasPast = node.Input(3) != null && node.Input(4) != null, isWindow = a.Int("sliding_window_cache", 0) != 0;
        CacheForm keyForm = CacheForm.Of(node, "k_quant_type", 12), valueForm = CacheForm.Of(node, "v_quant_type", 13);
        long heads = a["num_heads"].Int, keyHeads = a["kv_num_heads"].Int;
        bool isCausal = a.Int("causal", 1) != 0;
        Value query = node.Required(0);
        Value[] qkv = Projections(node, heads, keyHeads);
        if (node.Input(14) is { } queryNorm && node.Input(15) is { } keyNorm)
        {
            (string, AttributeValue)[] options = [("axis", -1), ("epsilon", a.Float("qk_norm_epsilon", 1e-6f))];
            qkv[0] = node.Emit("RMSNormalization", [qkv[0], queryNorm], options);
            qkv[1] = node.Emit("RMSNormalization", [qkv[1], keyNorm], options);
        }
        for (int i = 0; i < 3; i++) qkv[i] = node.Emit("Transpose", [qkv[i]], ("perm", s_headsFirst));

        // Numbers of places, int64: new ones [1], of the batch [1], of each sample [b], and the place of the first new one [b].
        Value length = node.Emit("Shape", [query], ("start", 1), ("end", 2));
        Value total = node.Emit("Reshape", [Int64(node, node.Required(6)), node.Ints("one", 1)]);
        Value valid = node.Emit("Add", [node.Emit("Reshape", [Int64(node, node.Required(5)), node.Ints("flat", -1)]), node.Ints("one", 1)]);
        Value isPrompt = node.Emit("Equal", [length, total]);
        Value start = node.Emit("Where", [isPrompt, node.Ints("zero", 0), node.Emit("Sub", [valid, length])]);
        if (a.Int("do_rotary", 0) != 0) Rotate(node, qkv, query, length, start);

        (Value keys, Value values) = (keyForm.Store(node, qkv[1]), valueForm.Store(node, qkv[2]));
        SlidingCache? window = isWindow ? new SlidingCache(node, start, valid, length) : null;
        if (window != null) (keys, values) = (window.Join(node.Required(3), keys), window.Join(node.Required(4), values));
        else if (hasPast) (keys, values) = (Extend(node, node.Required(3), keys, start, total), Extend(node, node.Required(4), values, start, total));
        (qkv[1], qkv[2]) = (keyForm.Load(node, keys), valueForm.Load(node, values));
        if (window != null) (keys, values) = (window.Keep(keys), window.Keep(values));
        // Causal order hides the padding of a prompt by itself.
        Value? known = isWindow ? null : !isCausal ? valid : hasPast ? node.Emit("Add", [start, length]) : null;

        Value? sink = node.Input(11);
        if (sink == null && a.Int("smooth_softmax", 0) != 0) sink = AttentionMask.Number(node, query.DType, 0);
        long shown = a.Int("qk_output", 0);
        if (sink != null && shown != 0) throw node.Unsupported("qk_output together with a smooth softmax is not supported");
        var attributes = AttributeSet.Of(("is_causal", isCausal && !isWindow ? 1 : 0), ("softcap", a.Float("softcap", 0)), ("qk_matmul_output_mode", shown == 2 ? 3 : 2));
        if (!isWindow && a.Int("local_window_size", -1) is > 0 and long left) attributes["left_window_size"] = left - 1;
        if (a.Float("scale", 0) is not 0 and float scale) attributes["scale"] = scale;
        Value?[] results = node.EmitAllWith("Attention", [qkv[0], qkv[1], qkv[2], window?.Mask() ?? node.Input(10), null, null, known], [true, false, false, sink != null || shown != 0], attributes);
        Value y = results[0]!;
        if (sink != null)
        {
            Value weight = node.Emit("ReduceLogSumExp", [results[3], node.Ints("axis", -1)], ("keepdims", 1));
            Value perHead = node.Emit("Reshape", [sink, node.Ints("heads", 1, -1, 1, 1)]);
            y = node.Emit("Mul", [y, node.Emit("Sigmoid", [node.Emit("Sub", [weight, perHead])])]);
        }
        y = node.Emit("Reshape", [node.Emit("Transpose", [y], ("perm", s_headsFirst)), node.Ints("folded", 0, 0, -1)]);
        node.Results = [y, keys, values, shown != 0 ? results[3] : null];
    }

    /// <summary>Q, K and V as [b][s][heads][size], out of one input or three.</summary>
    private static Value[] Projections(NodeDraft node, long heads, long keyHeads)
    {
        if (node.Input(1) != null && node.Input(2) != null)
            return [Split(node.Required(0), heads), Split(node.Required(1), keyHeads), Split(node.Required(2), keyHeads)];
        Value packed = Split(node.Required(0), heads + 2 * keyHeads);
        Value?[] parts = node.EmitAll("Split", [packed, node.Ints("sizes", heads, keyHeads, keyHeads)], 3, ("axis", 2));
        return [parts[0]!, parts[1]!, parts[2]!];

        Value Split(Value x, long count) => node.Emit("Reshape", [x, node.Ints("heads", 0, 0, count, -1)]);
    }

    private static void Rotate(NodeDraft node, Value[] qkv, Value query, Value length, Value start)
    {
        Value cos = node.Required(7), sin = node.Required(8);
        if (!cos.Shape.IsRanked || cos.Shape[1] <= 0) throw node.Unsupported($"cos_cache is {cos}; its width must be known");
        Value? places = node.Input(9);
        if (places == null)
        {
            Value steps = node.Emit("Range", [node.Int("zero", 0), node.Emit("Squeeze", [length]), node.Int("one", 1)]);
            places = node.Emit("Add", [node.Emit("Unsqueeze", [start, node.Ints("axis", 1)]), steps]);
            places = node.Emit("Expand", [places, node.Emit("Shape", [query], ("start", 0), ("end", 2))]);
        }
        for (int i = 0; i < 2; i++)
            qkv[i] = node.Emit("RotaryEmbedding", [qkv[i], cos, sin, places],
                ("interleaved", node.Attributes.Int("rotary_interleaved", 0)), ("rotary_embedding_dim", 2 * cos.Shape[1]));
    }

    /// <summary>The cache with the new entries in, at least as long as the longest sample.</summary>
    private static Value Extend(NodeDraft node, Value past, Value entries, Value start, Value total)
    {
        Value zeros = node.Ints("zeros", 0, 0, 0, 0, 0, 0), zero = node.Ints("zero", 0);
        Value missing = node.Emit("Max", [zero, node.Emit("Sub", [total, node.Emit("Shape", [past], ("start", 2), ("end", 3))])]);
        Value cache = node.Emit("Pad", [past, node.Emit("Concat", [zeros, missing, zero], ("axis", 0))]);
        return node.Emit("TensorScatter", [cache, entries, start], ("axis", 2));
    }

    private static Value Int64(NodeDraft node, Value x) => node.Emit("Cast", [x], ("to", (long)DType.Int64));
}
