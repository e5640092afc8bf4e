using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.PyTorch.Operators;

/// <summary>
/// Quantized tensors and layers (torch.ao.quantization). Layers become the float ones between DequantizeLinear and QuantizeLinear, of which lowering makes
/// integer layers; layers that quantize their input as they run become MatMulInteger of DynamicQuantizeLinear. Recurrent layers of that kind have
/// their weights dequantized and compute in float32. Argument lists: aten/src/ATen/native/quantized/library.cpp.
/// </summary>
internal static class Quantized
{
    private static object? Apply(TorchCall c, string name, params object?[] arguments) => c.Interpreter.Apply(name, arguments, []);

    /// <summary>(input, scale, zero_point, dtype)</summary>
    [Torch("quantize_per_tensor", Limits = "qint32")]
    private static object? Quantize(TorchCall c) => Quantize(c, c.Tensor(0), c.Number(1, 1), c.Int(2, 0), c.Int(3, 13) switch { 12 => DType.Int8, 13 => DType.UInt8, var n => throw c.Error($"element type number {n} of PyTorch is not supported for quantized tensors") });

    [Torch("dequantize")] private static object? DequantizeFloat(TorchCall c) => c.Itself(c.Tensor(0));
    [Torch("dequantize", Form = TorchForm.Quantized)] private static object? Dequantize(TorchCall c) => TorchCall.Box(Float(c, 0));
    [Torch("int_repr", Form = TorchForm.Quantized)] private static object? Integers(TorchCall c) => ((TorchQuantized)c.Arg(0)!).Integers;
    [Torch("q_scale", Form = TorchForm.Quantized)] private static object? Scale(TorchCall c) => ((TorchQuantized)c.Arg(0)!).Scale.GetDouble(0);
    [Torch("q_zero_point", Form = TorchForm.Quantized)] private static object? ZeroPoint(TorchCall c) => ((TorchQuantized)c.Arg(0)!).ZeroPoint.GetInt64(0);
    [Torch("prim.is_quantized", "is_quantized", Form = TorchForm.Quantized)] private static object? IsQuantized(TorchCall c) => true;
    [Torch("prim.dtype", Form = TorchForm.Quantized)] private static object? Dtype(TorchCall c) => ((TorchQuantized)c.Arg(0)!).ZeroPoint.DType == DType.Int8 ? 12L : 13L;

    /// <summary>Functions whose result has a range of its own.</summary>
    [Torch("sigmoid", "hardsigmoid", Form = TorchForm.Quantized)]
    private static object? ToUnit(TorchCall c) => Quantize(c, ((TorchBox)Apply(c, c.Name.TrimEnd('_'), TorchCall.Box(Float(c, 0)))!).Value, 1 / 256.0, 0, DType.UInt8);

    [Torch("tanh", Form = TorchForm.Quantized)] private static object? ToSymmetric(TorchCall c) => Quantize(c, c.Emit("Tanh", [Float(c, 0)]), 2 / 256.0, 128, DType.UInt8);

    /// <summary>(input, weights, scale, zero_point)</summary>
    [Torch("quantized.conv1d", "quantized.conv2d", "quantized.conv3d")] private static object? Conv(TorchCall c) => Output(c, Convolved(c), 2);
    [Torch("quantized.conv1d_relu", "quantized.conv2d_relu", "quantized.conv3d_relu")] private static object? ConvRelu(TorchCall c) => Output(c, c.Emit("Relu", [Convolved(c)]), 2);
    [Torch("quantized.conv_transpose1d", "quantized.conv_transpose2d", "quantized.conv_transpose3d")] private static object? ConvTranspose(TorchCall c) => Output(c, Convolved(c), 2);
    [Torch("quantized.linear")] private static object? Linear(TorchCall c) => Output(c, Product(c), 2);
    [Torch("quantized.linear_relu")] private static object? LinearRelu(TorchCall c) => Output(c, c.Emit("Relu", [Product(c)]), 2);

