using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.Keras.Functions;

/// <summary>Functions along axes, and products.</summary>
internal static class Reductions
{
    [Keras("tf.math.reduce_sum", "keras.backend.sum", "keras.ops.sum", Operator = "Sum")]
    [Keras("tf.math.reduce_mean", "keras.backend.mean", "keras.ops.mean", Operator = "Mean")]
    [Keras("tf.math.reduce_max", "keras.backend.max", "keras.ops.max", "keras.ops.amax", Operator = "Max")]
    [Keras("tf.math.reduce_min", "keras.backend.min", "keras.ops.min", "keras.ops.amin", Operator = "Min")]
    [Keras("tf.math.reduce_prod", "keras.backend.prod", "keras.ops.prod", Operator = "Prod")]
    [Keras("tf.math.reduce_all", "keras.backend.all", "keras.ops.all", Operator = "All")]
    [Keras("tf.math.reduce_any", "keras.backend.any", "keras.ops.any", Operator = "Any")]
    [Keras("tf.math.reduce_euclidean_norm", Operator = "EuclideanNorm")]
    private static void Reduce(KerasNode n)
    {
        string op = KerasImporter.OperatorOf(n.Layer.ClassName);
        Value x = Elementwise.First(n);
        if (op is "All" or "Any") x = n.Cast(x, DType.Bool);
        else if (op is "Sum" or "Mean" or "Prod" && x.DType == DType.Bool) x = n.Cast(x, op == "Mean" ? DType.Float32 : DType.Int32);
        else if (op == "Mean" && !x.DType.IsFloat() && !n.Layer.ClassName.StartsWith("tf.", StringComparison.Ordinal)) x = n.Cast(x, DType.Float32);
        n.Set(Reduced(n, op, x));
    }

    private static Value Reduced(KerasNode n, string op, Value x) => n.TensorFlow(op, [x, n.Ints(Axes(n, x))], ("keep_dims", Keeps(n)));

    private static long[] Axes(KerasNode n, Value x) => n.Wholes(1, "axis") ?? [.. Enumerable.Range(0, n.RankOf(x)).Select(i => (long)i)];

    private static bool Keeps(KerasNode n) => n.Flag(false, -1, "keepdims");

    /// <summary>Of the whole, not of a sample.</summary>
    [Keras("tf.math.reduce_variance", "tf.math.reduce_std", "keras.backend.var", "keras.backend.std", "keras.ops.var", "keras.ops.std")]
    private static void Variance(KerasNode n)
    {
        Value x = n.Cast(Elementwise.First(n), DType.Float32), axes = n.Ints(Axes(n, x));
        Value d = n.Emit("Sub", [x, n.Emit("ReduceMean", [x, axes], ("keepdims", 1))]);
        Value variance = n.Emit("ReduceMean", [n.Emit("Mul", [d, d]), axes], ("keepdims", Keeps(n) ? 1 : 0));
        n.Set(n.Layer.ClassName.EndsWith("std", StringComparison.Ordinal) ? n.Emit("Sqrt", [variance]) : variance);
    }

    /// <summary>Mean and variance.</summary>
    [Keras("tf.nn.moments", "keras.ops.moments")]
    private static void Moments(KerasNode n)
    {
        Value x = Elementwise.First(n), axes = n.Ints(n.Wholes(1, "axes") ?? throw n.Damaged("axes are missing"));
        Value mean = n.Emit("ReduceMean", [x, axes], ("keepdims", 1)), d = n.Emit("Sub", [x, mean]);
        long keep = Keeps(n) ? 1 : 0;
        n.Set(new KerasTensor(n.Emit("ReduceMean", [x, axes], ("keepdims", keep))), new KerasTensor(n.Emit("ReduceMean", [n.Emit("Mul", [d, d]), axes], ("keepdims", keep))));
    }

    [Keras("tf.math.reduce_logsumexp", "keras.backend.logsumexp", "keras.ops.logsumexp")]
    private static void LogSumExp(KerasNode n)
    {
        Value x = Elementwise.First(n);
        n.Set(n.Emit("ReduceLogSumExp", [x, n.Ints(Axes(n, x))], ("keepdims", Keeps(n) ? 1 : 0)));
    }

