using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.PyTorch.Operators;

/// <summary>Matrix products, embeddings, attention.</summary>
internal static class Dense
{
    [Torch("linear")]
    private static object? LinearLayer(TorchCall c) => TorchCall.Box(Linear(c, c.Tensor(0), c.Tensor(1), c.Optional(2)));

    /// <summary>x W^T + b over the last axis; W is [out,in].</summary>
    internal static Value Linear(TorchCall c, Value x, Value w, Value? bias)
    {
        if (x.Shape is { IsRanked: true, Rank: 2 } && w.Shape is { IsRanked: true, Rank: 2 })
            return c.Emit("Gemm", bias == null ? [x, w] : [x, w, bias], ("transB", 1));
        Value y = c.Emit("MatMul", [x, c.Rank(w) == 1 ? w : Transposed(c, w)]);
        return bias == null ? y : c.Emit("Add", [y, bias]);
    }

    private static Value Transposed(TorchCall c, Value w)
    {
        if (w.Constant is not { } constant) return c.Transpose(w, 1, 0);
        var transposed = new Tensor(constant.DType, new Shape(w.Shape[1], w.Shape[0]));
        for (long i = 0; i < w.Shape[0]; i++)
            for (long j = 0; j < w.Shape[1]; j++) transposed.SetDouble(j * w.Shape[0] + i, constant.GetDouble(i * w.Shape[1] + j));
        return c.Builder.Constant(w.Name + "/transposed", transposed);
    }

    [Torch("matmul", "mm", "bmm", "mv", "dot")]
    private static object? MatMul(TorchCall c) => TorchCall.Box(c.Emit("MatMul", [c.Tensor(0), c.Tensor(1)]));

    /// <summary>beta * input + alpha * (a b)</summary>
    [Torch("addmm", "baddbmm", "addbmm", Limits = "addbmm")]
    private static object? AddMm(TorchCall c)
    {
        if (c.PlainName == "addbmm") throw c.Error("the sum over the batch is not supported");
        Value a = c.Tensor(1), b = c.Tensor(2);
        double beta = Factor(c, "beta", 3), alpha = Factor(c, "alpha", 4);
        if (c.PlainName == "addmm") return TorchCall.Box(c.Emit("Gemm", [a, b, c.Tensor(0)], ("alpha", (float)alpha), ("beta", (float)beta)));
        Value y = Scaled(c, c.Emit("MatMul", [a, b]), alpha);
        return TorchCall.Box(beta == 0 ? y : c.Emit("Add", [Scaled(c, c.Tensor(0), beta), y]));
    }

    private static double Factor(TorchCall c, string name, int i) => c.Arg(i, name) switch
    {
        null => 1,
        long n => n,
        double d => d,
        _ => throw c.Error($"{name} is known only when the model runs"),
    };

    internal static Value Scaled(TorchCall c, Value x, double factor) => factor == 1 ? x : c.Emit("Mul", [x, c.Scalar(x.DType, factor)]);

    [Torch("einsum")]
    private static object? Einsum(TorchCall c) => TorchCall.Box(c.Emit("Einsum", c.Tensors(1), ("equation", c.Text(0, "").Replace(" ", "", StringComparison.Ordinal))));

    /// <summary>(weight, indices, padding_idx, ...)</summary>
    [Torch("embedding")]
    private static object? Embedding(TorchCall c) => TorchCall.Box(c.Emit("Gather", [c.Tensor(0), Indices(c, 1)], ("axis", 0)));

    /// <summary>An argument that holds indices; an input of the model that is used so is int64.</summary>
    internal static Value Indices(TorchCall c, int i)
    {
        Value x = c.Tensor(i);
        if (x.DType is DType.Int64 or DType.Int32) return x;
        if (x.DType == DType.Float32 && c.Builder.Graph.Inputs.Contains(x) && c.Builder.Parent == null && x.Consumers.All(n => n.OpType is "Shape" or "Gather"))
        {
            x.Type = new TensorType(DType.Int64, x.Shape);
            return x;
        }
        return c.Cast(x, DType.Int64);
    }

    /// <summary>(query, key, value, attn_mask, dropout_p, is_causal, *, scale): softmax(q k^T * scale + mask) v.</summary>
    [Torch("scaled_dot_product_attention")]
    private static object? Attention(TorchCall c)
    {
        Value q = c.Tensor(0), k = c.Tensor(1), v = c.Tensor(2);
        int rank = c.Rank(k);
        long[] swap = [.. Enumerable.Range(0, rank - 2).Select(d => (long)d), rank - 1, rank - 2];
        object? scale = c.Arg(6, "scale");
        if (scale is null && q.Shape[rank - 1] < 0) throw c.Error("the size of a head must be known");
        Value scores = Scaled(c, c.Emit("MatMul", [q, c.Transpose(k, swap)]), scale is double s ? s : 1 / Math.Sqrt(q.Shape[rank - 1]));
        if (c.Optional(3) is { } mask)
            scores = mask.DType == DType.Bool ? c.Emit("Where", [mask, scores, c.Scalar(scores.DType, double.NegativeInfinity)]) : c.Emit("Add", [scores, mask]);
        if (c.Bool(5, false)) scores = c.Emit("Where", [NotLater(c, c.Size(q, rank - 2), c.Size(k, rank - 2)), scores, c.Scalar(scores.DType, double.NegativeInfinity)]);
        return TorchCall.Box(c.Emit("MatMul", [c.Emit("Softmax", [scores], ("axis", -1)), v]));
    }

    /// <summary>[queries, keys]: whether a key stands at most as late as the query.</summary>
    private static Value NotLater(TorchCall c, object queries, object keys)
    {
        Value Places(object count, long axis) => c.Unsqueeze(c.Emit("Range", [c.Scalar(DType.Int64, 0), c.Interpreter.ScalarValue(count, ScalarKind.Int), c.Scalar(DType.Int64, 1)]), axis);
        return c.Emit("LessOrEqual", [Places(keys, 0), Places(queries, 1)]);
    }
}
