using System.Buffers.Binary;
using EdgeLite.Converter.Ir;
using EdgeLite.Core;
using EdgeLite.Format;
using EdgeLite.Ops.EdgeLite;

namespace EdgeLite.Converter.Importers.Tflite.Operators;

/// <summary>Convolutions. TFLite's are channels-last with weights [out, h, w, in]; ONNX's are channels-first.</summary>
internal static class Convolutions
{
    private const int Same = 0;

    [Tflite(TfliteOp.CONV_2D)]
    private static void Conv2D(TfliteNode n)
    {
        FlatTable o = n.Options;
        TfliteTensor x = n.Input(0), w = n.Input(1);
        Check(n, x, w, 4);
        if (w.Dims![3] <= 0 || x.Dims![3] > 0 && x.Dims[3] % w.Dims[3] != 0) throw n.Damaged($"weights for {w.Dims[3]} channels do not fit an input of {x.Dims![3]}");
        long[] strides = [o.Int32(TfliteOption.Conv2D.StrideH), o.Int32(TfliteOption.Conv2D.StrideW)];
        long[] dilations = [o.Int32(TfliteOption.Conv2D.DilationH, 1), o.Int32(TfliteOption.Conv2D.DilationW, 1)];
        long group = x.Dims[3] > 0 ? x.Dims[3] / w.Dims[3] : 1;
        Convolve(n, [w.Dims[1], w.Dims[2]], strides, dilations, o.Int8(TfliteOption.Conv2D.Padding), o.Int8(TfliteOption.Conv2D.Activation),
            group, [0, 3, 1, 2], w.Dims[0]);
    }

    [Tflite(TfliteOp.DEPTHWISE_CONV_2D)]
    private static void DepthwiseConv2D(TfliteNode n)
    {
        FlatTable o = n.Options;
        TfliteTensor x = n.Input(0), w = n.Input(1);
        Check(n, x, w, 4);
        long channels = x.Dims![3] > 0 ? x.Dims[3] : w.Dims![3] / Math.Max(1, o.Int32(TfliteOption.Depthwise.Multiplier));
        if (channels <= 0 || w.Dims![3] % channels != 0) throw n.Damaged($"{w.Dims![3]} output channels are no multiple of {channels} input channels");
        long[] strides = [o.Int32(TfliteOption.Depthwise.StrideH), o.Int32(TfliteOption.Depthwise.StrideW)];
        long[] dilations = [o.Int32(TfliteOption.Depthwise.DilationH, 1), o.Int32(TfliteOption.Depthwise.DilationW, 1)];
        Convolve(n, [w.Dims[1], w.Dims[2]], strides, dilations, o.Int8(TfliteOption.Depthwise.Padding), o.Int8(TfliteOption.Depthwise.Activation),
            channels, [3, 0, 1, 2], w.Dims[3]);
    }

    [Tflite(TfliteOp.CONV_3D)]
    private static void Conv3D(TfliteNode n)
    {
        FlatTable o = n.Options;
        TfliteTensor x = n.Input(0), w = n.Input(1);
        Check(n, x, w, 5);
        long[] strides = [o.Int32(TfliteOption.Conv3D.StrideD), o.Int32(TfliteOption.Conv3D.StrideH), o.Int32(TfliteOption.Conv3D.StrideW)];
        long[] dilations = [o.Int32(TfliteOption.Conv3D.DilationD, 1), o.Int32(TfliteOption.Conv3D.DilationH, 1), o.Int32(TfliteOption.Conv3D.DilationW, 1)];
        Convolve(n, w.Dims![..3], strides, dilations, o.Int8(TfliteOption.Conv3D.Padding), o.Int8(TfliteOption.Conv3D.Activation), 1, [4, 3, 0, 1, 2], w.Dims[4]);
    }

    /// <summary>Weights go to ONNX's [out, in, spatial] by <paramref name="permutation"/>.</summary>
    private static void Convolve(TfliteNode n, long[] kernel, long[] strides, long[] dilations, int padding, int activation, long group,
        long[] permutation, long outChannels)
    {
        if (strides.Min() < 1 || dilations.Min() < 1 || kernel.Min() < 1) throw n.Damaged("a kernel, stride or dilation is not positive");
        TfliteTensor x = n.Input(0);
        (long[]? pads, string auto) = Pads(n, x.Dims!, kernel, strides, dilations, padding);
        if (x.DType == DType.Int16 && x.IsQuantized && pads != null && kernel.Length == 2 && n.Constant(1) is { DType: DType.Int8 })
        {
            Convolve16(n, kernel, strides, dilations, pads, activation, group, permutation, (int)outChannels);
            return;
        }
        Value weights = Weights(n, 1, permutation);
        Value? bias = n.HasInput(2) ? n.Scope.RealBias(n.InputIndex(2)) : null;
        Value y = n.Emit("Conv", bias == null ? [n.RealChannelsFirst(0), weights] : [n.RealChannelsFirst(0), weights, bias],
            ("kernel_shape", kernel), ("strides", strides), ("dilations", dilations), ("group", group),
            pads != null ? ("pads", pads) : ("auto_pad", auto));
        n.SetRealChannelsFirst(0, n.Activate(y, activation));
    }

