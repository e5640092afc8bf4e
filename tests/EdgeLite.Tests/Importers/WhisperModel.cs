using EdgeLite.Converter.Importers.Onnx.Proto;
using static EdgeLite.Tests.Importers.OnnxModels;

namespace EdgeLite.Tests.Importers;

/// <summary>
/// A Whisper of random weights as onnxruntime's optimizer leaves it (onnxruntime/python/tools/transformers/models/whisper): an encoder whose graph takes
/// the first step of the decoder, and the decoder in two forms: with caches that grow (MultiHeadAttention), and with caches of all places in which past
/// and present share a buffer (DecoderMaskedMultiHeadAttention, one token a step).
/// </summary>
internal sealed record WhisperModel(int Layers = 2, int Hidden = 32, int Heads = 4, int Vocabulary = 60, int Places = 24, int Encoded = 6, int Features = 10, int Seed = 41)
{
    private enum Form { First, Growing, Masked }

    public int HeadSize => Hidden / Heads;

    /// <summary>Whether entries of a beam may lie in another's cache (cache_indirection).</summary>
    public bool HasBeams { get; init; }

    public GraphProto Encoder()
    {
        var g = new TransformerGraph("encoder", Seed);
        g.In("encoder_input_ids", DType.Float32, -1, Features, Encoded).In("decoder_input_ids", DType.Int32, -1, -2);
        g.Out("logits", -1, 1, Vocabulary).Out("encoder_hidden_states", -1, Encoded, Hidden);
        for (int l = 0; l < Layers; l++) g.Out($"present_key_self_{l}", -1, Heads, -2, HeadSize).Out($"present_value_self_{l}", -1, Heads, -2, HeadSize);
        for (int l = 0; l < Layers; l++) g.Out($"present_key_cross_{l}", -1, Heads, Encoded, HeadSize).Out($"present_value_cross_{l}", -1, Heads, Encoded, HeadSize);
        string hidden = g.Product(g.Add("Transpose", "encoder_input_ids", "frames", Attr("perm", 0, 2, 1)), "encoder.conv", Features, Hidden);
        g.Add("Gelu", hidden, "encoder_hidden_states");
        g.Proto.Node[^1].Domain = "com.microsoft";
        string heads = g.Ints("cross.heads", 0, 0, Heads, HeadSize);
        for (int l = 0; l < Layers; l++)
            foreach (string what in new[] { "key", "value" })
                g.Add("Transpose", g.Add("Reshape", $"{g.Product("encoder_hidden_states", $"cross.{l}.{what}", Hidden, Hidden)} {heads}", $"cross.{l}.{what}.heads"), $"present_{what}_cross_{l}", Attr("perm", 0, 2, 1, 3));
        Decode(g, Form.First);
        return g.Proto;
    }

    public GraphProto Decoder()
    {
        var g = new TransformerGraph("decoder", Seed + 1);
        g.In("input_ids", DType.Int32, -1, 1);
        Pasts(g, -3);
        g.Out("logits", -1, 1, Vocabulary);
        for (int l = 0; l < Layers; l++) g.Out($"present_key_self_{l}", -1, Heads, -4, HeadSize).Out($"present_value_self_{l}", -1, Heads, -4, HeadSize);
        Decode(g, Form.Growing);
        return g.Proto;
    }

    public GraphProto MaskedDecoder()
    {
        var g = new TransformerGraph("decoder", Seed + 1);
        g.In("input_ids", DType.Int32, -1, 1);
        Pasts(g, Places);
        g.In("past_sequence_length", DType.Int32, 1);
        if (HasBeams) g.In("beam_width", DType.Int32, 1).In("cache_indirection", DType.Int32, -2, -3, Places);
        g.Out("logits", -1, 1, Vocabulary);
        for (int l = 0; l < Layers; l++) g.Out($"present_key_self_{l}", -1, Heads, Places, HeadSize).Out($"present_value_self_{l}", -1, Heads, Places, HeadSize);
        Decode(g, Form.Masked);
        return g.Proto;
    }

    private void Pasts(TransformerGraph g, long places)
    {
        foreach (string kind in new[] { "self", "cross" })
            for (int l = 0; l < Layers; l++)
                foreach (string what in new[] { "key", "value" }) g.In($"past_{what}_{kind}_{l}", DType.Float32, -1, Heads, kind == "self" ? places : Encoded, HeadSize);
    }

