using EdgeLite.Converter.Importers.Onnx.Proto;
using static EdgeLite.Tests.Importers.OnnxModels;

namespace EdgeLite.Tests.Importers;

/// <summary>
/// A T5 of random weights as onnxruntime's optimizer leaves it (onnxruntime/python/tools/transformers/onnx_model_t5.py): root-mean-square normalisations of
/// sums, multi-head attention on its own and the encoder's keys, biases of relative positions: in RelativePositionBias, which ONNX Runtime has on
/// a GPU only, or (<see cref="IsSpelled"/>) in the nodes that PyTorch exports.
/// </summary>
internal sealed record T5Model(int Layers = 2, int Hidden = 32, int Heads = 4, int Vocabulary = 60, int Buckets = 8, int Farthest = 20, int Seed = 31)
{
    public bool IsSpelled { get; init; } = true;

    /// <summary>Whether the encoder's graph takes the first step of the decoder as well.</summary>
    public bool IsOld { get; init; }

    private int HeadSize => Hidden / Heads;

    public GraphProto Encoder()
    {
        var g = new TransformerGraph("encoder", Seed);
        g.In("encoder_input_ids", DType.Int32, -1, -2).In("encoder_attention_mask", DType.Int32, -1, -2);
        string x = g.Add("Gather", $"{g.Weights("shared", [Vocabulary, Hidden], 1)} encoder_input_ids", "words");
        string bias = Bias(g, "encoder_input_ids", null, "bias"), normed = g.Add("SimplifiedLayerNormalization", $"{x} {Norm(g, "first")}", "normed", Attr("axis", -1L), Attr("epsilon", 1e-6f));
        for (int l = 0; l < Layers; l++)
        {
            string at = $"block.{l}", q = g.Product(normed, at + ".q", Hidden, Hidden), k = g.Product(normed, at + ".k", Hidden, Hidden), v = g.Product(normed, at + ".v", Hidden, Hidden);
            string attended = g.Fused("MultiHeadAttention", $"{q} {k} {v} - encoder_attention_mask {bias}", at + ".attn", Attr("num_heads", (long)Heads), Attr("scale", 1f));
            (x, normed) = Sum(g, x, g.Product(attended, at + ".o", Hidden, Hidden), at + ".ff_norm");
            (x, normed) = Sum(g, x, Dense(g, normed, at), l + 1 < Layers ? $"block.{l + 1}.norm" : "final");
        }
        string first = normed;
        if (IsOld)
        {
            g.In("decoder_input_ids", DType.Int32, -1, 1).Out("logits", -1, 1, Vocabulary).Out("encoder_hidden_states", -1, -2, Hidden);
            g.Add("Identity", normed, "encoder_hidden_states");
        }
        Cross(g, first);
        if (IsOld) Decode(g, "decoder_input_ids", null, i => $"present_key_cross_{i} present_value_cross_{i}", isInit: true);
        for (int l = 0; l < Layers && IsOld; l++) g.Out($"present_key_self_{l}", -1, Heads, 1, HeadSize).Out($"present_value_self_{l}", -1, Heads, 1, HeadSize);
        for (int l = 0; l < Layers; l++) g.Out($"present_key_cross_{l}", -1, Heads, -2, HeadSize).Out($"present_value_cross_{l}", -1, Heads, -2, HeadSize);
        return g.Proto;
    }

    public GraphProto Decoder()
    {
        var g = new TransformerGraph("decoder", Seed + 1);
        g.In("input_ids", DType.Int32, -1, 1).In("encoder_attention_mask", DType.Int32, -1, -2);
        if (IsOld) g.In("encoder_hidden_states", DType.Float32, -1, -2, Hidden);
        foreach (string kind in new[] { "self", "cross" })
            for (int l = 0; l < Layers; l++) g.In($"past_key_{kind}_{l}", DType.Float32, -1, Heads, kind == "self" ? -3 : -2, HeadSize).In($"past_value_{kind}_{l}", DType.Float32, -1, Heads, kind == "self" ? -3 : -2, HeadSize);
        g.Out("logits", -1, 1, Vocabulary);
        for (int l = 0; l < Layers; l++) g.Out($"present_key_self_{l}", -1, Heads, -4, HeadSize).Out($"present_value_self_{l}", -1, Heads, -4, HeadSize);
        Decode(g, "input_ids", "past_key_self_0", i => $"past_key_cross_{i} past_value_cross_{i}", isInit: false);
        return g.Proto;
    }

    /// <summary>Keys and values of the encoder for every layer of the decoder, with heads apart.</summary>
    private void Cross(TransformerGraph g, string hidden)
    {
        string heads = g.Ints("cross.heads", 0, 0, Heads, HeadSize);
        for (int l = 0; l < Layers; l++)
            foreach (string what in new[] { "key", "value" })
                g.Add("Transpose", g.Add("Reshape", $"{g.Product(hidden, $"cross.{l}.{what}", Hidden, Hidden)} {heads}", $"cross.{l}.{what}.heads"), $"present_{what}_cross_{l}", Attr("perm", 0, 2, 1, 3));
    }