    /// <summary>Of both operands one kind of arithmetic: (a, b, scale, zero_point), or (a, number) with what it gives exactly.</summary>
    [Torch("quantized.add", "quantized.mul", "quantized.add_relu", "quantized.mul_relu")]
    private static object? Arithmetic(TorchCall c)
    {
        Value y = c.Emit(c.Name.StartsWith("quantized.add", StringComparison.Ordinal) ? "Add" : "Mul", [Float(c, 0), Float(c, 1)]);
        return Output(c, c.Name.EndsWith("_relu", StringComparison.Ordinal) ? c.Emit("Relu", [y]) : y, 2);
    }

    /// <summary>(tensors, dim, scale, zero_point)</summary>
    [Torch("quantized.cat", "quantized.cat_relu")]
    private static object? Cat(TorchCall c)
    {
        Value y = c.Emit("Concat", [.. c.Items(0).Select(i => Float(c, i))], ("axis", c.Int(1)));
        return c.Arg(2) is null ? throw c.Error("a scale is expected") : Output(c, c.Name.EndsWith("_relu", StringComparison.Ordinal) ? c.Emit("Relu", [y]) : y, 2);
    }

    [Torch("quantized.relu6")] private static object? Relu6(TorchCall c) => Like(c, c.Emit("Clip", [Float(c, 0), c.Scalar(DType.Float32, 0), c.Scalar(DType.Float32, 6)]));
    [Torch("quantized.hardswish")] private static object? HardSwish(TorchCall c) => Output(c, c.Emit("HardSwish", [Float(c, 0)]), 1);
    [Torch("quantized.sigmoid")] private static object? Sigmoid(TorchCall c) => Output(c, c.Emit("Sigmoid", [Float(c, 0)]), 1);

    /// <summary>(input, dim, scale, zero_point)</summary>
    [Torch("quantized.softmax")] private static object? Softmax(TorchCall c) => Output(c, c.Emit("Softmax", [Float(c, 0)], ("axis", c.Int(1))), 2);

    /// <summary>(input, alpha, inplace, scale, zero_point)</summary>
    [Torch("quantized.leaky_relu")] private static object? LeakyRelu(TorchCall c) => Output(c, c.Emit("LeakyRelu", [Float(c, 0)], ("alpha", (float)c.Number(1, 0.01))), 3);

    /// <summary>(input, scale, zero_point, alpha)</summary>
    [Torch("quantized.elu")] private static object? Elu(TorchCall c) => Output(c, c.Emit("Elu", [Float(c, 0)], ("alpha", (float)c.Number(3, 1))), 1);

    /// <summary>(input, normalized_shape, weight, bias, eps, scale, zero_point)</summary>
    [Torch("quantized.layer_norm")]
    private static object? LayerNorm(TorchCall c) => Output(c, ((TorchBox)Apply(c, "layer_norm", TorchCall.Box(Float(c, 0)), c.Arg(1), c.Arg(2), c.Arg(3), c.Arg(4))!).Value, 5);

    /// <summary>(input, weight, bias, mean, variance, eps, scale, zero_point)</summary>
    [Torch("quantized.batch_norm2d", "quantized.batch_norm3d", "quantized.batch_norm2d_relu", "quantized.batch_norm3d_relu")]
    private static object? BatchNorm(TorchCall c)
    {
        Value y = ((TorchBox)Apply(c, "batch_norm", TorchCall.Box(Float(c, 0)), c.Arg(1), c.Arg(2), c.Arg(3), c.Arg(4), false, 0.1, c.Arg(5))!).Value;
        return Output(c, c.Name.EndsWith("_relu", StringComparison.Ordinal) ? c.Emit("Relu", [y]) : y, 6);
    }

    [Torch("quantized.linear_prepack", "quantized.linear_prepack_fp16", "quantized.embedding_bag_prepack", "quantized.conv1d_prepack", "quantized.conv2d_prepack", "quantized.conv3d_prepack",
        "quantized.conv_transpose1d_prepack", "quantized.conv_transpose2d_prepack", "quantized.conv_transpose3d_prepack")]
    private static object? Pack(TorchCall c) => new TorchObject(c.Name) { State = new TorchTuple(c.Arguments) };

