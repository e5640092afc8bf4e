using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.PyTorch.Operators;

/// <summary>Normalization layers and softmax.</summary>
internal static class Normalization
{
    /// <summary>(input, weight, bias, running_mean, running_var, training, momentum, eps, cudnn_enabled)</summary>
    [Torch("batch_norm")]
    private static object? BatchNorm(TorchCall c)
    {
        if (c.IsNone(3)) return OwnStatistics(c);
        if (c.Bool(5, false)) throw c.Error("the module is in training mode; call eval() before it is traced or scripted");
        Value x = c.Tensor(0), mean = c.Tensor(3), variance = c.Tensor(4);
        long channels = mean.Shape.Count;
        return TorchCall.Box(c.Emit("BatchNormalization", [x, c.Optional(1) ?? Filled(c, channels, 1), c.Optional(2) ?? Filled(c, channels, 0), mean, variance], ("epsilon", (float)c.Number(7, 1e-5))));
    }

    /// <summary>A layer that keeps no statistics (track_running_stats=False) takes those of its input.</summary>
    private static TorchBox OwnStatistics(TorchCall c)
    {
        Value x = c.Tensor(0), axes = c.IntTensor([.. Enumerable.Range(0, c.Rank(x)).Where(d => d != 1).Select(d => (long)d)]);
        Value d = c.Emit("Sub", [x, c.Emit("ReduceMean", [x, axes], ("keepdims", 1))]), variance = c.Emit("ReduceMean", [c.Emit("Mul", [d, d]), axes], ("keepdims", 1));
        Value y = c.Emit("Div", [d, c.Emit("Sqrt", [c.Emit("Add", [variance, c.Scalar(x.DType, c.Number(7, 1e-5))])])]);
        Value Channels(Value v) => c.Reshape(v, [-1, .. Enumerable.Repeat(1L, c.Rank(x) - 2)]);
        if (c.Optional(1) is { } weight) y = c.Emit("Mul", [y, Channels(weight)]);
        return TorchCall.Box(c.Optional(2) is { } bias ? c.Emit("Add", [y, Channels(bias)]) : y);
    }

    /// <summary>(input, normalized_shape, weight, bias, eps)</summary>
    [Torch("layer_norm")]
    private static object? LayerNorm(TorchCall c)
    {
        long[] shape = c.Ints(1);
        Value weight = c.Optional(2) ?? Ones(c, shape, c.Tensor(0).DType);
        Value[] inputs = c.Optional(3) is { } bias ? [c.Tensor(0), weight, bias] : [c.Tensor(0), weight];
        return TorchCall.Box(c.Emit("LayerNormalization", inputs, ("axis", -shape.Length), ("epsilon", (float)c.Number(4, 1e-5))));
    }

    /// <summary>(input, normalized_shape, weight, eps)</summary>
    [Torch("rms_norm")]
    private static object? RmsNorm(TorchCall c)
    {
        long[] shape = c.Ints(1);
        return TorchCall.Box(c.Emit("RMSNormalization", [c.Tensor(0), c.Optional(2) ?? Ones(c, shape, c.Tensor(0).DType)], ("axis", -shape.Length), ("epsilon", (float)c.Number(3, 1.1920929e-7))));
    }

    /// <summary>(input, groups, weight, bias, eps)</summary>
    [Torch("group_norm")]
    private static object? GroupNorm(TorchCall c)
    {
        Value x = c.Tensor(0);
        long channels = c.Optional(2)?.Shape.Count ?? (x.Shape.IsRanked ? x.Shape[1] : -1);
        if (channels < 0) throw c.Error("the number of channels must be known");
        return TorchCall.Box(c.Emit("GroupNormalization", [x, c.Optional(2) ?? Filled(c, channels, 1), c.Optional(3) ?? Filled(c, channels, 0)],
            ("num_groups", c.Int(1)), ("epsilon", (float)c.Number(4, 1e-5))));
    }

    /// <summary>(input, weight, bias, running_mean, running_var, use_input_stats, momentum, eps, cudnn_enabled)</summary>
    [Torch("instance_norm")]
    private static object? InstanceNorm(TorchCall c)
    {
        Value x = c.Tensor(0);
        long channels = c.Optional(1)?.Shape.Count ?? (x.Shape.IsRanked ? x.Shape[1] : -1);
        if (channels < 0) throw c.Error("the number of channels must be known");
        Value weight = c.Optional(1) ?? Filled(c, channels, 1), bias = c.Optional(2) ?? Filled(c, channels, 0);
        if (!c.Bool(5, true)) return TorchCall.Box(c.Emit("BatchNormalization", [x, weight, bias, c.Tensor(3), c.Tensor(4)], ("epsilon", (float)c.Number(7, 1e-5))));
        return TorchCall.Box(c.Emit("InstanceNormalization", [x, weight, bias], ("epsilon", (float)c.Number(7, 1e-5))));
    }

    /// <summary>(input, dim, dtype)</summary>
    [Torch("softmax", "_softmax")] private static object? Softmax(TorchCall c) => TorchCall.Box(c.Emit("Softmax", [Typed(c)], ("axis", c.Int(1))));
    [Torch("log_softmax", "_log_softmax")] private static object? LogSoftmax(TorchCall c) => TorchCall.Box(c.Emit("LogSoftmax", [Typed(c)], ("axis", c.Int(1))));

    private static Value Typed(TorchCall c) => c.Cast(c.Tensor(0), c.Arg(2, "dtype") is long n ? TorchArchive.ScalarType(n) : c.Tensor(0).DType is var own && own.IsFloat() ? own : DType.Float32);

    /// <summary>(input, size, alpha, beta, k); PyTorch's functional form is built of averages, this one is native.</summary>
    [Torch("local_response_norm")]
    private static object? Lrn(TorchCall c) => TorchCall.Box(c.Emit("LRN", [c.Tensor(0)], ("size", c.Int(1)), ("alpha", (float)c.Number(2, 1e-4)), ("beta", (float)c.Number(3, 0.75)), ("bias", (float)c.Number(4, 1))));

    private static Value Ones(TorchCall c, long[] shape, DType type)
    {
        var tensor = new Tensor(type, new Shape(shape));
        for (long i = 0; i < tensor.Count; i++) tensor.SetDouble(i, 1);
        return c.Builder.Constant(c.Interpreter.Named("weight"), tensor);
    }

    private static Value Filled(TorchCall c, long count, float value)
    {
        var tensor = new Tensor(DType.Float32, new Shape(count));
        tensor.Span<float>().Fill(value);
        return c.Builder.Constant(c.Interpreter.Named("fill"), tensor);
    }
}
