using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.TensorFlow.Operators;

/// <summary>Matrix products, normalization, reductions.</summary>
internal static class Dense
{
    [TensorFlow("MatMul", "BatchMatMul", "BatchMatMulV2", "BatchMatMulV3", "_FusedMatMul")]
    private static void MatMul(TfNode n)
    {
        bool batch = n.Op.StartsWith("Batch", StringComparison.Ordinal);
        Value a = n.In(0), b = n.In(1);
        if (n.Bool(batch ? "adj_x" : "transpose_a")) a = Swapped(n, a);
        if (n.Bool(batch ? "adj_y" : "transpose_b")) b = Swapped(n, b);
        Value y = n.Emit("MatMul", [a, b]);
        foreach (string fused in n.Attr("fused_ops")?.List?.S.Select(s => s.ToStringUtf8()) ?? [])
            y = fused switch
            {
                "BiasAdd" => n.Add(y, n.In(2)),
                "Prelu" => n.Emit("PRelu", [y, n.In(3)]),
                _ => Convolutions.Activate(n, y, fused),
            };
        n.Set(y);
    }

    internal static Value Swapped(TfNode n, Value x)
    {
        int rank = n.RankOf(x);
        return n.Transpose(x, [.. Enumerable.Range(0, rank - 2).Select(i => (long)i), rank - 1, rank - 2]);
    }

    [TensorFlow("Einsum")]
    private static void Einsum(TfNode n) => n.Set(n.Emit("Einsum", n.All(), ("equation", n.String("equation"))));

    [TensorFlow("Cross")]
    private static void Cross(TfNode n)
    {
        Value a = n.In(0), b = n.In(1);
        Value next = n.Vector(1, 2, 0), last = n.Vector(2, 0, 1);
        n.Set(n.Sub(n.Mul(At(a, next), At(b, last)), n.Mul(At(a, last), At(b, next))));

        Value At(Value x, Value index) => n.Emit("Gather", [x, index], ("axis", -1));
    }

    /// <summary>Outputs y, the mean and variance that were used; training mode takes those of the batch, the variance that is
    /// handed out with Bessel's correction.</summary>
    [TensorFlow("FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3")]
    private static void FusedBatchNorm(TfNode n)
    {
        bool last = n.IsChannelsLast;
        Value x = last ? n.ToChannelsFirst(n.In(0)) : n.In(0), scale = n.In(1), offset = n.In(2), mean = n.In(3), variance = n.In(4);
        float epsilon = n.Float("epsilon", 1e-4f);
        if (n.Bool("is_training", true))
        {
            int rank = n.RankOf(x);
            long[] axes = [0, .. Enumerable.Range(2, rank - 2).Select(i => (long)i)];
            Value exact = n.Cast(x, scale.DType);
            mean = n.Reduce("ReduceMean", exact, false, axes);
            Value difference = n.Sub(exact, n.Reduce("ReduceMean", exact, true, axes));
            variance = n.Reduce("ReduceMean", n.Mul(difference, difference), false, axes);
            Value count = n.Cast(n.Div(n.Emit("ReduceProd", [n.ShapeOf(x)], ("keepdims", 0)), n.Emit("Gather", [n.ShapeOf(x), n.Scalar(DType.Int64, 1)], ("axis", 0))), variance.DType);
            n.Set(1, mean);
            n.Set(2, n.Mul(variance, n.Div(count, n.Emit("Max", [n.Sub(count, n.Number(count, 1)), n.Number(count, 1)]))));
        }
        else
        {
            n.Set(1, mean);
            n.Set(2, variance);
        }
        Value y = n.Emit("BatchNormalization", [x, scale, offset, mean, variance], ("epsilon", epsilon));
        n.Set(0, last ? n.ToChannelsLast(y) : y);
        n.Set(3, mean);
        n.Set(4, variance);
        n.Set(5, mean);
    }

    /// <summary>Inputs x, mean, variance, beta, gamma (the first batch normalization of TensorFlow).</summary>
    [TensorFlow("BatchNormWithGlobalNormalization")]
    private static void GlobalBatchNorm(TfNode n)
    {
        float epsilon = n.Float("variance_epsilon");
        Value x = n.ToChannelsFirst(n.In(0));
        Value gamma = n.Bool("scale_after_normalization") ? n.In(4) : n.Emit("Expand", [n.Number(n.In(1), 1), n.ShapeOf(n.In(1))]);
        n.Set(n.ToChannelsLast(n.Emit("BatchNormalization", [x, gamma, n.In(3), n.In(1), n.In(2)], ("epsilon", epsilon))));
    }

    /// <summary>x / (bias + alpha * sum of squares over 2 r + 1 channels)^beta; ONNX divides alpha by the number of channels.</summary>
    [TensorFlow("LRN")]
    private static void Lrn(TfNode n)
    {
        long size = 2 * n.Int("depth_radius", 5) + 1;
        Value y = n.Emit("LRN", [n.ToChannelsFirst(n.In(0))], ("size", size), ("bias", n.Float("bias", 1)), ("alpha", n.Float("alpha", 1) * size), ("beta", n.Float("beta", 0.5f)));
        n.Set(n.ToChannelsLast(y));
    }