    [Torch("quantized.linear_unpack", "quantized.linear_unpack_fp16", "quantized.conv2d_unpack")] private static object? Unpack(TorchCall c) => new TorchTuple(State(c, c.Arg(0))[..2]);
    [Torch("quantized.embedding_bag_unpack")] private static object? UnpackTable(TorchCall c) => State(c, c.Arg(0))[0];

    /// <summary>(input, weights, reduce_range): the input is quantized to the range that it has, the sums are scaled back.</summary>
    [Torch("quantized.linear_dynamic", "quantized.linear_relu_dynamic")]
    private static object? DynamicLinear(TorchCall c)
    {
        object?[] state = State(c, c.Arg(1));
        var w = state[0] as TorchQuantized ?? throw c.Error("its weights are not quantized");
        Value[] x = c.EmitMany("DynamicQuantizeLinear", 3, [c.Tensor(0)]);
        Value sum = c.Emit("MatMulInteger", [x[0], c.Transpose(c.Interpreter.Read(w.Integers), 1, 0), x[2], c.Builder.Constant(c.Interpreter.Named("zero_point"), w.ZeroPoint)]);
        Value y = c.Emit("Mul", [c.Cast(sum, DType.Float32), c.Emit("Mul", [x[1], c.Builder.Constant(c.Interpreter.Named("scale"), w.Scale)])]);
        if (state[1] is TorchBox bias) y = c.Emit("Add", [y, c.Interpreter.Read(bias)]);
        return TorchCall.Box(c.Name.Contains("relu", StringComparison.Ordinal) ? c.Emit("Relu", [y]) : y);
    }

    /// <summary>(input, weights): weights of float16, computed in float32.</summary>
    [Torch("quantized.linear_dynamic_fp16", "quantized.linear_relu_dynamic_fp16")]
    private static object? HalfLinear(TorchCall c)
    {
        object?[] state = State(c, c.Arg(1));
        Value y = Dense.Linear(c, c.Tensor(0), c.Cast(c.AsTensor(state[0], "the weight"), DType.Float32), state[1] is TorchBox b ? c.Cast(c.Interpreter.Read(b), DType.Float32) : null);
        return TorchCall.Box(c.Name.Contains("relu", StringComparison.Ordinal) ? c.Emit("Relu", [y]) : y);
    }

    /// <summary>(input, (h, c), cells, has_biases, num_layers, dropout, train, bidirectional, batch_first), or with (data, batch_sizes) in front; each cell has
    /// (kind, [b_ih, b_hh], .., [w_ih, w_hh]).</summary>
    [Torch("quantized_lstm", "quantized_gru", Notes = "weights dequantized, computed in float32")]
    private static object? Recurrent(TorchCall c)
    {
        c.Option("dtype");
        c.Option("use_dynamic");
        int at = c.Arg(0) is TorchPacked ? 3 : 2;
        var weights = new List<object?>();
        foreach (object? cell in c.Items(at))
        {
            object?[] state = State(c, cell);
            IReadOnlyList<object?> Part(int i) => i < state.Length && state[i] is TorchList l ? l.Items : throw c.Error("its cells have an unknown form");
            foreach (object? packed in Part(state.Length - 1))
            {
                object?[] own = State(c, packed);
                weights.Add(own[0] is TorchQuantized q ? TorchCall.Box(c.Builder.Constant(c.Interpreter.Named("weight"), Numbers(c, q))) : TorchCall.Box(c.Cast(c.AsTensor(own[0], "a weight"), DType.Float32)));
            }
            weights.AddRange(Part(1));
        }
        object?[] arguments = [.. c.Arguments];
        arguments[at] = new TorchList(weights);
        return Apply(c, c.Name["quantized_".Length..], arguments);
    }

    /// <summary>(table, indices)</summary>
    [Torch("quantized.embedding_byte")] private static object? Embedding(TorchCall c) => TorchCall.Box(Rows(c));

