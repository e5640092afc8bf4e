using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.Keras.Layers;

/// <summary>Attention. A place that no query may see counts -1e9 in the softmax, as TensorFlow's Keras has it.</summary>
internal static class AttentionLayers
{
    private const double Hidden = -1e9;

    /// <summary>softmax(Q K^T / sqrt(key_dim)) V by head; projections [features, heads, size], output [heads, size, features]. Attention over
    /// several axes is attention over them as one.</summary>
    [Keras("MultiHeadAttention", Limits = "attention_axes that leave out some, use_gate, sliding_window")]
    private static void MultiHeadAttention(KerasNode n)
    {
        long size = n.Config.RequiredInt("key_dim");
        Attend(n, n.Config.RequiredInt("num_heads"), n.Config.RequiredInt("num_heads"), size, n.Config.Int(size, "value_dim"));
    }

    /// <summary>The same, where several heads of the query share one of key and value.</summary>
    [Keras("GroupQueryAttention", Limits = "use_gate, sliding_window")]
    private static void GroupQueryAttention(KerasNode n)
    {
        long size = n.Config.RequiredInt("head_dim");
        Attend(n, n.Config.RequiredInt("num_query_heads"), n.Config.RequiredInt("num_key_value_heads"), size, size);
    }

    private static void Attend(KerasNode n, long heads, long shared, long size, long valueSize)
    {
        if (n.Config.Bool(false, "use_gate") || n.Config.Has("sliding_window")) throw n.Error("use_gate and sliding_window are not supported");
        if (heads < 1 || shared < 1 || heads % shared != 0) throw n.Damaged($"{heads} heads of the query share {shared} of key and value");
        KerasTensor? third = n.Named.GetValueOrDefault("key") is [var k] ? k : null;
        KerasTensor[] given = [.. n.Inputs, .. n.Named.GetValueOrDefault("value") ?? []];
        if (given.Length < 2) throw n.Damaged("query and value are not both given");
        KerasTensor query = given[0], value = given[1], key = third ?? (given.Length > 2 ? given[2] : value);
        int rank = n.RankOf(query.Value);
        if (rank < 3 || n.RankOf(value.Value) != rank) throw n.InputError($"inputs of shapes {query.Value.Shape} and {value.Value.Shape} are not supported");
        if (n.Config.Ints("attention_axes", "_attention_axes") is { } axes && !axes.Select(a => n.Axis(a, rank)).Order().SequenceEqual(Enumerable.Range(1, rank - 2)))
            throw n.Error("attention_axes that leave out some axes are not supported");
        bool hasBias = n.Config.Bool(true, "use_bias");

        Value q = Heads(query.Value, "query_dense", heads, size), t = Shared(Heads(key.Value, "key_dense", shared, size)), v = Shared(Heads(value.Value, "value_dense", shared, valueSize));
        Value scores = n.Emit("MatMul", [n.Emit("Mul", [q, n.Scalar(1 / Math.Sqrt(size))]), n.Transpose(t, 0, 1, 3, 2)]);
        if (Seen() is { } mask) scores = n.Emit("Where", [mask, scores, n.Scalar(Hidden)]);
        Value weights = n.Emit("Softmax", [scores], ("axis", -1));
        Value joined = n.Reshape(n.Transpose(n.Emit("MatMul", [weights, v]), 0, 2, 1, 3), 0, 0, heads * valueSize);
        Tensor[] output = Parts("output_dense");
        Value y = n.Emit("MatMul", [joined, n.Constant("output", () => Arrays.Shaped(n.RequireRank(output[0], 3, "output kernel"), new Shape(heads * valueSize, output[0].Shape[2])))]);
        if (hasBias) y = n.Emit("Add", [y, n.Constant("output_bias", () => output[1])]);
        if (rank > 3) y = n.Emit("Reshape", [y, n.Concat([n.Emit("Shape", [query.Value], ("start", 0), ("end", rank - 1)), n.Ints(output[0].Shape[2])], 0)]);
        bool hasScores = n.Named.ContainsKey("return_attention_scores");
        if (hasScores && rank > 3) throw n.InputError("scores of attention over several axes are not supported");
        n.Set(hasScores ? [new(y, query.Mask), new(weights)] : [new(y, query.Mask)]);

        Tensor[] Parts(string role)
        {
            KerasWeights inside = n.Layer.Weights.Inside(role);
            return hasBias ? inside.Take(n.Name, "kernel", "bias") : inside.Take(n.Name, "kernel");
        }

        // [batch, heads, steps, each]
        Value Heads(Value x, string role, long count, long each)
        {
            Tensor[] parts = Parts(role);
            if (rank > 3) x = n.Emit("Reshape", [x, n.Concat([n.Emit("Shape", [x], ("start", 0), ("end", 1)), n.Ints(-1), n.Emit("Shape", [x], ("start", rank - 1))], 0)]);
            Value h = n.Emit("MatMul", [x, n.Constant(role, () => Arrays.Shaped(n.RequireRank(parts[0], 3, "kernel"), new Shape(parts[0].Shape[0], count * each)))]);
            if (hasBias) h = n.Emit("Add", [h, n.Constant(role + "_bias", () => Arrays.Shaped(parts[1], new Shape(count * each)))]);
            return n.Transpose(n.Reshape(h, 0, 0, count, each), 0, 2, 1, 3);
        }

        Value Shared(Value h) => heads == shared ? h : n.Emit("Gather", [h, n.Ints([.. Enumerable.Range(0, (int)heads).Select(i => i * shared / heads)])], ("axis", 1));

        // [batch or 1, 1, queries, keys]
        Value? Seen()
        {
            Value? seen = null;
            if (n.Named.GetValueOrDefault("attention_mask") is [var asked])
            {
                if (rank > 3) throw n.InputError("attention_mask of attention over several axes is not supported");
                Value rows = n.Cast(asked.Value, DType.Bool);
                seen = n.RankOf(rows) == 4 ? rows : n.Emit("Unsqueeze", [rows, n.Ints(1)]);
            }
            if (query.Mask != null) seen = Both(n, seen, n.Emit("Unsqueeze", [query.Mask, n.Ints(1, 3)]));
            if (value.Mask != null) seen = Both(n, seen, n.Emit("Unsqueeze", [value.Mask, n.Ints(1, 2)]));
            if (third?.Mask is { } ofKey) seen = Both(n, seen, n.Emit("Unsqueeze", [ofKey, n.Ints(1, 2)]));
            return n.Named.ContainsKey("use_causal_mask") ? Both(n, seen, Before(n, scores)) : seen;
        }
    }

