using EdgeLite.Converter.Ir;

namespace EdgeLite.Bench.Networks;

internal static class Transformers
{
    /// <summary>Dosovitskiy et al., arXiv 2010.11929: 12 blocks of width 768, 12 heads, patches of 16.</summary>
    public static Graph VitB16()
    {
        const int Width = 768, Tokens = 197;
        var b = new NetworkBuilder("vit_b_16");
        Value x = b.Conv(b.Input("x", DType.Float32, NetworkBuilder.Batch, 3, 224, 224), Width, 16, 16, 0);
        x = b.Transpose(b.Reshape(x, 0, Width, Tokens - 1), 0, 2, 1);
        x = b.Add(b.Op("Concat", [b.Weights(0.02, NetworkBuilder.Batch, 1, Width), x], ("axis", 1L)), b.Weights(0.02, 1, Tokens, Width));
        for (int i = 0; i < 12; i++)
        {
            x = b.Add(x, b.Attention(b.LayerNorm(x), 12, null));
            x = b.Add(x, b.Linear(b.Gelu(b.Linear(b.LayerNorm(x), 4 * Width)), Width));
        }
        Value first = b.Op("Gather", [b.LayerNorm(x), b.Graph.AddConstant("zero", Tensor.FromArray([0L], Shape.Scalar))], ("axis", 1L));
        return b.Finish(b.Dense(first, 1000));
    }

    /// <summary>Devlin et al., arXiv 1810.04805, small: 6 blocks of width 384, 12 heads, 128 tokens.</summary>
    public static Graph Bert()
    {
        const int Width = 384, Tokens = 128;
        var b = new NetworkBuilder("bert_6x384");
        Value ids = b.Input("input_ids", DType.Int64, 1, Tokens), mask = b.Input("attention_mask", DType.Int64, 1, Tokens);
        Value kept = b.Op("Cast", [b.Op("Unsqueeze", [mask, b.Integers(1, 2)])], ("to", 1L));
        Value hidden = b.Op("Mul", [b.Op("Sub", [b.Scalar(1), kept]), b.Scalar(-10000)]);
        Value x = b.LayerNorm(b.Add(b.Op("Gather", [b.Weights(1, 30522, Width), ids], ("axis", 0L)), b.Weights(1, 1, Tokens, Width)));
        for (int i = 0; i < 6; i++)
        {
            x = b.LayerNorm(b.Add(x, b.Attention(x, 12, hidden)));
            x = b.LayerNorm(b.Add(x, b.Linear(b.Gelu(b.Linear(x, 4 * Width)), Width)));
        }
        return b.Finish(x);
    }

    /// <summary>The attention alone of a language model of the size of GPT-2 small that adds a token to 511: 12 layers of 12 heads of 64,
    /// each with its cache.</summary>
    public static Graph AttentionDecode()
    {
        const int Layers = 12, Heads = 12, Size = 64, Past = 511;
        var b = new NetworkBuilder("attention_decode_512");
        Value x = b.Input("x", DType.Float32, 1, 1, Heads * Size);
        var outputs = new List<Value>();
        for (int i = 0; i < Layers; i++)
        {
            Value keys = b.Input($"keys_{i}", DType.Float32, 1, Heads, Past, Size), values = b.Input($"values_{i}", DType.Float32, 1, Heads, Past, Size);
            Value[] results = b.Op("Attention", 3, [x, x, x, null, keys, values], ("q_num_heads", (long)Heads), ("kv_num_heads", (long)Heads), ("is_causal", 1L));
            x = b.Add(x, results[0]);
            outputs.AddRange(results[1], results[2]);
        }
        return b.Finish([x, .. outputs]);
    }
}