    /// <summary>(table, indices, offsets, scale_grad_by_freq, mode, pruned_weights, per_sample_weights, compressed_indices, include_last_offset)</summary>
    [Torch("quantized.embedding_bag_byte", Limits = "pruned weights")]
    private static object? EmbeddingBag(TorchCall c)
    {
        if (c.Bool(5, false) && c.Arg(7) is TorchBox) throw c.Error("pruned weights are not supported");
        return TorchCall.Box(Dense.Bags(c, Rows(c), 0, 6, c.Bool(8, false)));
    }

    /// <summary>The rows of a table of bytes, (q - zero point) * scale with a scale for each row.</summary>
    private static Value Rows(TorchCall c)
    {
        var table = State(c, c.Arg(0)) is [TorchQuantized q, ..] ? q : throw c.Error("its table has an unknown form");
        Value indices = Dense.Indices(c, 1);
        Value Of(Tensor perRow) => c.Unsqueeze(c.Emit("Gather", [c.Builder.Constant(c.Interpreter.Named("rows"), perRow), indices], ("axis", 0)), -1);
        Value bytes = c.Cast(c.Emit("Gather", [c.Interpreter.Read(table.Integers), indices], ("axis", 0)), DType.Float32);
        return c.Emit("Mul", [c.Emit("Sub", [bytes, c.Cast(Of(table.ZeroPoint), DType.Float32)]), c.Cast(Of(table.Scale), DType.Float32)]);
    }

    /// <summary>What was packed: (weight, bias, stride, padding, dilation, groups, ..) of an operator, or what PyTorch saved of it:
    /// ("2", [settings as int16, weight], [bias]) of convolutions, (version, [tensors], ..) of tables.</summary>
    private static object?[] State(TorchCall c, object? packed)
    {
        if (packed is not TorchObject { State: TorchTuple t }) throw c.Error("its packed parameters are not in the file");
        object?[] state = [.. t.Items.Select(c.Interpreter.Lift)];
        switch (state)
        {
            case ["2", TorchList { Items: [TorchBox { Value.Constant: { } settings }, var weight] }, TorchList bias]:
            {
                long[] s = [.. Enumerable.Range(0, (int)settings.Count).Select(i => settings.GetInt64(i))];
                int n = s.Length > 0 ? (int)s[0] : 0;
                if (n is < 1 or > 3 || s.Length != 4 * n + 3) throw c.Error("the settings of its packed parameters have an unknown form");
                TorchList Part(int i) => new(s[(1 + i * n)..(1 + (i + 1) * n)].Select(v => (object?)v));
                return s[^1] == 0 ? [weight, bias.Items.FirstOrDefault(), Part(0), Part(1), Part(2), s[^2]] : [weight, bias.Items.FirstOrDefault(), Part(0), Part(1), Part(3), Part(2), s[^2]];
            }
            case [long, TorchList { Items: [TorchQuantized, ..] } tensors, ..]: return [.. tensors.Items];
            default: return state;
        }
    }

    private static Value Convolved(TorchCall c)
    {
        object?[] state = State(c, c.Arg(1));
        (Value weight, Value? bias) = Weights(c, state);
        int n = c.Rank(weight) - 2;
        // A transposed one was packed as (weight, bias, stride, padding, output padding, dilation, groups).
        bool transposed = state.Length == 7;
        object?[] arguments = transposed ? [TorchCall.Box(Float(c, 0)), TorchCall.Box(weight), bias == null ? null : TorchCall.Box(bias), state[2], state[3], state[4], state[6], state[5]]
            : [TorchCall.Box(Float(c, 0)), TorchCall.Box(weight), bias == null ? null : TorchCall.Box(bias), .. state[2..6]];
        return ((TorchBox)Apply(c, transposed ? $"conv_transpose{n}d" : $"conv{n}d", arguments)!).Value;
    }

    private static Value Product(TorchCall c)
    {
        (Value weight, Value? bias) = Weights(c, State(c, c.Arg(1)));
        Value x = Float(c, 0);
        if (c.Rank(x) == 2) return c.Emit("Gemm", bias == null ? [x, weight] : [x, weight, bias], ("transB", 1));
        Value y = c.Emit("MatMul", [x, c.Transpose(weight, 1, 0)]);
        return bias == null ? y : c.Emit("Add", [y, bias]);
    }

