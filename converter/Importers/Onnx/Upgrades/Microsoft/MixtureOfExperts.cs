using EdgeLite.Converter.Ir;
using EdgeLite.Core;
using EdgeLite.Ops;

namespace EdgeLite.Converter.Importers.Onnx.Upgrades.Microsoft;

/// <summary>
/// A mixture of experts (arXiv 1701.06538): y = sum over the k likeliest experts e of p_e fc2_e(act(fc1_e(x))), p = softmax(router), with
/// normalize_routing_weights over the sum of those k. Every expert is computed for every token and weighted, with 0 where it was not
/// chosen. Weights are [experts][outputs][inputs]; QMoE's are of 4 or 8 bits, packed along the inputs, low bits first, with a scale for
/// each row or each block of it.
/// </summary>
[Upgrades("MoE", "QMoE", Domain = "com.microsoft")]
internal sealed class MixtureOfExperts : OperatorUpgrade
{
    /// <summary>Numbers of the inputs that make one layer.</summary>
    private readonly record struct Layer(int Weights, int Scales, int Bias);

    public override void Apply(NodeDraft node)
    {
        bool isQuantized = node.OpType == "QMoE";
        AttributeSet a = node.Attributes;
        if (node.Input(isQuantized ? 8 : 6) != null) throw node.Unsupported("a third layer of the experts (fc3) is not supported");
        for (int i = 11; i < node.Inputs.Count; i++)
            if (node.Input(i) != null) throw node.Unsupported("zero points of the weights are not supported");
        if (a.Int("use_sparse_mixer", 0) != 0) throw node.Unsupported("use_sparse_mixer is not supported");
        Layer first = isQuantized ? new(2, 3, 4) : new(2, -1, 3), second = isQuantized ? new(5, 6, 7) : new(4, -1, 5);
        Value x = node.Required(0);
        if (!x.Shape.IsRanked || x.Shape[x.Shape.Rank - 1] < 1 || node.Required(first.Weights).Shape is not { IsKnown: true, Rank: 3 } shape || shape[0] is < 1 or > 4096)
            throw node.Unsupported("the width of the input and the sizes of the weights must be known");
        int experts = (int)shape[0];
        Value tokens = node.Emit("Reshape", [x, node.Ints("tokens", -1, x.Shape[x.Shape.Rank - 1])]);
        Value?[] weights = node.EmitAll("Split", [RoutingWeights(node)], experts, ("axis", 1), ("num_outputs", experts));
        Value? y = null;
        for (int e = 0; e < experts; e++)
        {
            Value part = node.Emit("Mul", [Dense(node, Activate(node, Dense(node, tokens, first, e)), second, e), weights[e]]);
            y = y == null ? part : node.Emit("Add", [y, part]);
        }
        node.Become("Reshape", [y, node.Emit("Shape", [x])]);
        node.MoveTo("");
    }

    /// <summary>[tokens][experts]: the share of each expert in each token, 0 for those that were not chosen.</summary>
    private static Value RoutingWeights(NodeDraft node)
    {
        Value p = node.Emit("Softmax", [node.Required(1)], ("axis", -1));
        Value?[] chosen = node.EmitAll("TopK", [p, node.Ints("k", node.Attributes.Int("k", 1))], 2, ("axis", -1));
        Value share = chosen[0]!;
        if (node.Attributes.Int("normalize_routing_weights", 0) != 0) share = node.Emit("Div", [share, node.Emit("ReduceSum", [share, node.Ints("last", -1)], ("keepdims", 1))]);
        return node.Emit("ScatterElements", [node.Emit("Sub", [p, p]), chosen[1], share], ("axis", 1));
    }

