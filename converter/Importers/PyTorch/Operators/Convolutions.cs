using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.PyTorch.Operators;

/// <summary>Convolutions, in PyTorch's layout, which is ONNX's: input [N,C,spatial..], weight [out,in/groups,kernel..]. The batch
/// dimension may be absent.</summary>
internal static class Convolutions
{
    [Torch("conv1d")] private static object? Conv1d(TorchCall c) => Conv(c, 1);
    [Torch("conv2d")] private static object? Conv2d(TorchCall c) => Conv(c, 2);
    [Torch("conv3d")] private static object? Conv3d(TorchCall c) => Conv(c, 3);
    [Torch("conv_transpose1d")] private static object? ConvTranspose1d(TorchCall c) => ConvTranspose(c, 1);
    [Torch("conv_transpose2d")] private static object? ConvTranspose2d(TorchCall c) => ConvTranspose(c, 2);
    [Torch("conv_transpose3d")] private static object? ConvTranspose3d(TorchCall c) => ConvTranspose(c, 3);

    /// <summary>(input, weight, bias, stride, padding, dilation, transposed, output_padding, groups, ...)</summary>
    [Torch("_convolution", "convolution")]
    private static object? Convolution(TorchCall c)
    {
        int n = c.Rank(c.Tensor(1)) - 2;
        long[] pads = c.Ints(4, n);
        return TorchCall.Box(c.Bool(6, false)
            ? EmitTransposed(c, n, c.Ints(3, n), pads, c.Ints(7, n), c.Int(8, 1), c.Ints(5, n))
            : Emit(c, c.Tensor(0), c.Tensor(1), c.Optional(2), n, c.Ints(3, n), [.. pads, .. pads], c.Ints(5, n), c.Int(8, 1)));
    }

    /// <summary>(input, weight, bias, stride, padding "same" or "valid", dilation, groups)</summary>
    [Torch("_convolution_mode")] private static object? ConvolutionMode(TorchCall c) => Conv(c, c.Rank(c.Tensor(1)) - 2);

    /// <summary>(input, weight, bias, stride, padding (numbers, "same" or "valid"), dilation, groups)</summary>
    private static object? Conv(TorchCall c, int n)
    {
        long[] strides = Ints(c, 3, n, 1), dilations = Ints(c, 5, n, 1), pads;
        if (c.Arg(4) is string mode)
        {
            pads = new long[2 * n];
            Shape w = c.Tensor(1).Shape;
            for (int d = 0; mode == "same" && d < n; d++)
            {
                long total = dilations[d] * (w[d + 2] - 1);
                pads[d] = total / 2;
                pads[d + n] = total - total / 2;
            }
        }
        else
        {
            long[] each = Ints(c, 4, n, 0);
            pads = [.. each, .. each];
        }
        return TorchCall.Box(Emit(c, c.Tensor(0), c.Tensor(1), c.Optional(2), n, strides, pads, dilations, c.Int(6, 1)));
    }

    internal static Value Emit(TorchCall c, Value x, Value weight, Value? bias, int n, long[] strides, long[] pads, long[] dilations, long groups)
    {
        Refine(c, x, n, weight.Shape.IsKnown ? weight.Shape[1] * groups : -1);
        bool unbatched = x.Shape.IsRanked && x.Shape.Rank == n + 1;
        if (unbatched) x = c.Unsqueeze(x, 0);
        Value y = c.Emit("Conv", bias == null ? [x, weight] : [x, weight, bias], ("strides", strides), ("pads", pads), ("dilations", dilations), ("group", groups));
        return unbatched ? c.Squeeze(y, 0) : y;
    }

    /// <summary>An input whose rank nobody told is taken to be a batch of what the layer wants.</summary>
    internal static void Refine(TorchCall c, Value x, int n, long channels)
    {
        if (x.Shape.IsRanked) return;
        var dims = new long[n + 2];
        for (int i = 0; i < dims.Length; i++) dims[i] = c.Builder.Parent == null ? c.Builder.Graph.SymbolDim($"{x.Name}_{i}") : Shape.Unknown;
        if (channels >= 0) dims[1] = channels;
        x.Type = new TensorType(x.DType, new Shape(dims));
    }

    /// <summary>(input, weight [in,out/groups,kernel..], bias, stride, padding, output_padding, groups, dilation)</summary>
    private static object? ConvTranspose(TorchCall c, int n) =>
        TorchCall.Box(EmitTransposed(c, n, Ints(c, 3, n, 1), Ints(c, 4, n, 0), Ints(c, 5, n, 0), c.Int(6, 1), Ints(c, 7, n, 1)));