    private void Decode(TransformerGraph g, Form form)
    {
        string ids = form == Form.First ? "decoder_input_ids" : "input_ids", table = g.Weights("positions", [Places, Hidden], 0.5f), at;
        string places = form switch
        {
            Form.First => g.Add("Range", $"{Scalar(g, g.Ints("zero", 0), "from")} {Scalar(g, g.Add("Shape", ids, "ids.length", Attr("start", 1L), Attr("end", 2L)), "to")} {Scalar(g, g.Ints("one", 1), "step")}", "places"),
            Form.Growing => g.Add("Shape", "past_key_self_0", "places", Attr("start", 2L), Attr("end", 3L)),
            _ => "past_sequence_length",
        };
        string x = g.Add("Add", $"{g.Add("Gather", $"{g.Weights("words", [Vocabulary, Hidden], 1)} {ids}", "embedded")} {g.Add("Gather", $"{table} {places}", "position")}", "sum");
        string normed = g.Add("LayerNormalization", $"{x} {Norm("first")}", "normed", Attr("axis", -1L), Attr("epsilon", 1e-5f));
        for (int l = 0; l < Layers; l++)
        {
            at = $"layers.{l}";
            string q = g.Product(normed, at + ".q", Hidden, Hidden), k = g.Product(normed, at + ".k", Hidden, Hidden), v = g.Product(normed, at + ".v", Hidden, Hidden), bias = g.Weights(at + ".bias", [3 * Hidden], 0.3f);
            string presents = $"{at}.attn present_key_self_{l} present_value_self_{l}", past = $"past_key_self_{l} past_value_self_{l}";
            string own = form == Form.Masked
                ? g.Fused("DecoderMaskedMultiHeadAttention", $"{q} {k} {v} - - {past} past_sequence_length {(HasBeams ? "beam_width cache_indirection" : "- -")} {bias}", presents, Attr("num_heads", (long)Heads), Attr("past_present_share_buffer", 1L))
                : g.Fused("MultiHeadAttention", $"{q} {k} {v} {bias} - -{(form == Form.First ? "" : " " + past)}", presents, Attr("num_heads", (long)Heads), Attr("unidirectional", 1L));
            Sum(g.Product(own, at + ".o", Hidden, Hidden), at + ".cross_norm");
            string query = g.Product(normed, at + ".cq", Hidden, Hidden), keys = form == Form.First ? $"present_key_cross_{l} present_value_cross_{l}" : $"past_key_cross_{l} past_value_cross_{l}", queryBias = g.Weights(at + ".cross.bias", [3 * Hidden], 0.3f);
            string other = form == Form.Masked
                ? g.Fused("DecoderMaskedMultiHeadAttention", $"{query} {keys} - - - - - - - {queryBias}", at + ".cross", Attr("num_heads", (long)Heads))
                : g.Fused("MultiHeadAttention", $"{query} {keys} {queryBias}", at + ".cross", Attr("num_heads", (long)Heads));
            Sum(g.Product(other, at + ".co", Hidden, Hidden), at + ".ff_norm");
            string inner = g.Fused("BiasGelu", $"{g.Product(normed, at + ".fc1", Hidden, 2 * Hidden)} {g.Weights(at + ".fc1.bias", [2 * Hidden], 0.1f)}", at + ".act");
            Sum(g.Product(inner, at + ".fc2", 2 * Hidden, Hidden), l + 1 < Layers ? $"layers.{l + 1}.norm" : "final");
        }
        string last = form == Form.First ? g.Add("Slice", $"{normed} {g.Ints("last.from", -1)} {g.Ints("last.to", long.MaxValue)} {g.Ints("last.axis", 1)}", "last") : normed;
        g.Add("MatMul", $"{last} {g.Weights("head", [Hidden, Vocabulary], 0.6f)}", "logits");

        string Norm(string name) => $"{g.Weights(name + ".weight", [Hidden], 0.2f, 1)} {g.Weights(name + ".b", [Hidden], 0.1f)}";

        void Sum(string added, string norm)
        {
            g.Fused("SkipLayerNormalization", $"{x} {added} {Norm(norm)} {g.Weights(norm + ".skip", [Hidden], 0.1f)}", $"{norm} - - {norm}.sum", Attr("epsilon", 1e-5f));
            (x, normed) = (norm + ".sum", norm);
        }
    }

    private static string Scalar(TransformerGraph g, string x, string name)
    {
        if (g.Proto.Initializer.All(t => t.Name != "scalar")) g.Proto.Initializer.Add(Raw("scalar", DType.Int64, [0]));
        return g.Add("Reshape", $"{x} scalar", name);
    }
}
