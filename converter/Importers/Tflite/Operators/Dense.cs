using EdgeLite.Converter.Ir;
using EdgeLite.Core;
using EdgeLite.Format;
using EdgeLite.Ops.EdgeLite;

namespace EdgeLite.Converter.Importers.Tflite.Operators;

/// <summary>Dense layers, matrix products, embeddings.</summary>
internal static class Dense
{
    /// <summary>Weights are [out, in]. The input counts as [-1, in] whatever its shape; with keep_num_dims the leading dimensions stay.</summary>
    [Tflite(TfliteOp.FULLY_CONNECTED, Limits = "shuffled weights, 16-bit activations over weights with a zero point")]
    private static void FullyConnected(TfliteNode n)
    {
        FlatTable o = n.Options;
        if (o.Int8(TfliteOption.FullyConnected.WeightsFormat) != 0) throw n.Error("shuffled weights are not supported");
        TfliteTensor x = n.Input(0), w = n.Input(1);
        if (w.Rank != 2) throw n.Damaged($"weights have {w.Rank} dimensions, expected 2");
        long outputs = w.Dims![0], inputs = w.Dims[1];
        int activation = o.Int8(TfliteOption.FullyConnected.Activation);
        bool keep = o.Bool(TfliteOption.FullyConnected.KeepNumDims);
        bool isPlain = x.Rank == 2 && x.Dims![1] == inputs;
        long[]? outputDims = keep && x.Rank != 2 ? [.. x.Dims![..^1], outputs] : null;
        bool isQuantized = x.IsQuantizedActivation && n.Output(0).IsQuantizedActivation;
        if (outputDims != null && outputDims.Count(d => d < 0) > 1)
        {
            Value product = n.Emit("MatMul", [n.Real(0), n.Transpose(n.Real(1), 1, 0)]);
            if (n.HasInput(2)) product = n.Emit("Add", [product, n.Scope.RealBias(n.InputIndex(2))]);
            n.SetReal(0, n.Activate(product, activation));
            return;
        }
        if (x.DType == DType.Int16 && isQuantized && n.Constant(1) is { DType: DType.Int8 })
        {
            FullyConnected16(n, isPlain ? n.Raw(0) : n.Reshape(n.Raw(0), -1, inputs), activation, outputDims);
            return;
        }
        // Reshaped as integers, so that DequantizeLinear, Gemm, QuantizeLinear stay neighbours.
        Value real = n.Real(0);
        if (!isPlain)
            real = isQuantized ? n.Scope.RealReshaped(n.Reshape(n.Raw(0), -1, inputs), x) : n.Reshape(real, -1, inputs);
        Value? bias = n.HasInput(2) ? n.Scope.RealBias(n.InputIndex(2)) : null;
        Value y = n.Activate(n.Emit("Gemm", bias == null ? [real, n.Real(1)] : [real, n.Real(1), bias], ("transB", 1)), activation);
        if (outputDims == null) n.SetReal(0, y);
        else n.SetRaw(0, n.Reshape(n.Output(0).IsQuantizedActivation ? n.Scope.Quantize(y, n.Output(0), false) : y, outputDims));
    }

    private static void FullyConnected16(TfliteNode n, Value x, int activation, long[]? outputDims)
    {
        TfliteQuantization? qx = n.Input(0).Quantization, qw = n.Input(1).Quantization, qy = n.Output(0).Quantization;
        if (qx == null || qw == null || qy == null) throw n.Damaged("a quantized tensor has no scale");
        Tensor weights = n.Constant(1)!;
        int outputs = (int)weights.Shape[0];
        (float low, float high) = n.ActivationRange(activation);
        (int min, int max) = FixedPoint.Range(DType.Int16, qy.Scale, qy.ZeroPoint, low, high);
        Value bias = n.HasInput(2) ? n.Raw(2) : n.Constant("bias", new Tensor(DType.Int64, new Shape(outputs)));
        Value y = n.EmitOwn("QGemm", [x, n.Constant("packed", PanelPacking.PackGemm(weights, true)), bias, .. Scaling(n, qx, qw, qy, outputs, weights)],
            ("out_features", outputs), ("x_zero_point", qx.ZeroPoint), ("y_zero_point", qy.ZeroPoint), ("y_min", min), ("y_max", max));
        n.SetRaw(0, outputDims == null ? y : n.Reshape(y, outputDims));
    }