    /// <summary>int64 in TensorFlow and keras.backend, int32 in keras.ops.</summary>
    [Keras("tf.math.argmax", "tf.argmax", "keras.backend.argmax", "keras.ops.argmax", Operator = "ArgMax")]
    [Keras("tf.math.argmin", "tf.argmin", "keras.backend.argmin", "keras.ops.argmin", Operator = "ArgMin")]
    private static void ArgExtreme(KerasNode n)
    {
        bool isOps = n.Layer.ClassName.StartsWith("keras.ops.", StringComparison.Ordinal), isBackend = n.Layer.ClassName.StartsWith("keras.backend.", StringComparison.Ordinal);
        Value x = Elementwise.First(n);
        bool isFlat = isOps && n.Argument(1, "axis") == null;
        if (isFlat) x = n.Reshape(x, -1);
        Value y = n.Emit(KerasImporter.OperatorOf(n.Layer.ClassName), [x], ("axis", n.Whole(isBackend ? -1 : 0, 1, "axis", "dimension")), ("keepdims", Keeps(n) && !isFlat ? 1 : 0));
        string type = n.Word(isOps ? "int32" : "int64", -1, "output_type");
        n.Set(n.Cast(y, KerasArguments.TypeOf(type) ?? throw n.Error($"output_type '{type}' is not supported")));
    }

    [Keras("tf.math.cumsum", "keras.backend.cumsum", "keras.ops.cumsum", Operator = "Cumsum")]
    [Keras("tf.math.cumprod", "keras.backend.cumprod", "keras.ops.cumprod", Operator = "Cumprod")]
    private static void Cumulative(KerasNode n) => n.Set(n.TensorFlow(KerasImporter.OperatorOf(n.Layer.ClassName), [Elementwise.First(n), n.Ints(n.Whole(0, 1, "axis"))],
        ("exclusive", n.Flag(false, -1, "exclusive")), ("reverse", n.Flag(false, -1, "reverse"))));

    [Keras("tf.math.top_k", "tf.nn.top_k", "keras.ops.top_k")]
    private static void TopK(KerasNode n)
    {
        Value[] y = n.TensorFlow("TopKV2", 2, [Elementwise.First(n), n.Ints(n.Whole(1, 1, "k"))]);
        n.Set(new KerasTensor(y[0]), new KerasTensor(y[1]));
    }

    /// <summary>Of order 1, 2 (or "euclidean") or infinity along axes.</summary>
    [Keras("tf.norm", "tf.linalg.norm", "keras.ops.norm")]
    private static void Norm(KerasNode n)
    {
        Value x = Elementwise.First(n);
        object order = n.Argument(-1, "ord") ?? "euclidean";
        bool isMatrix = n.Wholes(-1, "axis") is { Length: > 1 };
        string op = order switch
        {
            "euclidean" or "fro" => "ReduceL2",
            long or double when isMatrix => throw n.Error("norms of matrices other than Frobenius' are not supported"),
            2L or 2.0 => "ReduceL2",
            1L or 1.0 => "ReduceL1",
            "inf" or "Infinity" or double.PositiveInfinity => "ReduceMax",
            _ => throw n.Error($"a norm of order {order} is not supported"),
        };
        if (op == "ReduceMax") x = n.Emit("Abs", [x]);
        n.Set(n.Emit(op, [x, n.Ints(n.Wholes(-1, "axis") ?? Axes(n, x))], ("keepdims", Keeps(n) ? 1 : 0)));
    }