    [TensorFlow("L2Loss")]
    private static void L2Loss(TfNode n)
    {
        Value x = n.In(0);
        n.Set(n.Mul(n.Emit("ReduceSumSquare", [x], ("keepdims", 0)), n.Number(x, 0.5)));
    }

    [TensorFlow("Sum", "Mean", "Max", "Min", "Prod", "All", "Any", "EuclideanNorm")]
    private static void Reduce(TfNode n)
    {
        Value x = n.In(0), axes = n.Int64(1);
        string op = n.Op switch { "Sum" => "ReduceSum", "Mean" => "ReduceMean", "Max" or "Any" => "ReduceMax", "Min" or "All" => "ReduceMin", "Prod" => "ReduceProd", _ => "ReduceL2" };
        if (axes.Shape is { IsRanked: true, Rank: 0 }) axes = n.Reshape(axes, 1);
        bool isBool = x.DType == DType.Bool;
        if (axes.Constant is { Count: 0 } || x.Shape is { IsRanked: true, Rank: 0 })
        {
            n.Set(x);
            return;
        }
        Value y = n.Emit(op, [isBool ? n.Cast(x, DType.Int32) : x, axes], ("keepdims", n.Bool("keep_dims") ? 1 : 0), ("noop_with_empty_axes", 1));
        n.Set(isBool ? n.Cast(y, DType.Bool) : y);
    }

    [TensorFlow("ArgMax", "ArgMin")]
    private static void ArgExtreme(TfNode n)
    {
        long axis = n.HasInput(1) ? n.RequiredInts(1, "the axis")[0] : 0;
        Value x = n.In(0).DType == DType.Bool ? n.Cast(n.In(0), DType.Int32) : n.In(0);
        n.Set(n.Cast(n.Emit(n.Op, [x], ("axis", axis), ("keepdims", 0)), n.Type("output_type", DType.Int64)));
    }

    [TensorFlow("Cumsum", "Cumprod")]
    private static void Cumulative(TfNode n) =>
        n.Set(n.Emit(n.Op == "Cumsum" ? "CumSum" : "CumProd", [n.In(0), n.Reshape(n.In(1), [])], ("exclusive", n.Bool("exclusive") ? 1 : 0), ("reverse", n.Bool("reverse") ? 1 : 0)));

    [TensorFlow("TopKV2", "TopK")]
    private static void TopK(TfNode n)
    {
        Value k = n.HasInput(1) ? n.Reshape(n.Int64(1), 1) : n.Vector(n.Int("k"));
        Value[] y = n.EmitMany("TopK", 2, [n.In(0), k], ("axis", -1));
        n.Set(0, y[0]);
        n.Set(1, n.Cast(y[1], n.Type("index_type", DType.Int32)));
    }

    /// <summary>The n-th smallest of the last axis (largest with reverse).</summary>
    [TensorFlow("NthElement")]
    private static void NthElement(TfNode n)
    {
        long k = n.RequiredInts(1, "n")[0];
        Value sorted = n.EmitMany("TopK", 2, [n.In(0), n.Vector(k + 1)], ("axis", -1), ("largest", n.Bool("reverse") ? 1 : 0))[0];
        n.Set(n.Emit("Gather", [sorted, n.Scalar(DType.Int64, k)], ("axis", -1)));
    }

    [TensorFlow("Bincount", "DenseBincount")]
    private static void Bincount(TfNode n)
    {
        Value x = n.Reshape(n.Int64(0), -1), size = n.Reshape(n.Int64(1), 1), weights = n.In(2);
        DType type = weights.DType;
        Value ones = weights.Shape is { IsKnown: true, Count: 0 } ? n.Emit("Expand", [n.Scalar(type, 1), n.ShapeOf(x)]) : n.Reshape(weights, -1);
        // Numbers beyond the size are left out: they go to an additional last bin.
        Value inside = n.Emit("Min", [x, size]), bins = n.Emit("Expand", [n.Scalar(type, 0), n.Add(size, n.Vector(1))]);
        Value counts = n.Emit("ScatterND", [bins, n.Unsqueeze(inside, -1), ones], ("reduction", "add"));
        n.Set(n.Slice(counts, 0, 0, -1));
    }

    /// <summary>Counts of nbins equal parts of [low, high]; what lies outside counts in the first and last.</summary>
    [TensorFlow("HistogramFixedWidth")]
    private static void Histogram(TfNode n)
    {
        Value x = n.Reshape(n.In(0), -1), range = n.In(1);
        long bins = n.RequiredInts(2, "the number of bins")[0];
        Value low = n.Emit("Gather", [range, n.Scalar(DType.Int64, 0)]), high = n.Emit("Gather", [range, n.Scalar(DType.Int64, 1)]);
        Value at = n.Emit("Floor", [n.Div(n.Mul(n.Sub(x, low), n.Number(x, bins)), n.Sub(high, low))]);
        Value bin = n.Cast(n.Emit("Min", [n.Emit("Max", [at, n.Number(x, 0)]), n.Number(x, bins - 1)]), DType.Int64);
        DType type = n.Type("dtype", DType.Int32);
        n.Set(n.Emit("ScatterND", [n.Const(new Tensor(type, new Shape(bins))), n.Unsqueeze(bin, -1), n.Emit("Expand", [n.Scalar(type, 1), n.ShapeOf(x)])], ("reduction", "add")));
    }

