using EdgeLite.Converter.Ir;
using EdgeLite.Core;
using EdgeLite.Ops;

namespace EdgeLite.Converter.Importers.Onnx.Upgrades.Microsoft;

/// <summary>
/// A mixture of experts (arXiv 1701.06538): y = sum over the k likeliest experts e of p_e fc2_e(act(fc1_e(x))), p = softmax(router), with
/// normalize_routing_weights over the sum of those k, or with use_sparse_mixer as there. With a third layer the experts are gated:
/// fc2_e(act(fc1_e(x)) * fc3_e(x)) (arXiv 2401.04088). Every expert is computed for every token and weighted, with 0 where it was not
/// chosen. Weights are [experts][outputs][inputs]; QMoE's are of 4 or 8 bits, packed along the inputs, low bits first, with a scale for
/// each row or each block of it.
/// </summary>
[Upgrades("MoE", "QMoE", Domain = "com.microsoft")]
internal sealed class MixtureOfExperts : OperatorUpgrade
{
    /// <summary>Numbers of the inputs that make one layer.</summary>
    private readonly record struct Layer(int Weights, int Scales, int Bias, int ZeroPoints = -1);

    public override void Apply(NodeDraft node)
    {
        bool isQuantized = node.OpType == "QMoE";
        for (int i = 14; i < node.Inputs.Count; i++)
            if (node.Input(i) != null) throw node.Unsupported($"input {i} is not supported");
        bool isGated = node.Input(isQuantized ? 8 : 6) != null;
        Layer third = isQuantized ? new(8, 9, 10, 13) : new(6, -1, 7), first = isQuantized ? new(2, 3, 4, 11) : new(2, -1, 3), second = isQuantized ? new(5, 6, 7, 12) : new(4, -1, 5);
        Value x = node.Required(0);
        if (!x.Shape.IsRanked || x.Shape[x.Shape.Rank - 1] < 1 || node.Required(first.Weights).Shape is not { IsKnown: true, Rank: 3 } shape || shape[0] is < 1 or > 4096)
            throw node.Unsupported("the width of the input and the sizes of the weights must be known");
        int experts = (int)shape[0];
        Value tokens = node.Emit("Reshape", [x, node.Ints("tokens", -1, x.Shape[x.Shape.Rank - 1])]);
        Value?[] weights = node.EmitAll("Split", [RoutingWeights(node)], experts, ("axis", 1), ("num_outputs", experts));
        Value? y = null;
        for (int e = 0; e < experts; e++)
        {
            Value part = node.Emit("Mul", [Dense(node, Activate(node, Dense(node, tokens, first, e), isGated ? Dense(node, tokens, third, e) : null), second, e), weights[e]]);
            y = y == null ? part : node.Emit("Add", [y, part]);
        }
        node.Become("Reshape", [y, node.Emit("Shape", [x])]);
        node.MoveTo("");
    }

    /// <summary>[tokens][experts]: the share of each expert in each token, 0 for those that were not chosen.</summary>
    private static Value RoutingWeights(NodeDraft node)
    {
        if (node.Attributes.Int("use_sparse_mixer", 0) != 0) return SparselyMixed(node);
        Value p = node.Emit("Softmax", [node.Required(1)], ("axis", -1));
        Value?[] chosen = node.EmitAll("TopK", [p, node.Ints("k", node.Attributes.Int("k", 1))], 2, ("axis", -1));
        Value share = chosen[0]!;
        if (node.Attributes.Int("normalize_routing_weights", 0) != 0) share = node.Emit("Div", [share, node.Emit("ReduceSum", [share, node.Ints("last", -1)], ("keepdims", 1))]);
        return node.Emit("ScatterElements", [node.Emit("Sub", [p, p]), chosen[1], share], ("axis", 1));
    }

