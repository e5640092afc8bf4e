using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.PyTorch.Operators;

/// <summary>The fast paths that nn.MultiheadAttention and nn.TransformerEncoderLayer take when they are traced in evaluation mode
/// (argument lists: aten/src/ATen/native/native_functions.yaml).</summary>
internal static class FusedAttention
{
    /// <summary>(query, key, value, embed_dim, heads, qkv_weight, qkv_bias, out_weight, out_bias, mask, need_weights = True,
    /// average = True, mask_type) -> (output, weights). Tensors are [N, L, E].</summary>
    [Torch("_native_multi_head_attention")]
    private static object? MultiHead(TorchCall c)
    {
        (Value y, Value weights) = Attend(c, c.Tensor(0), c.Tensor(1), c.Tensor(2), c.Int(3), c.Int(4), c.Tensor(5), c.Tensor(6), c.Tensor(7), c.Tensor(8), c.Optional(9), c.Int(12, -1));
        if (!c.Bool(10, true)) return new TorchTuple([TorchCall.Box(y), new TorchAbsent("attention was asked for no weights")]);
        return new TorchTuple([TorchCall.Box(y), TorchCall.Box(c.Bool(11, true) ? c.Emit("ReduceMean", [weights, c.IntTensor(1)], ("keepdims", 0)) : weights)]);
    }

    /// <summary>(x, embed_dim, heads, qkv_weight, qkv_bias, out_weight, out_bias, use_gelu, norm_first, eps, norm1_weight, norm1_bias,
    /// norm2_weight, norm2_bias, ffn1_weight, ffn1_bias, ffn2_weight, ffn2_bias, mask, mask_type)</summary>
    [Torch("_transformer_encoder_layer_fwd")]
    private static object? EncoderLayer(TorchCall c)
    {
        bool first = c.Bool(8, false);
        Value x = c.Tensor(0), y = first ? Normalize(c, x, 10) : x;
        y = Attend(c, y, y, y, c.Int(1), c.Int(2), c.Tensor(3), c.Tensor(4), c.Tensor(5), c.Tensor(6), c.Optional(18), c.Int(19, -1)).Y;
        x = c.Emit("Add", [x, y]);
        if (!first) x = Normalize(c, x, 10);
        y = Dense.Linear(c, first ? Normalize(c, x, 12) : x, c.Tensor(14), c.Tensor(15));
        y = Dense.Linear(c, c.Emit(c.Bool(7, false) ? "Gelu" : "Relu", [y]), c.Tensor(16), c.Tensor(17));
        x = c.Emit("Add", [x, y]);
        return TorchCall.Box(first ? x : Normalize(c, x, 12));
    }

    private static Value Normalize(TorchCall c, Value x, int weight) =>
        c.Emit("LayerNormalization", [x, c.Tensor(weight), c.Tensor(weight + 1)], ("axis", -1), ("epsilon", (float)c.Number(9, 1e-5)));

    private static (Value Y, Value Weights) Attend(TorchCall c, Value query, Value key, Value value, long width, long heads,
        Value weight, Value bias, Value outWeight, Value outBias, Value? mask, long maskType)
    {
        Value Head(Value x, int part, long[] order)
        {
            Value Rows(Value all) => c.Emit("Slice", [all, c.IntTensor(part * width), c.IntTensor((part + 1) * width), c.IntTensor(0)]);
            Value y = Dense.Linear(c, x, Rows(weight), Rows(bias));
            return c.Transpose(c.Reshape(y, 0, 0, heads, width / heads), order);
        }

        Value q = Head(query, 0, [0, 2, 1, 3]), k = Head(key, 1, [0, 2, 3, 1]), v = Head(value, 2, [0, 2, 1, 3]);
        Value scores = Dense.Scaled(c, c.Emit("MatMul", [q, k]), 1 / Math.Sqrt(width / (double)heads));
        if (mask != null)
        {
            // 0: [L, L] for all, 1: keys of each sequence to leave out [N, L], 2: [N, heads, L, L].
            if (maskType == 1) mask = c.Unsqueeze(mask, 1, 2);
            else if (maskType is not (0 or 2) && c.Rank(mask) != 2) throw c.Error($"mask type {maskType} is not supported");
            if (mask.DType == DType.Bool) scores = c.Emit("Where", [mask, c.Scalar(scores.DType, double.NegativeInfinity), scores]);
            else scores = c.Emit("Add", [scores, mask]);
        }
        Value weights = c.Emit("Softmax", [scores], ("axis", -1));
        Value joined = c.Reshape(c.Transpose(c.Emit("MatMul", [weights, v]), 0, 2, 1, 3), 0, 0, width);
        return (Dense.Linear(c, joined, outWeight, outBias), weights);
    }
}