    /// <summary>int16 activations, int8 weights: an integer operator with the arithmetic of TFLite (64-bit accumulators unless the
    /// bias is int32).</summary>
    private static void Convolve16(TfliteNode n, long[] kernel, long[] strides, long[] dilations, long[] pads, int activation, long group,
        long[] permutation, int outChannels)
    {
        TfliteTensor x = n.Input(0), w = n.Input(1), y = n.Output(0);
        if (x.Quantization == null || w.Quantization == null || y.Quantization == null) throw n.Damaged("a quantized tensor has no scale");
        Tensor weights = TfliteTranspose.Apply(n.Constant(1)!, permutation);
        bool depthwise = group == outChannels && x.Dims![3] == group && group > 1;
        Tensor packed = depthwise ? PanelPacking.PackDepthwise(weights) : PanelPacking.PackConv(weights, (int)group);
        Value[] scaling = Dense.Scaling(n, x.Quantization, w.Quantization, y.Quantization, outChannels, weights);
        (float low, float high) = n.ActivationRange(activation);
        (int min, int max) = FixedPoint.Range(DType.Int16, y.Quantization.Scale, y.Quantization.ZeroPoint, low, high);
        Value bias = n.HasInput(2) ? n.Raw(2) : n.Constant("bias", new Tensor(DType.Int64, new Shape(outChannels)));
        n.SetRaw(0, n.EmitOwn(depthwise ? "QDepthwiseConv" : "QConv", [n.Raw(0), n.Constant("packed", packed), bias, .. scaling],
            ("kernel_shape", kernel), ("strides", strides), ("pads", pads), ("dilations", dilations), ("group", group), ("out_channels", outChannels),
            ("x_zero_point", x.Quantization.ZeroPoint), ("y_zero_point", y.Quantization.ZeroPoint), ("y_min", min), ("y_max", max)));
    }

    [Tflite(TfliteOp.TRANSPOSE_CONV)]
    private static void TransposeConv(TfliteNode n)
    {
        FlatTable o = n.Options;
        Check(n, n.Input(2), n.Input(1), 4);
        long[] strides = [o.Int32(TfliteOption.TransposeConv.StrideH), o.Int32(TfliteOption.TransposeConv.StrideW)];
        Deconvolve(n, 2, 1, 3, n.RequiredInts(0, "the output shape"), strides, [1, 1], o.Int8(TfliteOption.TransposeConv.Padding),
            o.Int8(TfliteOption.TransposeConv.Activation), [3, 0, 1, 2], n.Input(1).Dims![1..3]);
    }

    [Tflite(TfliteOp.CONV_3D_TRANSPOSE)]
    private static void Conv3DTranspose(TfliteNode n)
    {
        FlatTable o = n.Options;
        Check(n, n.Input(2), n.Input(1), 5);
        long[] strides = [o.Int32(TfliteOption.Conv3D.StrideD), o.Int32(TfliteOption.Conv3D.StrideH), o.Int32(TfliteOption.Conv3D.StrideW)];
        long[] dilations = [o.Int32(TfliteOption.Conv3D.DilationD, 1), o.Int32(TfliteOption.Conv3D.DilationH, 1), o.Int32(TfliteOption.Conv3D.DilationW, 1)];
        Deconvolve(n, 2, 1, 3, n.RequiredInts(0, "the output shape"), strides, dilations, o.Int8(TfliteOption.Conv3D.Padding),
            o.Int8(TfliteOption.Conv3D.Activation), [4, 3, 0, 1, 2], n.Input(1).Dims![..3]);
    }