    private static Value Both(KerasNode n, Value? a, Value b) => a == null ? b : n.Emit("And", [a, b]);

    /// <summary>Whether a key is not behind its query, bool [queries, keys].</summary>
    private static Value Before(KerasNode n, Value scores)
    {
        int rank = n.RankOf(scores);
        return n.Emit("GreaterOrEqual", [n.Emit("Unsqueeze", [Places(rank - 2), n.Ints(1)]), Places(rank - 1)]);

        Value Places(int axis)
        {
            Value size = n.Emit("Squeeze", [n.Emit("Shape", [scores], ("start", axis), ("end", axis + 1)), n.Ints(0)]);
            return n.Emit("Range", [n.Constant("first", Tensor.FromScalar(0L)), size, n.Constant("step", Tensor.FromScalar(1L))]);
        }
    }

    /// <summary>Luong's: softmax(Q K^T) V over [query, value, key]; of score_mode "concat": w sum(tanh(scale (q + k))).</summary>
    [Keras("Attention")]
    private static void Attention(KerasNode n)
    {
        (Value query, Value key) = Operands(n);
        bool hasScale = n.Config.Bool(false, "use_scale");
        string mode = n.Config.Text("score_mode", "dot");
        string[] names = [.. hasScale ? new[] { "scale" } : [], .. mode == "concat" ? new[] { "concat_score_weight" } : []];
        Tensor[] weights = names.Length > 0 ? n.Layer.Take(names) : [];
        Value? scale = hasScale ? n.Constant("scale", () => Arrays.Shaped(weights[0], Shape.Scalar)) : null;
        Value scores;
        if (mode == "dot")
        {
            scores = n.Emit("MatMul", [query, n.Transpose(key, 0, 2, 1)]);
            if (scale != null) scores = n.Emit("Mul", [scores, scale]);
        }
        else if (mode == "concat")
        {
            Value sums = PairSums(n, query, key);
            Value tanh = n.Emit("Tanh", [scale != null ? n.Emit("Mul", [sums, scale]) : sums]);
            scores = n.Emit("Mul", [n.Emit("ReduceSum", [tanh, n.Ints(-1)], ("keepdims", 0)), n.Constant("weight", () => Arrays.Shaped(weights[^1], Shape.Scalar))]);
        }
        else throw n.Error($"score_mode '{mode}' is not supported");
        Weigh(n, scores);
    }