    [TensorFlow("MatrixDeterminant")]
    private static void Determinant(TfNode n) => n.Set(n.Emit("Det", [n.In(0)]));

    /// <summary>Keeps num_lower diagonals below the main one and num_upper above; negative numbers keep all.</summary>
    [TensorFlow("MatrixBandPart")]
    private static void BandPart(TfNode n)
    {
        long lower = n.RequiredInts(1, "num_lower")[0], upper = n.RequiredInts(2, "num_upper")[0];
        Value y = n.In(0);
        if (upper >= 0) y = n.Emit("Trilu", [y, n.Scalar(DType.Int64, upper)], ("upper", 0));
        if (lower >= 0) y = n.Emit("Trilu", [y, n.Scalar(DType.Int64, -lower)], ("upper", 1));
        n.Set(y);
    }

    /// <summary>Versions 2 and 3 choose the diagonals (input 1, after the diagonal itself in MatrixSetDiag), and sizes and what is elsewhere.</summary>
    private static void RequireMain(TfNode n, int k)
    {
        if (n.HasInput(k) && n.RequiredInts(k, "k").Any(d => d != 0)) throw n.Error("diagonals other than the main one are not supported");
    }

    [TensorFlow("MatrixDiag", "Diag", "MatrixDiagV2", "MatrixDiagV3", Limits = "diagonals other than the main one, matrices that are not square")]
    private static void Diag(TfNode n)
    {
        RequireMain(n, 1);
        if (n.HasInput(2) && (n.RequiredInts(2, "num_rows")[0] != -1 || n.RequiredInts(3, "num_cols")[0] != -1 || n.RequiredNumber(4, "padding_value") != 0))
            throw n.Error("num_rows, num_cols and padding_value are not supported");
        Value x = n.In(0);
        if (n.Op == "Diag" && n.RankOf(x) != 1) throw n.Error("more than one dimension is not supported");
        n.Set(n.Where(Eye(n, Size(n, x, n.RankOf(x) - 1), null), n.Unsqueeze(x, -1), n.Number(x, 0)));
    }

    [TensorFlow("MatrixDiagPart", "DiagPart", "MatrixDiagPartV2", "MatrixDiagPartV3", Limits = "diagonals other than the main one")]
    private static void DiagPart(TfNode n)
    {
        RequireMain(n, 1);
        Value x = n.In(0);
        int rank = n.RankOf(x);
        if (rank == 2 && !x.Shape.IsKnown)
        {
            Value least = n.Emit("ReduceMin", [n.ShapeOf(x)], ("keepdims", 0));
            Value at = n.Unsqueeze(n.Emit("Range", [n.Scalar(DType.Int64, 0), least, n.Scalar(DType.Int64, 1)]), 1);
            n.Set(n.Emit("GatherND", [x, n.Concat(1, at, at)]));
            return;
        }
        long rows = Size(n, x, rank - 2), columns = Size(n, x, rank - 1), size = Math.Min(rows, columns);
        Value kept = n.Where(Eye(n, rows, columns), x, n.Number(x, 0));
        kept = n.Slice(kept, rank - 1, 0, size);
        n.Set(n.Slice(n.Reduce("ReduceSum", kept, false, rank - 2), rank - 2, 0, size));
    }

    [TensorFlow("MatrixSetDiag", "MatrixSetDiagV2", "MatrixSetDiagV3", Limits = "diagonals other than the main one")]
    private static void SetDiag(TfNode n)
    {
        RequireMain(n, 2);
        Value x = n.In(0), diagonal = n.In(1);
        int rank = n.RankOf(x);
        long rows = Size(n, x, rank - 2), columns = Size(n, x, rank - 1);
        // The diagonal, made as long as a row, is seen by each row at its own column.
        if (columns > rows) diagonal = n.Emit("Pad", [diagonal, n.Vector([.. new long[2 * (rank - 1) - 1], columns - rows])]);
        n.Set(n.Where(Eye(n, rows, columns), n.Unsqueeze(diagonal, -2), x));
    }

    private static long Size(TfNode n, Value x, int axis) => x.Shape[axis] >= 0 ? x.Shape[axis] : throw n.InputError("the size of the matrix must be known");

    private static Value Eye(TfNode n, long rows, long? columns)
    {
        var eye = new Tensor(DType.Bool, new Shape(rows, columns ?? rows));
        for (long i = 0; i < Math.Min(rows, columns ?? rows); i++) eye.SetInt64(i * (columns ?? rows) + i, 1);
        return n.Const(eye);
    }
}