    /// <summary>x / sqrt(max(sum of squares, epsilon)); keras.ops bounds the root itself by epsilon.</summary>
    [Keras("tf.math.l2_normalize", "tf.nn.l2_normalize", "keras.backend.l2_normalize", "keras.ops.normalize")]
    private static void Normalize(KerasNode n)
    {
        bool isOps = n.Layer.ClassName == "keras.ops.normalize";
        if (n.Real(2, -1, "order") != 2) throw n.Error("an order other than 2 is not supported");
        Value x = Elementwise.First(n);
        long[] axes = n.Wholes(1, "axis", "dim") ?? (isOps ? [-1] : Axes(n, x));
        double epsilon = n.Real(isOps ? 1e-7 : 1e-12, -1, "epsilon");
        Value sum = n.Emit("ReduceSumSquare", [x, n.Ints(axes)], ("keepdims", 1));
        n.Set(n.Emit("Div", [x, n.Emit("Sqrt", [n.Emit("Max", [sum, n.Scalar(isOps ? epsilon * epsilon : epsilon)])])]));
    }

    [Keras("tf.linalg.matmul", "keras.ops.matmul")]
    private static void MatMul(KerasNode n)
    {
        (Value a, Value b) = Elementwise.Pair(n, n.Argument(0, "a", "x1"), n.Argument(1, "b", "x2"));
        n.Set(n.TensorFlow("BatchMatMulV2", [a, b], ("adj_x", n.Flag(false, -1, "transpose_a", "adjoint_a")), ("adj_y", n.Flag(false, -1, "transpose_b", "adjoint_b"))));
    }

    [Keras("tf.linalg.matvec")]
    private static void MatVec(KerasNode n)
    {
        Value y = n.TensorFlow("BatchMatMulV2", [n.Operand(0, "a"), n.Emit("Unsqueeze", [n.Operand(1, "b"), n.Ints(-1)])], ("adj_x", n.Flag(false, -1, "transpose_a", "adjoint_a")));
        n.Set(n.Emit("Squeeze", [y, n.Ints(-1)]));
    }

    /// <summary>The last axis of the first over the last but one of the second.</summary>
    [Keras("keras.backend.dot", "keras.ops.dot")]
    private static void Dot(KerasNode n)
    {
        (Value a, Value b) = Elementwise.Pair(n, n.Argument(0, "x", "x1"), n.Argument(1, "y", "x2"));
        if (n.RankOf(b) is not (1 or 2)) throw n.InputError("a second operand of more than 2 dimensions is not supported");
        n.Set(n.Emit("MatMul", [a, b]));
    }

    [Keras("keras.ops.einsum")]
    private static void Einsum(KerasNode n) => n.Set(n.Emit("Einsum", [.. n.Positional.Select(n.ValueOf)], ("equation", n.Word("", -1, "subscripts"))));

    /// <summary>The last axes of the first against the first of the second, or lists of axes of both.</summary>
    [Keras("tf.tensordot", "keras.ops.tensordot")]
    private static void TensorDot(KerasNode n)
    {
        Value a = n.Operand(0, "a", "x1"), b = n.Operand(1, "b", "x2");
        int rankA = n.RankOf(a), rankB = n.RankOf(b);
        (long[] ofA, long[] ofB) = n.Argument(2, "axes") switch
        {
            long count => (Enumerable.Range(rankA - (int)count, (int)count).Select(i => (long)i).ToArray(), Enumerable.Range(0, (int)count).Select(i => (long)i).ToArray()),
            object?[] { Length: 2 } pair => (Listed(pair[0]), Listed(pair[1])),
            _ => throw n.Damaged("axes are neither a number nor two lists"),
        };
        if (ofA.Length != ofB.Length || rankA + rankB > 26) throw n.Damaged($"axes [{string.Join(", ", ofA)}] do not fit [{string.Join(", ", ofB)}]");
        char[] left = [.. Enumerable.Range(0, rankA).Select(i => (char)('a' + i))], right = [.. Enumerable.Range(rankA, rankB).Select(i => (char)('a' + i))];
        for (int i = 0; i < ofA.Length; i++) right[n.Axis(ofB[i], rankB)] = left[n.Axis(ofA[i], rankA)];
        string rest = string.Concat(left.Except(right).Concat(right.Except(left)));
        n.Set(n.Emit("Einsum", [a, b], ("equation", $"{new string(left)},{new string(right)}->{rest}")));

        long[] Listed(object? axes) => axes switch
        {
            long one => [one],
            object?[] list when list.All(i => i is long) => [.. list.Cast<long>()],
            _ => throw n.Damaged("an axis is no whole number"),
        };
    }