    /// <summary>
    /// SparseMixer's two experts (arXiv 2310.00811, at inference): the share of each is its softmax among those whose score r is not more than
    /// 2 * 0.01 of max(|r|, its own) below its own; for the second one the first is left out.
    /// </summary>
    private static Value SparselyMixed(NodeDraft node)
    {
        if (node.Attributes.Int("k", 1) != 2) throw node.Unsupported($"use_sparse_mixer chooses 2 experts, k is {node.Attributes.Int("k", 1)}");
        Value scores = node.Required(1), lowest = node.Number("lowest", float.NegativeInfinity);
        Value?[] top = node.EmitAll("TopK", [scores, node.Ints("k", 2)], 2, ("axis", -1));
        Value?[] best = node.EmitAll("Split", [top[0]], 2, ("axis", 1), ("num_outputs", 2)), places = node.EmitAll("Split", [top[1]], 2, ("axis", 1), ("num_outputs", 2));
        Value left = scores;
        var shares = new Value?[2];
        for (int i = 0; i < 2; i++)
        {
            Value distance = node.Emit("Div", [node.Emit("Sub", [best[i], scores]), node.Emit("Max", [node.Emit("Abs", [scores]), best[i]])]);
            Value near = node.Emit("Where", [node.Emit("Greater", [distance, node.Number("jitter", 0.02f)]), lowest, left]);
            shares[i] = node.Emit("GatherElements", [node.Emit("Softmax", [near], ("axis", -1)), places[i]], ("axis", 1));
            if (i == 0) left = node.Emit("ScatterElements", [scores, places[0], node.Emit("Add", [best[0], lowest])], ("axis", 1));
        }
        return node.Emit("ScatterElements", [node.Emit("Sub", [scores, scores]), top[1], node.Emit("Concat", shares, ("axis", 1))], ("axis", 1));
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
        Tensor? given = node.Input(layer.ZeroPoints) is { } points ? points.Constant is { DType: DType.UInt8 } t ? t : throw node.Unsupported($"zero points {points} are not constants of uint8") : null;
        // Those of a row are packed into whole bytes; without blocks those of all rows are.
        long perRow = block > 0 ? scaleShape[2] : scaleShape[1], rows = zeros.Count / Math.Max(perRow, 1), rowBytes = (perRow * bits + 7) / 8;
        if (given != null && given.Count != packed.Shape[0] * rows * rowBytes) throw node.Error($"there are {given.Count} bytes of zero points, expected {packed.Shape[0] * rows * rowBytes}");
        for (long i = 0; i < zeros.Count; i++)
        {
            long column = i % perRow, value = given?.GetInt64((expert * rows + i / perRow) * rowBytes + column * bits / 8) ?? 1L << (int)(bits - 1);
            zeros.SetInt64(i, given != null && bits == 4 ? column % 2 == 0 ? value & 15 : value >> 4 : value);
        }
        Value w = node.Constant("weights", weights), zero = node.Constant("zero_points", zeros);
        return block > 0 ? node.Emit("DequantizeLinear", [w, scales, zero], ("axis", 1), ("block_size", block)) : node.Emit("DequantizeLinear", [w, scales, zero], ("axis", 0));
    }

    /// <summary>What comes out of the first layer, times <paramref name="value"/> of gated experts.</summary>
    private static Value Activate(NodeDraft node, Value x, Value? value)
    {
        AttributeSet a = node.Attributes;
        long fusion = a.Int("swiglu_fusion", 0);
        switch (a.String("activation_type", "relu"))
        {
            case "identity": return Gated(x);
            case "relu": return Gated(node.Emit("Relu", [x]));
            case "silu": return Gated(node.Emit("Swish", [x]));
            case "gelu": return Gated(node.Emit("Gelu", [x], ("approximate", "tanh")));
            case "swiglu" when fusion == 0 && value != null: return SwiGlu(node, x, value);
            case "swiglu" when fusion == 1 && value == null:
                // Gates and values take turns.
                Value pairs = node.Emit("Reshape", [x, node.Ints("pairs", 0, -1, 2)]);
                Value?[] parts = node.EmitAll("Split", [pairs], 2, ("axis", 2), ("num_outputs", 2));
                return SwiGlu(node, node.Emit("Squeeze", [parts[0], node.Ints("last", 2)]), node.Emit("Squeeze", [parts[1], node.Ints("last", 2)]));
            case "swiglu" when fusion == 2 && value == null:
                // All gates, then all values.
                Value?[] halves = node.EmitAll("Split", [x], 2, ("axis", 1), ("num_outputs", 2));
                return SwiGlu(node, halves[0]!, halves[1]!);
            case var other:
                throw node.Unsupported($"activation_type '{other}' with swiglu_fusion {fusion} {(value == null ? "and without" : "and with")} a third layer is not supported");
        }

        Value Gated(Value y) => value == null ? y : node.Emit("Mul", [y, value]);
    }

    private static Value SwiGlu(NodeDraft node, Value gate, Value value)
    {
        AttributeSet a = node.Attributes;
        if (a.Find("swiglu_limit") is { Float: var limit } && float.IsFinite(limit))
        {
            gate = node.Emit("Min", [gate, node.Number("limit", limit)]);
            value = node.Emit("Clip", [value, node.Number("low", -limit), node.Number("high", limit)]);
        }
        return node.Emit("Mul", [node.Emit("Swish", [gate], ("alpha", a.Float("activation_alpha", 1))), node.Emit("Add", [value, node.Number("beta", a.Float("activation_beta", 0))])]);
    }
}