    /// <summary>MediaPipe's transposed convolution with bias (mediapipe/util/tflite/operations/transpose_conv_bias.cc): options are
    /// three int32, padding (1 same, 2 valid), stride_w, stride_h.</summary>
    [TfliteCustom("Convolution2DTransposeBias", Limits = "free sizes")]
    private static void TransposeConvBias(TfliteNode n)
    {
        ReadOnlySpan<byte> options = n.Scope.Model.CustomOptions(n.Operator);
        if (options.Length < 12) throw n.Damaged($"its options have {options.Length} bytes, expected 12");
        int padding = BinaryPrimitives.ReadInt32LittleEndian(options), strideW = BinaryPrimitives.ReadInt32LittleEndian(options[4..]);
        int strideH = BinaryPrimitives.ReadInt32LittleEndian(options[8..]);
        if (padding is not (1 or 2) || strideH < 1 || strideW < 1) throw n.Damaged($"padding {padding} or strides {strideH}, {strideW} are not valid");
        TfliteTensor x = n.Input(0), w = n.Input(1);
        Check(n, x, w, 4);
        long Size(int axis, int stride) => x.Dims![axis] < 0 ? throw n.Error("the input size must be known")
            : padding == 1 ? x.Dims[axis] * stride : (x.Dims[axis] - 1) * stride + w.Dims![axis];
        Deconvolve(n, 0, 1, 2, [-1, Size(1, strideH), Size(2, strideW), w.Dims![0]], [strideH, strideW], [1, 1], padding - 1, 0, [3, 0, 1, 2], w.Dims[1..3]);
    }

    /// <summary>The padding is that of the convolution which this one is the gradient of: from output size to input size.</summary>
    private static void Deconvolve(TfliteNode n, int input, int weights, int bias, long[] outputShape, long[] strides, long[] dilations,
        int padding, int activation, long[] permutation, long[] kernel)
    {
        TfliteTensor x = n.Input(input);
        int spatial = kernel.Length;
        if (outputShape.Length != spatial + 2) throw n.Damaged($"the output shape has {outputShape.Length} entries");
        if (strides.Min() < 1 || dilations.Min() < 1) throw n.Damaged("a stride or dilation is not positive");
        var pads = new long[2 * spatial];
        var extra = new long[spatial];
        for (int i = 0; i < spatial; i++)
        {
            long size = x.Dims![i + 1], output = outputShape[i + 1], reach = (kernel[i] - 1) * dilations[i] + 1;
            if (size < 0) throw n.Error("the input size must be known");
            long inner = padding == Same ? (output + strides[i] - 1) / strides[i] : (output + strides[i] - reach) / strides[i];
            long before = Math.Max((inner - 1) * strides[i] + reach - output, 0) / 2;
            long after = (size - 1) * strides[i] + reach - before - output;
            pads[i] = before;
            pads[i + spatial] = Math.Max(after, 0);
            extra[i] = Math.Max(-after, 0);
        }
        Value w = Weights(n, weights, permutation);
        Value? b = n.HasInput(bias) ? n.Scope.RealBias(n.InputIndex(bias)) : null;
        Value y = n.Emit("ConvTranspose", b == null ? [n.RealChannelsFirst(input), w] : [n.RealChannelsFirst(input), w, b],
            ("kernel_shape", kernel), ("strides", strides), ("dilations", dilations), ("pads", pads), ("output_padding", extra));
        n.SetRealChannelsFirst(0, n.Activate(y, activation));
    }

    /// <summary>Weights rearranged: constants here, others by a Transpose.</summary>
    private static Value Weights(TfliteNode n, int input, long[] permutation)
    {
        TfliteTensor w = n.Input(input);
        if (n.Constant(input) is not { } constant) return n.Transpose(n.Real(input), permutation);
        int axis = Array.IndexOf(permutation, w.Quantization?.Axis ?? 0);
        return n.Scope.RealOf(TfliteTranspose.Apply(constant, permutation), w, axis, w.Name);
    }

    /// <summary>[begins.., ends..] where sizes are known; for SAME the odd one goes to the end.</summary>
    internal static (long[]? Pads, string AutoPad) Pads(TfliteNode n, long[] dims, long[] kernel, long[] strides, long[] dilations, int padding)
    {
        if (padding is not (0 or 1)) throw n.Damaged($"padding {padding} is not known");
        if (padding != Same) return (new long[2 * kernel.Length], "VALID");
        long[]? pads = SamePadding.Pads(dims.AsSpan(1), kernel, strides, dilations);
        return (pads, pads == null ? "SAME_UPPER" : "");
    }

    private static void Check(TfliteNode n, TfliteTensor x, TfliteTensor w, int rank)
    {
        if (x.Rank != rank || w.Rank != rank) throw n.Damaged($"input and weights have {x.Rank} and {w.Rank} dimensions, expected {rank}");
    }
}
