using EdgeLite.Converter.Importers.Onnx.Proto;
using static EdgeLite.Tests.Importers.OnnxModels;

namespace EdgeLite.Tests.Importers;

/// <summary>A GPT-2 of random weights as onnxruntime's optimizer leaves it (onnxruntime/python/tools/transformers/onnx_model_gpt2.py): embedding with its first
/// normalisation, attention with past and present in one tensor, sums with normalisation, bias with Gelu.</summary>
internal sealed record GptModel(int Layers = 2, int Hidden = 32, int Heads = 4, int Vocabulary = 60, int Places = 48, int Seed = 21)
{
    public int HeadSize => Hidden / Heads;

    public GraphProto Graph(string name = "gpt2")
    {
        var g = new TransformerGraph(name, Seed);
        g.In("input_ids", DType.Int32, -1, -2).In("position_ids", DType.Int32, -1, -2).In("attention_mask", DType.Int32, -1, -3);
        for (int l = 0; l < Layers; l++) g.In($"past_{l}", DType.Float32, 2, -1, Heads, -4, HeadSize);
        g.Out("logits", -1, -2, Vocabulary);
        for (int l = 0; l < Layers; l++) g.Out($"present_{l}", 2, -1, Heads, -3, HeadSize);
        string words = g.Weights("wte", [Vocabulary, Hidden], 1), places = g.Weights("wpe", [Places, Hidden], 0.5f);
        string normed = g.Fused("EmbedLayerNormalization", $"input_ids - {words} {places} - {Norm("h.0.ln_1")} - position_ids", "embedded - sum", Attr("epsilon", 1e-5f)), sum = "sum";
        for (int l = 0; l < Layers; l++)
        {
            string at = $"h.{l}";
            string attended = g.Fused("Attention", $"{normed} {g.Weights(at + ".attn.weight", [Hidden, 3 * Hidden], 1.5f / MathF.Sqrt(Hidden))} {g.Weights(at + ".attn.bias", [3 * Hidden], 0.1f)} attention_mask past_{l}", $"{at}.attn present_{l}",
                Attr("num_heads", (long)Heads), Attr("unidirectional", 1L));
            Sum(g.Product(attended, at + ".attn.proj", Hidden, Hidden), at + ".ln_2");
            string inner = g.Fused("FastGelu", $"{g.Product(normed, at + ".mlp.fc", Hidden, 4 * Hidden)} {g.Weights(at + ".mlp.fc.bias", [4 * Hidden], 0.1f)}", at + ".mlp.act");
            Sum(g.Product(inner, at + ".mlp.proj", 4 * Hidden, Hidden), l + 1 < Layers ? $"h.{l + 1}.ln_1" : "ln_f");
        }
        g.Add("MatMul", $"{normed} {g.Weights("lm_head", [Hidden, Vocabulary], 0.6f)}", "logits");
        return g.Proto;

        string Norm(string name) => $"{g.Weights(name + ".weight", [Hidden], 0.2f, 1)} {g.Weights(name + ".bias", [Hidden], 0.1f)}";

        void Sum(string x, string norm)
        {
            normed = g.Fused("SkipLayerNormalization", $"{sum} {x} {Norm(norm)} {g.Weights(norm + ".skip.bias", [Hidden], 0.1f)}", $"{norm} - - {norm}.sum", Attr("epsilon", 1e-5f));
            sum = norm + ".sum";
        }
    }

    public ModelProto Whole() => TransformerGraph.Model(Graph());
}