    [Keras("keras.ops.count_nonzero")]
    private static void CountNonzero(KerasNode n)
    {
        Value x = n.Cast(Elementwise.First(n), DType.Bool);
        n.Set(Reduced(n, "Sum", n.Cast(x, DType.Int32)));
    }

    [Keras("keras.ops.average")]
    private static void Average(KerasNode n)
    {
        Value x = Elementwise.First(n);
        if (n.Argument(1, "weights") != null) throw n.Error("weights are not supported");
        n.Set(n.Emit("ReduceMean", [x, n.Ints(n.Wholes(-1, "axis") ?? [.. Enumerable.Range(0, n.RankOf(x)).Select(i => (long)i)])], ("keepdims", 0)));
    }

    [Keras("keras.ops.sort", "keras.ops.argsort")]
    private static void Sort(KerasNode n)
    {
        Value[] sorted = Sorted(n, n.Axis(n.Whole(-1, -1, "axis"), n.RankOf(Elementwise.First(n))));
        n.Set(n.Layer.ClassName == "keras.ops.sort" ? sorted[0] : n.Cast(sorted[1], DType.Int32));
    }

    /// <summary>The middle of the sorted axis, the mean of both where there are two.</summary>
    [Keras("keras.ops.median")]
    private static void Median(KerasNode n)
    {
        Value x = Elementwise.First(n);
        if (n.Wholes(-1, "axis") is not [var given]) throw n.Error("other than one axis is not supported");
        int axis = n.Axis(given, n.RankOf(x));
        long size = x.Shape[axis];
        if (size < 1) throw n.InputError("the size of the axis must be known");
        n.Set(n.Emit("ReduceMean", [n.Slice(Sorted(n, axis)[0], axis, (size - 1) / 2, size / 2 + 1), n.Ints(axis)], ("keepdims", Keeps(n) ? 1 : 0)));
    }

    private static Value[] Sorted(KerasNode n, int axis)
    {
        Value x = Elementwise.First(n);
        Value size = x.Shape[axis] >= 0 ? n.Ints(x.Shape[axis]) : n.Emit("Shape", [x], ("start", axis), ("end", axis + 1));
        return n.EmitMany("TopK", 2, [x, size], ("axis", axis), ("largest", 0), ("sorted", 1));
    }

    /// <summary>x (x[1:] - x[:-1]) as often as n says.</summary>
    [Keras("keras.ops.diff")]
    private static void Differences(KerasNode n)
    {
        Value x = Elementwise.First(n);
        int axis = n.Axis(n.Whole(-1, -1, "axis"), n.RankOf(x));
        for (long i = n.Whole(1, -1, "n"); i > 0; i--) x = n.Emit("Sub", [n.Slice(x, axis, 1, long.MaxValue), n.Slice(x, axis, 0, -1)]);
        n.Set(x);
    }

    [Keras("keras.ops.outer")]
    private static void Outer(KerasNode n)
    {
        (Value a, Value b) = Elementwise.Pair(n, n.Argument(0, "x1"), n.Argument(1, "x2"));
        n.Set(n.Emit("Mul", [n.Reshape(a, -1, 1), n.Reshape(b, 1, -1)]));
    }

    [Keras("keras.ops.tril", "keras.ops.triu", "tf.linalg.band_part")]
    private static void Triangle(KerasNode n)
    {
        if (n.Layer.ClassName.StartsWith("tf.", StringComparison.Ordinal)) n.Set(n.TensorFlow("MatrixBandPart", [Elementwise.First(n), n.Operand(1, "num_lower"), n.Operand(2, "num_upper")]));
        else n.Set(n.Emit("Trilu", [Elementwise.First(n), n.Constant("k", Tensor.FromScalar(n.Whole(0, -1, "k")))], ("upper", n.Layer.ClassName == "keras.ops.triu" ? 1 : 0)));
    }

