using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.Keras.Layers;

/// <summary>Attention.</summary>
internal static class AttentionLayers
{
    /// <summary>softmax(Q K^T / sqrt(key_dim)) V by head; projections [features, heads, size], output [heads, size, features].</summary>
    [Keras("MultiHeadAttention", Notes = "without attention_mask; scores are not returned")]
    private static void MultiHeadAttention(KerasNode n)
    {
        if (n.Named.ContainsKey("attention_mask") || n.Named.ContainsKey("use_causal_mask") || n.Named.ContainsKey("return_attention_scores"))
            throw n.Error("attention_mask, use_causal_mask and return_attention_scores are not supported");
        KerasTensor[] given = [.. n.Inputs, .. n.Named.GetValueOrDefault("value") ?? []];
        if (given.Length < 2) throw n.Damaged("query and value are not both given");
        if (given.Any(g => g.Mask != null)) throw n.Error("masks are not supported");
        Value query = given[0].Value, value = given[1].Value;
        Value key = n.Named.GetValueOrDefault("key") is [var k] ? k.Value : given.Length > 2 ? given[2].Value : value;
        if (n.RankOf(query) != 3 || n.RankOf(value) != 3) throw n.InputError("only inputs of 3 dimensions are supported");
        long heads = n.Config.RequiredInt("num_heads"), size = n.Config.RequiredInt("key_dim"), valueSize = n.Config.Int(size, "value_dim");
        bool hasBias = n.Config.Bool(true, "use_bias");

        Value q = Heads(query, "query_dense", size, false), t = Heads(key, "key_dense", size, true), v = Heads(value, "value_dense", valueSize, false);
        Value scores = n.Emit("MatMul", [n.Emit("Mul", [q, n.Scalar(1 / Math.Sqrt(size))]), t]);
        Value joined = n.Transpose(n.Emit("MatMul", [n.Emit("Softmax", [scores], ("axis", -1)), v]), 0, 2, 1, 3);
        Tensor[] output = Parts("output_dense");
        Value y = n.Emit("MatMul", [n.Reshape(joined, 0, 0, heads * valueSize), n.Constant("output", () => Arrays.Shaped(n.RequireRank(output[0], 3, "output kernel"), new Shape(heads * valueSize, output[0].Shape[2])))]);
        n.Set(hasBias ? n.Emit("Add", [y, n.Constant("output_bias", () => output[1])]) : y);

        Tensor[] Parts(string role)
        {
            KerasWeights inside = n.Layer.Weights.Inside(role);
            return hasBias ? inside.Take(n.Name, "kernel", "bias") : inside.Take(n.Name, "kernel");
        }

        Value Heads(Value x, string role, long each, bool transposed)
        {
            Tensor[] parts = Parts(role);
            Value h = n.Emit("MatMul", [x, n.Constant(role, () => Arrays.Shaped(n.RequireRank(parts[0], 3, "kernel"), new Shape(parts[0].Shape[0], heads * each)))]);
            if (hasBias) h = n.Emit("Add", [h, n.Constant(role + "_bias", () => Arrays.Shaped(parts[1], new Shape(heads * each)))]);
            h = n.Reshape(h, 0, 0, heads, each);
            return transposed ? n.Transpose(h, 0, 2, 3, 1) : n.Transpose(h, 0, 2, 1, 3);
        }
    }

    /// <summary>Luong's: softmax(Q K^T) V over [query, value, key].</summary>
    [Keras("Attention", Notes = "score_mode dot, without masks")]
    private static void Attention(KerasNode n)
    {
        if (n.Inputs.Length < 2 || n.Inputs.Any(i => i.Mask != null) || n.Named.Count > 0 || n.Config.Bool(false, "causal")) throw n.Error("masks are not supported");
        if (n.Config.Text("score_mode", "dot") != "dot") throw n.Error("score_mode 'concat' is not supported");
        Value value = n.Inputs[1].Value, key = n.Inputs.Length > 2 ? n.Inputs[2].Value : value;
        Value scores = n.Emit("MatMul", [n.X, n.Transpose(key, 0, 2, 1)]);
        if (n.Config.Bool(false, "use_scale")) scores = n.Emit("Mul", [scores, n.Constant("scale", () => Arrays.Shaped(n.Layer.Take("scale")[0], Shape.Scalar))]);
        n.Set(n.Emit("MatMul", [n.Emit("Softmax", [scores], ("axis", -1)), value]));
    }
}