    /// <summary>The decoder's layers; the first step of the old form has no past.</summary>
    private void Decode(TransformerGraph g, string ids, string? past, Func<int, string> cross, bool isInit)
    {
        string x = g.Add("Gather", $"{g.Weights("decoder.words", [Vocabulary, Hidden], 1)} {ids}", "decoder.embedded");
        string bias = Bias(g, ids, past, "decoder.bias"), normed = g.Add("SimplifiedLayerNormalization", $"{x} {Norm(g, "decoder.first")}", "decoder.normed", Attr("axis", -1L), Attr("epsilon", 1e-6f));
        for (int l = 0; l < Layers; l++)
        {
            string at = $"decoder.{l}", q = g.Product(normed, at + ".q", Hidden, Hidden), k = g.Product(normed, at + ".k", Hidden, Hidden), v = g.Product(normed, at + ".v", Hidden, Hidden);
            string own = g.Fused("MultiHeadAttention", $"{q} {k} {v} - - {bias}{(isInit ? "" : $" past_key_self_{l} past_value_self_{l}")}", $"{at}.attn present_key_self_{l} present_value_self_{l}", Attr("num_heads", (long)Heads), Attr("scale", 1f));
            (x, normed) = Sum(g, x, g.Product(own, at + ".o", Hidden, Hidden), at + ".cross_norm");
            string other = g.Fused("MultiHeadAttention", $"{g.Product(normed, at + ".cq", Hidden, Hidden)} {cross(l)} - encoder_attention_mask", at + ".cross", Attr("num_heads", (long)Heads), Attr("scale", 1f));
            (x, normed) = Sum(g, x, g.Product(other, at + ".co", Hidden, Hidden), at + ".ff_norm");
            (x, normed) = Sum(g, x, Dense(g, normed, at), l + 1 < Layers ? $"decoder.{l + 1}.norm" : "decoder.final");
        }
        g.Add("MatMul", $"{normed} {g.Weights("lm_head", [Hidden, Vocabulary], 0.6f)}", "logits");
    }

    private string Norm(TransformerGraph g, string name) => g.Weights(name + ".weight", [Hidden], 0.2f, 1);

    private (string Sum, string Normed) Sum(TransformerGraph g, string x, string added, string norm)
    {
        g.Fused("SkipSimplifiedLayerNormalization", $"{x} {added} {Norm(g, norm)}", $"{norm} - - {norm}.sum", Attr("epsilon", 1e-6f));
        return (norm + ".sum", norm);
    }

    private string Dense(TransformerGraph g, string x, string at) => g.Product(g.Add("Relu", g.Product(x, at + ".wi", Hidden, 2 * Hidden), at + ".act"), at + ".wo", 2 * Hidden, Hidden);

    /// <summary>[1][heads][queries][keys]; of a decoder (with or without past) the last query alone, in causal order.</summary>
    private string Bias(TransformerGraph g, string ids, string? past, string name)
    {
        bool isEncoder = name == "bias";
        string table = g.Weights(name + ".table", [Buckets, Heads], 1), length = g.Add("Shape", ids, name + ".length", Attr("start", 1L), Attr("end", 2L));
        if (past != null) length = g.Add("Add", $"{length} {g.Add("Shape", past, name + ".past", Attr("start", 2L), Attr("end", 3L))}", name + ".total");
        string all = IsSpelled ? Spelled(g, table, length, name, isEncoder)
            : g.Fused("RelativePositionBias", $"{table} {length} {length}", name + ".all", Attr("max_distance", (long)Farthest), Attr("is_bidirectional", isEncoder ? 1L : 0));
        return isEncoder ? all : g.Add("Slice", $"{all} {g.Ints(name + ".from", -1)} {g.Ints(name + ".to", long.MaxValue)} {g.Ints(name + ".axis", 2)}", name + ".last");
    }

    private string Spelled(TransformerGraph g, string table, string length, string name, bool isBidirectional)
    {
        int count = isBidirectional ? Buckets / 2 : Buckets, exact = count / 2;
        string Node(string op, string inputs, string output, params AttributeProto[] attributes) => g.Add(op, inputs, $"{name}.{output}", attributes);
        string Number(string what, long value) => g.Ints($"{name}.{what}", value);
        string zero = Number("zero", 0), one = Number("one", 1), none = name + ".none";
        g.Proto.Initializer.Add(Raw(none, DType.Int64, [0]));
        string Scalar(string x, string what) => Node("Reshape", $"{x} {none}", what);
        string places = Node("Range", $"{Scalar(zero, "zero.scalar")} {Scalar(length, "length.scalar")} {Scalar(one, "one.scalar")}", "range");
        string distance = Node("Sub", $"{places} {Node("Unsqueeze", $"{places} {one}", "queries")}", "distance");
        string n = isBidirectional ? Node("Abs", distance, "abs") : Node("Max", $"{Node("Neg", distance, "neg")} {zero}", "behind");
        foreach (var (what, value) in new[] { ("exact.float", (float)exact), ("log.base", MathF.Log((float)Farthest / exact)), ("rest", count - exact) }) g.Proto.Initializer.Add(Floats($"{name}.{what}", [1], value));
        string log = Node("Log", Node("Div", $"{Node("Cast", n, "n.float", Attr("to", 1L))} {name}.exact.float", "ratio"), "log");
        string scaled = Node("Cast", Node("Mul", $"{Node("Div", $"{log} {name}.log.base", "log.ratio")} {name}.rest", "scaled"), "scaled.int", Attr("to", 7L));
        string large = Node("Min", $"{Node("Add", $"{scaled} {Number("exact", exact)}", "large")} {Number("most", count - 1)}", "large.most");
        string bucket = Node("Where", $"{Node("Less", $"{n} {name}.exact", "is_small")} {n} {large}", "bucket");
        if (isBidirectional) bucket = Node("Add", $"{bucket} {Node("Mul", $"{Node("Cast", Node("Greater", $"{distance} {zero}", "ahead"), "ahead.int", Attr("to", 7L))} {Number("half", count)}", "ahead.half")}", "bucket.all");
        return Node("Unsqueeze", $"{Node("Transpose", Node("Gather", $"{table} {bucket}", "values"), "heads", Attr("perm", 2, 0, 1))} {zero}", "all");
    }
}