    [Keras("keras.ops.cross", "tf.linalg.cross")]
    private static void Cross(KerasNode n) => n.Set(n.TensorFlow("Cross", [n.Operand(0, "x1", "a"), n.Operand(1, "x2", "b")]));

    /// <summary>(x - mean) / sqrt(variance + epsilon) scale + offset, each of one axis.</summary>
    [Keras("keras.ops.batch_norm")]
    private static void BatchNormalization(KerasNode n)
    {
        Value x = Elementwise.First(n);
        int rank = n.RankOf(x), axis = n.Axis(n.Whole(-1, -1, "axis"), rank);
        Value Along(Value v) => axis == rank - 1 ? v : n.Reshape(v, [-1, .. Enumerable.Repeat(1L, rank - 1 - axis)]);
        Value root = n.Emit("Sqrt", [n.Emit("Add", [Along(n.Operand(2, "variance")), n.Scalar(n.Real(1e-3, -1, "epsilon"))])]);
        Value y = n.Emit("Div", [n.Emit("Sub", [x, Along(n.Operand(1, "mean"))]), root]);
        if (n.Argument(4, "scale") is { } scale) y = n.Emit("Mul", [y, Along(n.ValueOf(scale))]);
        n.Set(n.Argument(3, "offset") is { } offset ? n.Emit("Add", [y, Along(n.ValueOf(offset))]) : y);
    }

    /// <summary>Over the axes given, with epsilon 1e-7 where none is.</summary>
    [Keras("keras.ops.layer_norm", "keras.ops.rms_norm")]
    private static void LayerNormalization(KerasNode n)
    {
        Value x = Elementwise.First(n), d = x, axes = n.Ints(n.Wholes(-1, "axis") ?? [-1]);
        if (n.Flag(false, -1, "rms_scaling")) throw n.Error("rms_scaling is not supported");
        if (n.Layer.ClassName == "keras.ops.layer_norm") d = n.Emit("Sub", [x, n.Emit("ReduceMean", [x, axes], ("keepdims", 1))]);
        Value variance = n.Emit("ReduceMean", [n.Emit("Mul", [d, d]), axes], ("keepdims", 1));
        Value y = n.Emit("Div", [d, n.Emit("Sqrt", [n.Emit("Add", [variance, n.Scalar(n.Real(1e-7, -1, "epsilon"))])])]);
        if (n.Argument(1, "gamma", "scale") is { } gamma) y = n.Emit("Mul", [y, n.ValueOf(gamma)]);
        n.Set(n.Argument(2, "beta") is { } beta ? n.Emit("Add", [y, n.ValueOf(beta)]) : y);
    }

    /// <summary>softmax(scale Q K^T + bias) V of [batch, steps, heads, size].</summary>
    [Keras("keras.ops.dot_product_attention", Limits = "is_causal, attn_logits_soft_cap")]
    private static void DotProductAttention(KerasNode n)
    {
        if (n.Flag(false, -1, "is_causal") || n.Argument(-1, "attn_logits_soft_cap") != null) throw n.Error("is_causal and attn_logits_soft_cap are not supported");
        Value q = n.Operand(0, "query"), size = n.Scalar(n.Real(1 / Math.Sqrt(q.Shape[3]), 5, "scale"));
        Value scores = n.Emit("MatMul", [n.Transpose(n.Emit("Mul", [q, size]), 0, 2, 1, 3), n.Transpose(n.Operand(1, "key"), 0, 2, 3, 1)]);
        if (n.Argument(3, "bias") is { } bias) scores = n.Emit("Add", [scores, n.ValueOf(bias)]);
        if (n.Argument(4, "mask") is { } mask) scores = n.Emit("Where", [n.Cast(n.ValueOf(mask), DType.Bool), scores, n.Scalar(-1e9)]);
        n.Set(n.Transpose(n.Emit("MatMul", [n.Emit("Softmax", [scores], ("axis", -1)), n.Transpose(n.Operand(2, "value"), 0, 2, 1, 3)]), 0, 2, 1, 3));
    }
}
