using EdgeLite.Converter.Ir;
using EdgeLite.Core;
using EdgeLite.Ops;

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
        int rows = (int)w.Shape[0], columns = (int)w.Shape[1];
        if (constant.DType == DType.Float32)
        {
            ReadOnlySpan<float> from = constant.Span<float>();
            Span<float> to = transposed.Span<float>();
            for (int i = 0; i < rows; i++)
                for (int j = 0; j < columns; j++) to[j * rows + i] = from[i * columns + j];
        }
        else
            for (long i = 0; i < rows; i++)
                for (long j = 0; j < columns; j++) transposed.SetDouble(j * rows + i, constant.GetDouble(i * columns + j));
        return c.Builder.Constant(w.Name + "/transposed", transposed);
    }

    [Torch("matmul", "mm", "bmm", "mv", "dot")]
    private static object? MatMul(TorchCall c) => TorchCall.Box(c.Emit("MatMul", [c.Tensor(0), c.Tensor(1)]));

    /// <summary>beta * input + alpha * (a b)</summary>
    [Torch("addmm", "baddbmm")]
    private static object? AddMm(TorchCall c)
    {
        Value a = c.Tensor(1), b = c.Tensor(2);
        double beta = Factor(c, "beta", 3), alpha = Factor(c, "alpha", 4);
        if (c.PlainName == "addmm") return TorchCall.Box(c.Emit("Gemm", [a, b, c.Tensor(0)], ("alpha", (float)alpha), ("beta", (float)beta)));
        Value y = Scaled(c, c.Emit("MatMul", [a, b]), alpha);
        return TorchCall.Box(beta == 0 ? y : c.Emit("Add", [Scaled(c, c.Tensor(0), beta), y]));
    }

    /// <summary>
    /// (rows [S,K], matrices [G,K,N], ends [G]): rows up to the first end times the first matrix, those from there to the second end times the
    /// second, and so on; 0 behind the last. How many rows a matrix has is known only when the model runs, so each is computed for all.
    /// </summary>
    [Torch("_grouped_mm", "transformers.grouped_mm_fallback", Limits = "other than rows in two and matrices in three dimensions, bias")]
    private static object? GroupedMatMul(TorchCall c)
    {
        Value rows = c.Tensor(0), matrices = c.Tensor(1);
        if (c.Rank(rows) != 2 || c.Rank(matrices) != 3 || matrices.Shape[0] < 1) throw c.Error($"{rows} times {matrices}; a product of [rows,n] and a known number of [n,m] is expected");
        if (c.Arg(3, "bias") is not null) throw c.Error("bias is not supported");
        Value ends = c.Cast(c.AsTensor(c.Arg(2, "offs"), "offs"), DType.Int64);
        Value count = c.Emit("Reshape", [c.Emit("Shape", [rows], ("start", 0), ("end", 1)), c.Builder.Constant("scalar", new Tensor(DType.Int64, new Shape(0)))]);
        Value places = c.Emit("Range", [c.Scalar(DType.Int64, 0), count, c.Scalar(DType.Int64, 1)]);
        Value isBefore = c.Emit("Less", [c.Unsqueeze(places, 1), c.Unsqueeze(ends, 0)]); // [S,G]
        Value y = c.Scalar(rows.DType, 0);
        for (long g = matrices.Shape[0] - 1; g >= 0; g--)
        {
            Value product = c.Emit("MatMul", [rows, c.Emit("Gather", [matrices, c.Scalar(DType.Int64, g)], ("axis", 0))]);
            y = c.Emit("Where", [c.Emit("Gather", [isBefore, c.IntTensor(g)], ("axis", 1)), product, y]);
        }
        return TorchCall.Box(c.Arg(4, "out_dtype") is long type ? c.Cast(y, TorchArchive.ScalarType(type)) : y);
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

    /// <summary>
    /// (weight, indices, offsets, scale_grad_by_freq, mode 0 sum 1 mean 2 max, sparse, per_sample_weights, include_last_offset, padding_idx): the rows
    /// from one offset to the next, reduced. Bags of one size are an axis; others are found by comparing places with offsets.
    /// </summary>
    [Torch("embedding_bag", "_embedding_bag", "_embedding_bag_forward_only")]
    private static object? EmbeddingBag(TorchCall c)
    {
        Value indices = Indices(c, 1);
        Value? isKept = c.Int(8, -1) is >= 0 and var padding ? c.Emit("Not", [c.Emit("Equal", [indices, c.Scalar(DType.Int64, padding)])]) : null;
        return new TorchTuple([TorchCall.Box(Bags(c, c.Emit("Gather", [c.Tensor(0), indices], ("axis", 0)), c.Int(4, 0), 6, c.Bool(7, false), isKept)), .. Enumerable.Repeat((object?)new TorchAbsent("it is a result for training alone"), 3)]);
    }

    /// <summary>The bags of rows [L,D], without those that are not kept; offsets are argument 2.</summary>
    internal static Value Bags(TorchCall c, Value rows, long mode, int weights, bool withLast, Value? isKept = null)
    {
        Value offsets = Indices(c, 2);
        if (c.Optional(weights) is { } w) rows = c.Emit("Mul", [rows, c.Unsqueeze(w, -1)]);
        string reduce = mode switch { 0 => "ReduceSum", 1 => "ReduceMean", _ => "ReduceMax" };
        if (!withLast && isKept == null && rows.Shape is { IsRanked: true } shape && shape[0] > 0 && offsets.Constant is { Count: > 0 } known && shape[0] % known.Count == 0)
        {
            long each = shape[0] / known.Count;
            bool isEven = true;
            for (long i = 0; i < known.Count; i++) isEven &= known.GetInt64(i) == i * each;
            if (isEven) return c.Emit(reduce, [c.Reshape(rows, known.Count, each, -1), c.IntTensor(1)], ("keepdims", 0));
        }
        Value count = c.Emit("Reshape", [c.Emit("Shape", [rows], ("start", 0), ("end", 1)), c.Builder.Constant("scalar", new Tensor(DType.Int64, new Shape(0)))]);
        Value places = c.Emit("Range", [c.Scalar(DType.Int64, 0), count, c.Scalar(DType.Int64, 1)]);
        Value from = withLast ? c.Emit("Slice", [offsets, c.IntTensor(0), c.IntTensor(-1), c.IntTensor(0)]) : offsets;
        Value to = c.Emit("Slice", [withLast ? offsets : c.Emit("Concat", [offsets, c.Unsqueeze(count, 0)], ("axis", 0)), c.IntTensor(1), c.IntTensor(long.MaxValue), c.IntTensor(0)]);
        Value isIn = c.Emit("And", [c.Emit("GreaterOrEqual", [places, c.Unsqueeze(from, 1)]), c.Emit("Less", [places, c.Unsqueeze(to, 1)])]); // [bags,L]
        if (isKept != null) isIn = c.Emit("And", [isIn, isKept]);
        if (mode == 2)
        {
            Value isEmpty = c.Emit("Not", [c.Cast(c.Emit("ReduceMax", [c.Cast(isIn, DType.Int32), c.IntTensor(1)], ("keepdims", 0)), DType.Bool)]);
            Value most = c.Emit("ReduceMax", [c.Emit("Where", [c.Unsqueeze(isIn, -1), rows, c.Scalar(rows.DType, double.NegativeInfinity)]), c.IntTensor(1)], ("keepdims", 0));
            return c.Emit("Where", [c.Unsqueeze(isEmpty, 1), c.Scalar(rows.DType, 0), most]);
        }
        Value sum = c.Emit("MatMul", [c.Cast(isIn, rows.DType), rows]);
        if (mode == 0) return sum;
        return c.Emit("Div", [sum, c.Unsqueeze(c.Cast(c.Emit("Max", [c.Emit("ReduceSum", [c.Cast(isIn, DType.Int64), c.IntTensor(1)], ("keepdims", 0)), c.Scalar(DType.Int64, 1)]), rows.DType), 1)]);
    }

    /// <summary>(input, other, dims of the first, dims of the second): the sum over pairs of axes.</summary>
    [Torch("tensordot")]
    private static object? TensorDot(TorchCall c)
    {
        Value a = c.Tensor(0), b = c.Tensor(1);
        int rankA = c.Rank(a), rankB = c.Rank(b);
        int[] axesA = [.. c.Ints(2).Select(d => c.Axis(d, rankA))], axesB = [.. c.Ints(3).Select(d => c.Axis(d, rankB))];
        if (rankA + rankB > 26) throw c.Error($"{rankA + rankB} axes");
        char[] left = [.. Enumerable.Range(0, rankA).Select(d => (char)('a' + d))];
        char[] right = [.. Enumerable.Range(0, rankB).Select(d => Array.IndexOf(axesB, d) is >= 0 and var k ? left[axesA[k]] : (char)('a' + rankA + d))];
        string rest = string.Concat(left.Where((_, d) => !axesA.Contains(d))) + string.Concat(right.Where((_, d) => !axesB.Contains(d)));
        return TorchCall.Box(c.Emit("Einsum", [a, b], ("equation", $"{new string(left)},{new string(right)}->{rest}")));
    }

    /// <summary>Each element of the first times all of the second, axis by axis: sizes multiply.</summary>
    [Torch("kron")]
    private static object? Kronecker(TorchCall c)
    {
        Value a = c.Tensor(0), b = c.Tensor(1);
        int rank = Math.Max(c.Rank(a), c.Rank(b));
        Value Wide(Value x, int first) => c.Unsqueeze(x, [.. Enumerable.Range(0, 2 * rank).Where(d => d % 2 != first || d / 2 < rank - c.Rank(x)).Select(d => (long)d)]);
        object? Size(Value x, int d) => d < rank - c.Rank(x) ? 1L : c.Size(x, d - rank + c.Rank(x));
        object? y = c.Interpreter.Apply("mul", [TorchCall.Box(Wide(a, 0)), TorchCall.Box(Wide(b, 1))], []);
        return c.Interpreter.Apply("reshape", [y, new TorchList(Enumerable.Range(0, rank).Select(d => c.Interpreter.Apply("mul", [Size(a, d), Size(b, d)], [])))], []);
    }

    /// <summary>(v, g, dim): g v / |v|, the norm over all axes but one; of constants a constant.</summary>
    [Torch("_weight_norm", Limits = "a norm over all axes")]
    private static object? WeightNorm(TorchCall c)
    {
        Value v = c.Tensor(0), g = c.Tensor(1);
        int rank = c.Rank(v), axis = c.Axis(c.Int(2, 0), rank);
        if (v.Constant is not { } direction || g.Constant is not { } length)
        {
            Value norm = c.Emit("ReduceL2", [v, c.IntTensor([.. Enumerable.Range(0, rank).Where(d => d != axis).Select(d => (long)d)])], ("keepdims", 1));
            return TorchCall.Box(c.Emit("Mul", [v, c.Emit("Div", [g, norm])]));
        }
        long size = v.Shape[axis], inner = v.Shape.Product(axis + 1, rank);
        if (length.Count != size) throw c.Error($"its lengths have {length.Count} elements, expected {size}");
        var squares = new double[size];
        for (long i = 0; i < direction.Count; i++) squares[i / inner % size] += direction.GetDouble(i) * direction.GetDouble(i);
        var weight = new Tensor(direction.DType, direction.Shape);
        for (long i = 0; i < direction.Count; i++) weight.SetDouble(i, direction.GetDouble(i) * length.GetDouble(i / inner % size) / Math.Sqrt(squares[i / inner % size]));
        return TorchCall.Box(c.Builder.Constant(c.Interpreter.Named("weight"), weight));
    }

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

    /// <summary>(query, key, value, attn_mask, dropout_p, is_causal, *, scale, enable_gqa): softmax(q k^T * scale + mask) v; heads of keys and
    /// values may stand for several of the query.</summary>
    [Torch("scaled_dot_product_attention", Notes = "what NaN behind a mask leads to is open, as it is in PyTorch's own kernels")]
    private static object? Attention(TorchCall c)
    {
        Value q = c.Tensor(0), k = c.Tensor(1), v = c.Tensor(2);
        int rank = c.Rank(k);
        object? scale = c.Arg(6, "scale");
        double? factor = scale is null ? null : c.Interpreter.ToScalar(scale, ScalarKind.Float) as double? ?? throw c.Error("its scale is known only when the model runs");
        bool isGrouped = c.Option("enable_gqa") is true;
        if (factor != 0 && IsOnnxAttention(q, k, v, c.Optional(3), isGrouped))
        {
            List<(string, AttributeValue)> attributes = factor is { } given ? [("scale", (float)given)] : [];
            if (c.Bool(5, false)) attributes.Add(("is_causal", 1));
            return TorchCall.Box(c.Emit("Attention", c.Optional(3) is { } allowed ? [q, k, v, allowed] : [q, k, v], [.. attributes]));
        }
        if (isGrouped && c.Known(c.Size(q, rank - 3), "the number of heads") is var heads && heads != c.Known(c.Size(k, rank - 3), "the number of heads"))
        {
            Value Repeated(Value x) => c.AsTensor(c.Interpreter.Apply("repeat_interleave", [TorchCall.Box(x), heads / c.Known(c.Size(x, rank - 3), "the number of heads"), rank - 3L], []), "heads");
            (k, v) = (Repeated(k), Repeated(v));
        }
        long[] swap = [.. Enumerable.Range(0, rank - 2).Select(d => (long)d), rank - 1, rank - 2];
        if (factor is null && q.Shape[rank - 1] < 0) throw c.Error("the size of a head must be known");
        Value scores = Scaled(c, c.Emit("MatMul", [q, c.Transpose(k, swap)]), factor ?? 1 / Math.Sqrt(q.Shape[rank - 1]));
        if (c.Optional(3) is { } mask)
            scores = mask.DType == DType.Bool ? c.Emit("Where", [mask, scores, c.Scalar(scores.DType, double.NegativeInfinity)]) : c.Emit("Add", [scores, mask]);
        if (c.Bool(5, false)) scores = c.Emit("Where", [NotLater(c, c.Size(q, rank - 2), c.Size(k, rank - 2)), scores, c.Scalar(scores.DType, double.NegativeInfinity)]);
        Value y = c.Emit("MatMul", [c.Emit("Softmax", [scores], ("axis", -1)), v]);
        if (c.Optional(3) is not { DType: DType.Bool } seen) return TorchCall.Box(y);
        // A query that sees no key gets zeros.
        Value sees = c.Cast(c.Emit("ReduceMax", [c.Cast(seen, DType.Int32), c.IntTensor(-1)], ("keepdims", 1)), DType.Bool);
        return TorchCall.Box(sees.Constant is { } all && !Enumerable.Range(0, (int)all.Count).Any(i => all.GetInt64(i) == 0) ? y : c.Emit("Where", [sees, y, c.Scalar(y.DType, 0)]));
    }

    /// <summary>Whether ONNX's operator computes the same: samples and heads, which PyTorch broadcasts, are as many in all of them.</summary>
    private static bool IsOnnxAttention(Value q, Value k, Value v, Value? mask, bool isGrouped)
    {
        if (!new[] { q, k, v }.All(x => x.Shape is { IsRanked: true, Rank: 4 } && x.DType == q.DType)) return false;
        if (mask != null && !(mask.Shape is { IsRanked: true, Rank: >= 1 and <= 4 } && (mask.DType == DType.Bool || mask.DType == q.DType))) return false;
        bool Differ(Value a, Value b, int axis) => a.Shape[axis] != b.Shape[axis] && (a.Shape[axis] >= 0 || b.Shape[axis] >= 0);
        return !Differ(q, k, 0) && !Differ(q, v, 0) && !Differ(k, v, 1) && (isGrouped || !Differ(q, k, 1));
    }

    /// <summary>The form of PyTorch 1.13: (query, key, value, attn_mask, dropout_p, need_attn_weights, is_causal) -> (output, weights)</summary>
    [Torch("_scaled_dot_product_attention")]
    private static object? AttentionWithWeights(TorchCall c)
    {
        object? Of(object? value) => c.Interpreter.Apply("scaled_dot_product_attention", [c.Arg(0), c.Arg(1), value, c.Arg(3), 0.0, c.Arg(6) ?? false], []);
        if (!c.Bool(5, false)) return new TorchTuple([Of(c.Arg(2)), new TorchAbsent("attention was asked for no weights")]);
        object? same = c.Interpreter.Apply("eye", [c.Size(c.Tensor(1), c.Rank(c.Tensor(1)) - 2)], []);
        return new TorchTuple([Of(c.Arg(2)), Of(same)]);
    }

    /// <summary>[queries, keys]: whether a key stands at most as late as the query.</summary>
    private static Value NotLater(TorchCall c, object queries, object keys)
    {
        Value Places(object count, long axis) => c.Unsqueeze(c.Emit("Range", [c.Scalar(DType.Int64, 0), c.Interpreter.ScalarValue(count, ScalarKind.Int), c.Scalar(DType.Int64, 1)]), axis);
        return c.Emit("LessOrEqual", [Places(keys, 0), Places(queries, 1)]);
    }
}
