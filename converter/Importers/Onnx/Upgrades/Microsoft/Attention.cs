using EdgeLite.Converter.Ir;
using EdgeLite.Core;
using EdgeLite.Ops;

namespace EdgeLite.Converter.Importers.Onnx.Upgrades.Microsoft;

/// <summary>Attention with its projection inside: input[b][s][i] times weights[i][q + k + v] plus bias gives Q, K and V; then ONNX's
/// Attention. past and present hold keys and values in one: [2][b][heads][t][size]. QAttention has input and weights quantized.</summary>
[Upgrades("Attention", "QAttention", Domain = "com.microsoft")]
internal sealed class Attention : OperatorUpgrade
{
    /// <summary>Base of the rotation's angles where no caches are given (arXiv 2104.09864, section 3.2.2).</summary>
    private const double RotaryBase = 10000;

    public override void Apply(NodeDraft node)
    {
        bool isQuantized = node.OpType == "QAttention";
        AttributeSet a = node.Attributes;
        long heads = a["num_heads"].Int;
        Value? mask = node.Input(isQuantized ? 5 : 3), past = node.Input(isQuantized ? 8 : 4), added = isQuantized ? null : node.Input(5);
        Value x = node.Required(0), w = node.Required(1);
        if (isQuantized)
        {
            x = node.Emit("DequantizeLinear", [x, node.Required(3), node.Input(6)]);
            w = node.Emit("DequantizeLinear", [w, node.Required(4), node.Input(7)], ("axis", 1));
        }
        Value projected = node.Emit("MatMul", [x, w]);
        if (node.Input(2) is { } bias) projected = node.Emit("Add", [projected, bias]);
        long width = w.Shape.IsRanked ? w.Shape[1] : -1;
        long[] sizes = a.Ints("qkv_hidden_sizes") ?? (width > 0 ? [width / 3, width / 3, width / 3] : throw node.Unsupported("the width of the weights is not known"));
        Value?[] qkv = node.EmitAll("Split", [projected, node.Ints("sizes", sizes)], 3, ("axis", 2));

        Value keys = node.Emit("Shape", [x], ("start", 1), ("end", 2));
        Value? pastKey = null, pastValue = null, before = null, whole = past;
        SharedCache? cache = null;
        if (a.Int("past_present_share_buffer", 0) != 0)
        {
            cache = new SharedCache(node, node.Required(isQuantized ? 9 : 6), null, 3);
            past = cache.Past(past ?? throw node.Error("past_present_share_buffer needs a past"));
        }
        if (past != null)
        {
            Value?[] halves = node.EmitAll("Split", [past], 2, ("axis", 0), ("num_outputs", 2));
            pastKey = node.Emit("Squeeze", [halves[0], node.Ints("axis", 0)]);
            pastValue = node.Emit("Squeeze", [halves[1], node.Ints("axis", 0)]);
            before = node.Emit("Shape", [past], ("start", 3), ("end", 4));
        }
        if (a.Int("do_rotary", 0) != 0) Rotate(node, qkv, sizes[0] / heads, heads, keys, before);
        if (before != null) keys = node.Emit("Add", [keys, before]);
        mask = AttentionMask.Of(node, mask, added, keys, x.Shape.IsRanked ? x.Shape[0] : -1, projected.DType);
        var attributes = AttributeSet.Of(("q_num_heads", heads), ("kv_num_heads", heads), ("is_causal", a.Int("unidirectional", 0)));
        if (a.Float("scale", 0) is not 0 and float scale) attributes["scale"] = scale;
        bool grows = cache == null && node.IsWanted(1);
        Value?[] results = node.EmitAllWith("Attention", [qkv[0], qkv[1], qkv[2], mask, pastKey, pastValue], [true, grows, grows], attributes);
        Value? present = null;
        if (grows) present = Both(node, results[1]!, results[2]!);
        else if (node.IsWanted(1)) present = cache!.Written(whole!, Both(node, MultiHeadAttention.HeadsApart(node, qkv[1]!, heads), MultiHeadAttention.HeadsApart(node, qkv[2]!, heads)));
        node.Results = [results[0], present];
    }

    /// <summary>Keys and values in one tensor.</summary>
    private static Value Both(NodeDraft node, Value keys, Value values)
    {
        Value first = node.Ints("axis", 0);
        return node.Emit("Concat", [node.Emit("Unsqueeze", [keys, first]), node.Emit("Unsqueeze", [values, first])], ("axis", 0));
    }

    /// <summary>Rotates Q and K by the angles place * base^(-2i/dim), halves paired.</summary>
    private static void Rotate(NodeDraft node, Value?[] qkv, long size, long heads, Value length, Value? before)
    {
        long dim = node.Attributes.Int("rotary_embedding_dim", 0) is > 0 and long given ? given : size;
        var frequencies = new Tensor(DType.Float32, new Shape(1, dim / 2));
        for (long i = 0; i < dim / 2; i++) frequencies.SetDouble(i, Math.Pow(RotaryBase, -2.0 * i / dim));
        Value places = node.Emit("Range", [node.Int("zero", 0), node.Emit("Squeeze", [length]), node.Int("one", 1)]);
        if (before != null) places = node.Emit("Add", [places, before]);
        Value column = node.Emit("Unsqueeze", [node.Emit("Cast", [places], ("to", (long)DType.Float32)), node.Ints("axis", 1)]);
        Value angles = node.Emit("MatMul", [column, node.Constant("frequencies", frequencies)]);
        angles = node.Emit("Expand", [angles, node.Emit("Concat", [node.Emit("Shape", [qkv[0]], ("start", 0), ("end", 1)), node.Ints("any", 1, 1)], ("axis", 0))]);
        Value cos = node.Emit("Cos", [angles]), sin = node.Emit("Sin", [angles]);
        for (int i = 0; i < 2; i++)
        {
            DType type = qkv[i]!.DType;
            Value Of(Value cache) => type == DType.Float32 ? cache : node.Emit("Cast", [cache], ("to", (long)type));
            qkv[i] = node.Emit("RotaryEmbedding", [qkv[i], Of(cos), Of(sin)], ("num_heads", heads), ("rotary_embedding_dim", dim));
        }
    }
}