    private static Value Dense(NodeDraft node, Value x, Layer layer, int expert)
    {
        Value e = node.Int("expert", expert), w = layer.Scales < 0 ? node.Emit("Gather", [node.Required(layer.Weights), e], ("axis", 0)) : Dequantized(node, layer, expert, e);
        Value y = node.Emit("MatMul", [x, node.Emit("Transpose", [w], ("perm", new long[] { 1, 0 }))]);
        return node.Input(layer.Bias) is { } bias ? node.Emit("Add", [y, node.Emit("Gather", [bias, e], ("axis", 0))]) : y;
    }

    /// <summary>The weights of one expert, which stay packed in the file.</summary>
    private static Value Dequantized(NodeDraft node, Layer layer, int expert, Value e)
    {
        long bits = node.Attributes.Int("expert_weight_bits", 4), block = node.Attributes.Int("block_size", 0);
        DType type = bits switch { 4 => DType.UInt4, 8 => DType.UInt8, _ => throw node.Unsupported($"weights of {bits} bits are not supported") };
        if (node.Required(layer.Weights).Constant is not { DType: DType.UInt8, Shape.Rank: 3 } packed || expert >= packed.Shape[0])
            throw node.Unsupported($"weights {node.Required(layer.Weights)} are not supported; a constant of uint8 [experts][outputs][inputs * bits / 8] is expected");
        long bytes = packed.Shape[1] * packed.Shape[2];
        var weights = new Tensor(type, new Shape(packed.Shape[1], packed.Shape[2] * 8 / bits));
        packed.Bytes.Slice((int)(expert * bytes), (int)bytes).CopyTo(weights.Bytes);
        Value scales = node.Emit("Gather", [node.Required(layer.Scales), e], ("axis", 0));
        if (node.Required(layer.Scales).Shape is not { IsKnown: true } scaleShape || scaleShape.Rank != (block > 0 ? 3 : 2)) throw node.Unsupported($"scales {node.Required(layer.Scales)} do not fit blocks of {block}");
        var zeros = new Tensor(type, block > 0 ? new Shape(scaleShape[1], scaleShape[2]) : new Shape(scaleShape[1]));
        for (long i = 0; i < zeros.Count; i++) zeros.SetInt64(i, 1L << (int)(bits - 1));
        Value w = node.Constant("weights", weights), zero = node.Constant("zero_points", zeros);
        return block > 0 ? node.Emit("DequantizeLinear", [w, scales, zero], ("axis", 1), ("block_size", block)) : node.Emit("DequantizeLinear", [w, scales, zero], ("axis", 0));
    }

    private static Value Activate(NodeDraft node, Value x)
    {
        AttributeSet a = node.Attributes;
        switch (a.String("activation_type", "relu"))
        {
            case "identity": return x;
            case "relu": return node.Emit("Relu", [x]);
            case "silu": return node.Emit("Swish", [x]);
            case "gelu": return node.Emit("Gelu", [x], ("approximate", "tanh"));
            case "swiglu" when a.Int("swiglu_fusion", 0) == 1:
                // Gates and values take turns.
                Value pairs = node.Emit("Reshape", [x, node.Ints("pairs", 0, -1, 2)]);
                Value?[] parts = node.EmitAll("Split", [pairs], 2, ("axis", 2), ("num_outputs", 2));
                Value gate = node.Emit("Squeeze", [parts[0], node.Ints("last", 2)]), value = node.Emit("Squeeze", [parts[1], node.Ints("last", 2)]);
                if (a.Find("swiglu_limit") is { Float: var limit } && float.IsFinite(limit))
                {
                    gate = node.Emit("Min", [gate, node.Number("limit", limit)]);
                    value = node.Emit("Clip", [value, node.Number("low", -limit), node.Number("high", limit)]);
                }
                return node.Emit("Mul", [node.Emit("Swish", [gate], ("alpha", a.Float("activation_alpha", 1))), node.Emit("Add", [value, node.Number("beta", a.Float("activation_beta", 0))])]);
            case var other:
                throw node.Unsupported($"activation_type '{other}' with swiglu_fusion {a.Int("swiglu_fusion", 0)} is not supported");
        }
    }
}