    private static Value EmitTransposed(TorchCall c, int n, long[] strides, long[] pads, long[] outputPads, long groups, long[] dilations)
    {
        Value x = c.Tensor(0), w = c.Tensor(1);
        Value? bias = c.Optional(2);
        Refine(c, x, n, w.Shape.IsKnown ? w.Shape[0] : -1);
        bool unbatched = x.Shape.IsRanked && x.Shape.Rank == n + 1;
        if (unbatched) x = c.Unsqueeze(x, 0);
        Value y = c.Emit("ConvTranspose", bias == null ? [x, w] : [x, w, bias], ("strides", strides), ("pads", (long[])[.. pads, .. pads]),
            ("output_padding", outputPads), ("dilations", dilations), ("group", groups));
        return unbatched ? c.Squeeze(y, 0) : y;
    }

    private static long[] Ints(TorchCall c, int i, int n, long otherwise) =>
        c.Arg(i) is null || c.Items(i).Count == 0 ? [.. Enumerable.Repeat(otherwise, n)] : c.Ints(i, n);

    /// <summary>XNNPACK's packed layers of mobile files: (input, context); the context holds (weight, bias, stride, padding, dilation,
    /// groups, output_min, output_max), that of a transposed one output_padding after padding.</summary>
    [Torch("prepacked.conv2d_clamp_run")]
    private static object? PackedConv(TorchCall c)
    {
        (TorchCall packed, object?[] state) = Packed(c);
        long[] pads = packed.Ints(3, 2);
        Value y = Emit(packed, c.Tensor(0), packed.Tensor(0), packed.Optional(1), 2, packed.Ints(2, 2), [.. pads, .. pads], packed.Ints(4, 2), packed.Int(5));
        return TorchCall.Box(Clamp(c, y, state[6], state[7]));
    }

    [Torch("prepacked.conv2d_transpose_clamp_run")]
    private static object? PackedConvTranspose(TorchCall c)
    {
        (TorchCall packed, object?[] state) = Packed(c);
        var call = new TorchCall(c.Interpreter, c.Name, [c.Arg(0), state[0], state[1], state[2], state[3], state[4], state[6], state[5]], []);
        Value y = EmitTransposed(call, 2, packed.Ints(2, 2), packed.Ints(3, 2), packed.Ints(4, 2), packed.Int(6), packed.Ints(5, 2));
        return TorchCall.Box(Clamp(c, y, state[7], state[8]));
    }

    /// <summary>The context of a linear layer holds (weight [out,in], bias, output_min, output_max).</summary>
    [Torch("prepacked.linear_clamp_run")]
    private static object? PackedLinear(TorchCall c)
    {
        (TorchCall packed, object?[] state) = Packed(c);
        return TorchCall.Box(Clamp(c, Dense.Linear(c, c.Tensor(0), packed.Tensor(0), packed.Optional(1)), state[2], state[3]));
    }

    [Torch("prim.ConstantMKLDNNTensor", Limits = "all: the file has no weights")]
    private static object? LostWeights(TorchCall c) =>
        throw c.Error("torch.jit.optimize_for_inference has packed the weights of this layer, and torch.jit.save leaves such weights out of the file; save the module before it is optimized");

    private static (TorchCall Packed, object?[] State) Packed(TorchCall c)
    {
        if (c.Arg(1) is not TorchObject { State: TorchTuple t }) throw c.Error("its packed parameters are not in the file");
        object?[] state = [.. t.Items.Select(i => i is TorchTensor x ? c.Interpreter.Box(x) : i)];
        return (new TorchCall(c.Interpreter, c.Name, state, []), state);
    }

    private static Value Clamp(TorchCall c, Value y, object? low, object? high)
    {
        if (low is null && high is null) return y;
        double min = low is null ? double.NegativeInfinity : Number(low), max = high is null ? double.PositiveInfinity : Number(high);
        if (double.IsNegativeInfinity(min) && double.IsPositiveInfinity(max)) return y;
        if (min == 0 && double.IsPositiveInfinity(max)) return c.Emit("Relu", [y]);
        return c.Emit("Clip", [y, double.IsNegativeInfinity(min) ? null : c.Scalar(y.DType, min), double.IsPositiveInfinity(max) ? null : c.Scalar(y.DType, max)]);
    }

    private static double Number(object value) => value is long n ? n : (double)value;
}