    /// <summary>The weight as a float, and the bias in steps of the products, as the integer layer adds it.</summary>
    private static (Value Weight, Value? Bias) Weights(TorchCall c, object?[] state)
    {
        var x = c.Arg(0) as TorchQuantized ?? throw c.Error("its input is not quantized");
        var w = state[0] as TorchQuantized ?? throw c.Error("its weights are not quantized");
        if (state.ElementAtOrDefault(1) is not TorchBox { Value.Constant: { } bias }) return (Dequantized(c, w), null);
        var steps = new Tensor(DType.Int32, bias.Shape);
        var scale = new Tensor(DType.Float32, w.Scale.Count == 1 ? Shape.Scalar : new Shape(w.Scale.Count));
        for (long i = 0; i < scale.Count; i++) scale.SetDouble(i, x.Scale.GetDouble(0) * w.Scale.GetDouble(i));
        for (long i = 0; i < bias.Count; i++) steps.SetInt64(i, (long)Math.Round(Math.Clamp(bias.GetDouble(i) / scale.GetDouble(scale.Count == 1 ? 0 : i), int.MinValue, int.MaxValue)));
        Value b = c.Emit("DequantizeLinear", [c.Builder.Constant(c.Interpreter.Named("bias"), steps), c.Builder.Constant(c.Interpreter.Named("bias_scale"), scale)], ("axis", 0));
        return (Dequantized(c, w), b);
    }

    private static Value Float(TorchCall c, int i) => Float(c, c.Arg(i));
    private static Value Float(TorchCall c, object? value) => value is TorchQuantized q ? Dequantized(c, q) : c.AsTensor(value, "an operand");

    /// <summary>The numbers that a quantized tensor stands for. The node is not computed now, so that lowering finds it.</summary>
    internal static Value Dequantized(TorchCall c, TorchQuantized q) => c.Emit("DequantizeLinear", [c.Interpreter.Read(q.Integers), c.Builder.Constant(c.Interpreter.Named("scale"), q.Scale),
        c.Builder.Constant(c.Interpreter.Named("zero_point"), q.ZeroPoint)], ("axis", q.Axis));

    /// <summary>The same, computed now.</summary>
    private static Tensor Numbers(TorchCall c, TorchQuantized q)
    {
        Tensor integers = q.Integers.Value.Constant ?? throw c.Error("its weights are computed by the model, which is not supported"), numbers = new(DType.Float32, integers.Shape);
        long inner = q.Scale.Count == 1 ? integers.Count : integers.Shape.Product(q.Axis + 1, integers.Shape.Rank);
        for (long i = 0; i < numbers.Count; i++)
        {
            long at = inner > 0 ? i / inner % q.Scale.Count : 0;
            numbers.SetDouble(i, (integers.GetInt64(i) - q.ZeroPoint.GetInt64(at)) * q.Scale.GetDouble(at));
        }
        return numbers;
    }

    private static TorchQuantized Output(TorchCall c, Value y, int scale) => Quantize(c, y, c.Number(scale, 1), c.Int(scale + 1, 0), DType.UInt8);
    private static TorchQuantized Like(TorchCall c, Value y) => Like(c, y, (TorchQuantized)c.Arg(0)!);
    internal static TorchQuantized Like(TorchCall c, Value y, TorchQuantized q) => Quantize(c, y, q.Scale, q.ZeroPoint);

    private static TorchQuantized Quantize(TorchCall c, Value x, double scale, long zeroPoint, DType type)
    {
        var zero = new Tensor(type, Shape.Scalar);
        zero.SetInt64(0, zeroPoint);
        return Quantize(c, x, Tensor.FromScalar((float)scale), zero);
    }

    private static TorchQuantized Quantize(TorchCall c, Value x, Tensor scale, Tensor zeroPoint) => new(
        TorchCall.Box(c.Emit("QuantizeLinear", [x, c.Builder.Constant(c.Interpreter.Named("scale"), scale), c.Builder.Constant(c.Interpreter.Named("zero_point"), zeroPoint)])), scale, zeroPoint);
}