    /// <summary>Bahdanau's: the scores are sum(scale tanh(q + k)).</summary>
    [Keras("AdditiveAttention")]
    private static void AdditiveAttention(KerasNode n)
    {
        (Value query, Value key) = Operands(n);
        Value tanh = n.Emit("Tanh", [PairSums(n, query, key)]);
        if (n.Config.Bool(true, "use_scale")) tanh = n.Emit("Mul", [tanh, n.Constant("scale", () => n.Layer.Take("scale")[0])]);
        Weigh(n, n.Emit("ReduceSum", [tanh, n.Ints(-1)], ("keepdims", 0)));
    }

    private static (Value Query, Value Key) Operands(KerasNode n)
    {
        if (n.Inputs.Length is not (2 or 3)) throw n.Damaged($"it is called with {n.Inputs.Length} inputs");
        return (n.X, n.Inputs[^1].Value);
    }

    /// <summary>q + k for each query and key: [batch, queries, keys, features].</summary>
    private static Value PairSums(KerasNode n, Value query, Value key) => n.Emit("Add", [n.Emit("Unsqueeze", [query, n.Ints(2)]), n.Emit("Unsqueeze", [key, n.Ints(1)])]);

    /// <summary>Masks are those that the inputs carry, or mask = [of the query, of the value].</summary>
    private static void Weigh(KerasNode n, Value scores)
    {
        Value? ofQuery = n.Inputs[0].Mask, ofValue = n.Inputs[1].Mask;
        if (n.Argument(1, "mask") is object?[] masks)
        {
            if (masks.Length < 2) throw n.Damaged($"mask has {masks.Length} entries");
            (ofQuery, ofValue) = ((masks[0] as KerasTensor?)?.Value, (masks[1] as KerasTensor?)?.Value);
        }
        Value? seen = ofValue == null ? null : n.Emit("Unsqueeze", [n.Cast(ofValue, DType.Bool), n.Ints(1)]);
        if (n.Named.ContainsKey("use_causal_mask") || n.Config.Bool(false, "causal")) seen = Both(n, seen, Before(n, scores));
        if (seen != null) scores = n.Emit("Where", [seen, scores, n.Emit("Add", [scores, n.Scalar(Hidden)])]);
        Value weights = n.Emit("Softmax", [scores], ("axis", -1)), y = n.Emit("MatMul", [weights, n.Inputs[1].Value]);
        if (ofQuery != null) y = n.Emit("Where", [n.Emit("Unsqueeze", [n.Cast(ofQuery, DType.Bool), n.Ints(2)]), y, n.Scalar(0)]);
        n.Set(n.Named.ContainsKey("return_attention_scores") ? [new(y, ofQuery), new(weights)] : [new(y, ofQuery)]);
    }
}