    /// <summary>WSum, Multiplier and Shift of an integer layer; weights have the output channel first.</summary>
    internal static Value[] Scaling(TfliteNode n, TfliteQuantization x, TfliteQuantization w, TfliteQuantization y, int outputs, Tensor weights)
    {
        if (w.IsPerAxis && w.Scales.Length != outputs) throw n.Damaged($"{w.Scales.Length} weight scales for {outputs} outputs");
        foreach (long zero in w.ZeroPoints)
            if (zero != 0) throw n.Error("int8 weights with a zero point under int16 activations are not supported");
        int[] sums = new int[outputs], multipliers = new int[outputs], shifts = new int[outputs];
        long each = weights.Count / outputs;
        for (int o = 0; o < outputs; o++)
        {
            for (long i = 0; i < each; i++) sums[o] += (int)weights.GetInt64(o * each + i);
            FixedMultiplier m = FixedPoint.QuantizeProduct(x.Scale, w.Scales[w.IsPerAxis ? o : 0], y.Scale);
            (multipliers[o], shifts[o]) = (m.Value, m.Shift);
        }
        var shape = new Shape(outputs);
        return [n.Constant("weight_sums", Tensor.FromArray<int>(sums, shape)), n.Constant("multipliers", Tensor.FromArray<int>(multipliers, shape)),
            n.Constant("shifts", Tensor.FromArray<int>(shifts, shape))];
    }

    [Tflite(TfliteOp.BATCH_MATMUL)]
    private static void BatchMatMul(TfliteNode n)
    {
        bool turnsX = n.Options.Bool(TfliteOption.BatchMatMul.AdjX), turnsY = n.Options.Bool(TfliteOption.BatchMatMul.AdjY);
        if (SixteenBitIntegers.MatMul(n, Operand) is { } product) n.SetRaw(0, product);
        else n.SetReal(0, n.Emit("MatMul", [Operand(0, n.Real(0)), Operand(1, n.Real(1))]));

        Value Operand(int i, Value x)
        {
            if (!(i == 0 ? turnsX : turnsY)) return x;
            int rank = n.Input(i).Rank;
            if (rank < 2) throw n.Damaged($"operand {i} has {rank} dimensions");
            return n.Transpose(x, [.. Enumerable.Range(0, rank - 2).Select(d => (long)d), rank - 1, rank - 2]);
        }
    }

    [Tflite(TfliteOp.EMBEDDING_LOOKUP)]
    private static void EmbeddingLookup(TfliteNode n) => n.SetReal(0, n.Emit("Gather", [n.Real(1), n.Raw(0)], ("axis", 0)));

    /// <summary>Rows of a table by sparse ids, weighted and combined in each place of dense_shape but for its last dimension: their sum, the sum
    /// over the weights' sum, or over the root of the weights' squares (kernels/embedding_lookup_sparse.cc). A place without ids is 0.</summary>
    [Tflite(TfliteOp.EMBEDDING_LOOKUP_SPARSE, Limits = "ids of one dimension")]
    private static void EmbeddingLookupSparse(TfliteNode n)
    {
        int combiner = n.Options.Int8(TfliteOption.EmbeddingLookupSparse.Combiner), rank = n.Input(4).Rank;
        if (n.Input(1).Rank != 2 || n.Input(1).Dims![1] < 1 || rank < 1) throw n.Error("indices [n, rank] and a table of at least one dimension are expected");
        long places = n.Input(1).Dims![1] - 1;
        if (places < 1) throw n.Error("ids of one dimension, which combine to a single row, are not supported");
        long[] rest = [.. Enumerable.Range(1, rank - 1).Select(d => (long)d)];
        Value weights = n.Real(3), index = n.Emit("Slice", [n.Int64(1), n.Ints(0), n.Ints(places), n.Ints(1)]), outer = n.Emit("Slice", [n.Int64(2), n.Ints(0), n.Ints(places), n.Ints(0)]);
        Value rows = n.Emit("Gather", [n.Real(4), n.Raw(0)], ("axis", 0));
        Value total = Sum(n.Emit("Mul", [rows, Row(weights)]), n.Emit("Concat", [outer, n.Emit("Shape", [n.Real(4)], ("start", 1))], ("axis", 0)));
        if (combiner is < 0 or > 2) throw n.Error($"the combiner {combiner} is not known");
        if (combiner > 0)
        {
            Value mass = Sum(combiner == 1 ? weights : n.Emit("Mul", [weights, weights]), outer);
            if (combiner == 2) mass = n.Emit("Sqrt", [mass]);
            mass = n.Emit("Where", [n.Emit("Equal", [mass, n.Scalar(0)]), n.Scalar(1), mass]);
            total = n.Emit("Div", [total, rest.Length == 0 ? mass : n.Emit("Unsqueeze", [mass, n.Ints([.. rest.Select(d => d - 1 + places)])])]);
        }
        n.SetReal(0, total);

        Value Row(Value x) => rest.Length == 0 ? x : n.Emit("Unsqueeze", [x, n.Ints(rest)]);
        Value Sum(Value x, Value shape) => n.Emit("ScatterND", [n.Emit("Expand", [n.Scalar(0), shape]), index, x], ("reduction", "add"));
    }
}
