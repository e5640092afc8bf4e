using EdgeLite.Converter.Ir;
using EdgeLite.Core;
using EdgeLite.Ops;

namespace EdgeLite.Converter.Importers.Onnx.Upgrades.Microsoft;

/// <summary>Attention with its projection inside: input[b][s][i] times weights[i][q + k + v] plus bias gives Q, K and V; then ONNX's
/// Attention. mask_index holds lengths [b], or 1 for keys that count in [b][t] or [b][s][t]. QAttention has input and weights
/// quantized.</summary>
[Upgrades("Attention", "QAttention", Domain = "com.microsoft")]
internal sealed class Attention : OperatorUpgrade
{
    public override void Apply(NodeDraft node)
    {
        bool isQuantized = node.OpType == "QAttention";
        int maskInput = isQuantized ? 5 : 3, pastInput = isQuantized ? 8 : 4;
        if (node.Input(pastInput) != null || node.IsWanted(1)) throw node.Unsupported("past and present keys are not supported");
        if (node.Attributes.Int("do_rotary", 0) != 0) throw node.Unsupported("do_rotary is not supported");
        long heads = node.Attributes["num_heads"].Int;
        Value? bias = node.Input(2);
        Value x = node.Required(0), w = node.Required(1);
        if (isQuantized)
        {
            x = node.Emit("DequantizeLinear", [x, node.Required(3), node.Input(6)]);
            w = node.Emit("DequantizeLinear", [w, node.Required(4), node.Input(7)], ("axis", 1));
        }
        Value projected = node.Emit("MatMul", [x, w]);
        if (bias != null) projected = node.Emit("Add", [projected, bias]);
        long width = w.Shape.IsRanked ? w.Shape[1] : -1;
        long[] sizes = node.Attributes.Ints("qkv_hidden_sizes") ?? (width > 0 ? [width / 3, width / 3, width / 3] : throw node.Unsupported("the width of the weights is not known"));
        Value?[] qkv = node.EmitAll("Split", [projected, node.Ints("sizes", sizes)], 3, ("axis", 2));

        Value? mask = null, lengths = null;
        if (node.Input(maskInput) is { } given)
        {
            int rank = node.RequiredRank(maskInput);
            if (rank == 1) lengths = node.Emit("Cast", [given], ("to", (long)DType.Int64));
            else mask = node.Emit("Unsqueeze", [node.Emit("Cast", [given], ("to", (long)DType.Bool)), rank == 2 ? node.Ints("axes", 1, 2) : node.Ints("axes", 1)]);
        }
        if (!isQuantized && node.Input(5) is { } added)
        {
            if (mask != null || lengths != null) throw node.Unsupported("a mask together with attention_bias is not supported");
            mask = added;
        }
        var attributes = AttributeSet.Of(("q_num_heads", heads), ("kv_num_heads", heads), ("is_causal", node.Attributes.Int("unidirectional", 0)));
        if (node.Attributes.Float("scale", 0) is not 0 and float scale) attributes["scale"] = scale;
        node.Results = [node.EmitWith("Attention", [qkv[0], qkv[1], qkv[2], mask, null, null, lengths], attributes)];
    }
}
