using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.TensorFlow.Operators;

/// <summary>Convolutions and pooling. TensorFlow's kernels are [spatial.., in, out]; SAME pads so that the output has
/// ceil(size / stride) positions, the odd one after.</summary>
internal static class Convolutions
{
    [TensorFlow("Conv2D", "Conv3D", "_FusedConv2D", "FusedConv2D")]
    private static void Conv(TfNode n)
    {
        int spatial = n.Rank(1) - 2;
        Value x = ChannelsFirst(n, 0, spatial), w = n.In(1);
        long[] strides = Spatial(n, "strides", spatial), dilations = Spatial(n, "dilations", spatial);
        long group = x.Shape[1] > 0 && w.Shape[spatial] > 0 ? x.Shape[1] / w.Shape[spatial] : 1;
        Value weights = n.Transpose(w, [spatial + 1, spatial, .. Enumerable.Range(0, spatial).Select(i => (long)i)]);
        Finish(n, weights, x, Kernel(n, w, spatial), strides, dilations, Math.Max(1, group));
    }

    [TensorFlow("DepthwiseConv2dNative", "FusedDepthwiseConv2dNative", "_FusedDepthwiseConv2dNative", "DepthwiseConv2d")]
    private static void Depthwise(TfNode n)
    {
        Value x = ChannelsFirst(n, 0, 2), w = n.In(1);
        long[] kernel = Kernel(n, w, 2);
        long channels = w.Shape[2], multiplier = w.Shape[3];
        if (channels < 1 || multiplier < 1) throw n.InputError("the size of the kernel must be known");
        // [kh, kw, c, m] -> [c, m, kh, kw] -> [c * m, 1, kh, kw]
        Value weights = n.Reshape(n.Transpose(w, 2, 3, 0, 1), channels * multiplier, 1, kernel[0], kernel[1]);
        Finish(n, weights, x, kernel, Spatial(n, "strides", 2), Spatial(n, "dilations", 2), channels);
    }

    /// <summary>The convolution, then what is fused to it: BiasAdd or FusedBatchNorm, an activation (fused_ops).</summary>
    private static void Finish(TfNode n, Value weights, Value x, long[] kernel, long[] strides, long[] dilations, long group)
    {
        string[] fused = [.. n.Attr("fused_ops")?.List?.S.Select(s => s.ToStringUtf8()) ?? []];
        Value? bias = fused.Length > 0 && fused[0] == "BiasAdd" ? n.In(2) : null;
        Value y = Convolve(n, x, weights, kernel, strides, dilations, group, n.String("padding"), bias, Explicit(n, kernel.Length));
        if (fused.Length > 0 && fused[0] == "FusedBatchNorm")
            y = n.Emit("BatchNormalization", [y, n.In(2), n.In(3), n.In(4), n.In(5)], ("epsilon", n.Float("epsilon", 1e-4f)));
        foreach (string activation in fused.Where(f => f is not ("BiasAdd" or "FusedBatchNorm")))
            y = activation switch
            {
                "Prelu" => n.Emit("PRelu", [y, n.IsChannelsLast ? PreluSlope(n, n.In(3)) : n.In(3)]),
                "Add" => n.Add(y, ChannelsFirst(n, 3, kernel.Length)),
                _ => Activate(n, y, activation),
            };
        n.Set(n.IsChannelsLast ? n.ToChannelsLast(y) : y);
    }

    private static Value PreluSlope(TfNode n, Value slope) => slope.Shape.Rank switch
    {
        0 => slope,
        1 => n.Reshape(slope, -1, 1, 1),
        3 => n.Transpose(slope, 2, 0, 1),
        _ => n.ToChannelsFirst(slope),
    };

    internal static Value Activate(TfNode n, Value x, string activation) => activation switch
    {
        "Relu" => n.Emit("Relu", [x]),
        "Relu6" => n.Emit("Clip", [x, n.Number(x, 0), n.Number(x, 6)]),
        "Elu" => n.Emit("Elu", [x]),
        "LeakyRelu" => n.Emit("LeakyRelu", [x], ("alpha", n.Float("leakyrelu_alpha", 0.2f))),
        "Sigmoid" => n.Emit("Sigmoid", [x]),
        "Tanh" => n.Emit("Tanh", [x]),
        "GeluExact" => n.Emit("Gelu", [x]),
        "GeluApproximate" => n.Emit("Gelu", [x], ("approximate", "tanh")),
        _ => throw n.Error($"the fused operator '{activation}' is not supported"),
    };

    internal static Value Convolve(TfNode n, Value x, Value weights, long[] kernel, long[] strides, long[] dilations, long group, string padding, Value? bias, long[]? given = null)
    {
        (long[]? pads, string auto) = Pads(n, x, kernel, strides, dilations, padding, given);
        return n.Emit("Conv", bias == null ? [x, weights] : [x, weights, bias], ("kernel_shape", kernel), ("strides", strides), ("dilations", dilations),
            ("group", group), pads != null ? ("pads", pads) : ("auto_pad", auto));
    }

    /// <summary>The gradient of a convolution by its input: a transposed convolution into a given size.</summary>
    [TensorFlow("Conv2DBackpropInput", "Conv3DBackpropInputV2")]
    private static void Transposed(TfNode n)
    {
        int spatial = n.Rank(1) - 2;
        Value x = ChannelsFirst(n, 2, spatial), w = n.In(1);
        long[] kernel = Kernel(n, w, spatial), strides = Spatial(n, "strides", spatial), dilations = Spatial(n, "dilations", spatial);
        // [spatial.., in, out] of the convolution whose gradient this is; its output is our input.
        Value weights = n.Transpose(w, [spatial + 1, spatial, .. Enumerable.Range(0, spatial).Select(i => (long)i)]);
        long[]? wanted = n.Context.Entries(n.Int64(0));
        if (wanted != null && wanted.Length != spatial + 2) throw n.InputError($"the size of its output has {wanted.Length} entries, expected {spatial + 2}");
        bool last = n.IsChannelsLast;
        string padding = n.String("padding");
        long[] pads = new long[2 * spatial], extra = new long[spatial];
        long[]? given = Explicit(n, spatial);
        for (int i = 0; i < spatial; i++)
        {
            long size = x.Shape[i + 2], output = wanted == null ? -1 : wanted[last ? i + 1 : i + 2], reach = (kernel[i] - 1) * dilations[i] + 1;
            if (size < 0 || output < 0)
            {
                if (padding == "EXPLICIT") throw n.InputError("the sizes of input and output must be known");
                // The usual size: stride times the input for SAME, the whole reach for VALID.
                long cut = padding == "SAME" ? Math.Max(reach - strides[i], 0) : 0;
                (pads[i], pads[i + spatial]) = (cut / 2, cut - cut / 2);
                if (padding == "SAME") extra[i] = Math.Max(strides[i] - reach, 0);
                continue;
            }
            long total = padding == "SAME" ? Math.Max((size - 1) * strides[i] + reach - output, 0) : 0;
            (pads[i], pads[i + spatial]) = given != null ? (given[i], given[i + spatial]) : (total / 2, total - total / 2);
            extra[i] = output - ((size - 1) * strides[i] + reach - pads[i] - pads[i + spatial]);
            if (extra[i] < 0) throw n.Damaged($"an output of {output} does not fit an input of {size}");
        }
        // ONNX allows less than a stride of additional output; what is more lies beyond every window and is 0.
        long[] inside = [.. extra.Select((e, i) => Math.Min(e, strides[i] - 1))];
        Value y = n.Emit("ConvTranspose", [x, weights], ("kernel_shape", kernel), ("strides", strides), ("dilations", dilations), ("pads", pads), ("output_padding", inside));
        if (extra.Zip(inside).Any(e => e.First > e.Second))
        {
            long[] outside = new long[2 * (spatial + 2)];
            for (int i = 0; i < spatial; i++) outside[spatial + 4 + i] = extra[i] - inside[i];
            y = n.Emit("Pad", [y, n.Vector(outside)]);
        }
        n.Set(last ? n.ToChannelsLast(y) : y);
    }

    [TensorFlow("MaxPool", "AvgPool", "MaxPool3D", "AvgPool3D")]
    private static void Pool(TfNode n)
    {
        int spatial = n.Rank(0) - 2;
        if (spatial < 1) throw n.InputError($"its input has {spatial + 2} dimensions, expected 3 or more");
        n.Set(Pooled(n, n.In(0), Spatial(n, "ksize", spatial), Spatial(n, "strides", spatial)));
    }

    [TensorFlow("MaxPoolV2")]
    private static void PoolV2(TfNode n)
    {
        long[] kernel = n.RequiredInts(1, "the window"), strides = n.RequiredInts(2, "the strides");
        if (kernel.Length != 4 || strides.Length != 4) throw n.Damaged($"window and strides have {kernel.Length} and {strides.Length} entries, expected 4");
        n.Set(Pooled(n, n.In(0), n.IsChannelsLast ? kernel[1..3] : kernel[2..], n.IsChannelsLast ? strides[1..3] : strides[2..]));
    }

    private static Value Pooled(TfNode n, Value input, long[] kernel, long[] strides)
    {
        bool last = n.IsChannelsLast;
        Value x = last ? n.ToChannelsFirst(input) : input;
        long[] ones = [.. kernel.Select(_ => 1L)];
        (long[]? pads, string auto) = Pads(n, x, kernel, strides, ones, n.String("padding"), Explicit(n, kernel.Length));
        Value y = n.Emit(n.Op.StartsWith("Max", StringComparison.Ordinal) ? "MaxPool" : "AveragePool", [x], ("kernel_shape", kernel), ("strides", strides),
            pads != null ? ("pads", pads) : ("auto_pad", auto));
        return last ? n.ToChannelsLast(y) : y;
    }

    /// <summary>Positions are (y * width + x) * channels + c, after n * height * width * channels where include_batch_in_index is set; ONNX
    /// counts (n * channels + c) * height * width + y * width + x.</summary>
    [TensorFlow("MaxPoolWithArgmax")]
    private static void MaxPoolWithArgmax(TfNode n)
    {
        Value x = n.ToChannelsFirst(n.In(0));
        long[] kernel = Spatial(n, "ksize", 2), strides = Spatial(n, "strides", 2);
        if (!x.Shape.IsKnown) throw n.InputError("the size of the input must be known");
        long channels = x.Shape[1], area = x.Shape[2] * x.Shape[3];
        (long[]? pads, string auto) = Pads(n, x, kernel, strides, [1, 1], n.String("padding"), null);
        Value[] y = n.EmitMany("MaxPool", 2, [x], ("kernel_shape", kernel), ("strides", strides), pads != null ? ("pads", pads) : ("auto_pad", auto));
        n.Set(0, n.ToChannelsLast(y[0]));
        Value at = n.Emit("Mod", [y[1], n.Scalar(DType.Int64, area)]), plane = n.Div(y[1], n.Scalar(DType.Int64, area));
        Value channel = n.Emit("Mod", [plane, n.Scalar(DType.Int64, channels)]);
        Value index = n.Add(n.Mul(at, n.Scalar(DType.Int64, channels)), channel);
        if (n.Bool("include_batch_in_index")) index = n.Add(index, n.Mul(n.Div(plane, n.Scalar(DType.Int64, channels)), n.Scalar(DType.Int64, area * channels)));
        n.Set(1, n.Cast(n.ToChannelsLast(index), n.Type("Targmax", DType.Int64)));
    }

    /// <summary>An input of <paramref name="spatial"/> axes beside batch and channels.</summary>
    private static Value ChannelsFirst(TfNode n, int i, int spatial)
    {
        Value x = n.In(i);
        if (spatial < 1 || x.Shape.IsRanked && x.Shape.Rank != spatial + 2) throw n.InputError($"input {i} is {x.Type}, expected {Math.Max(1, spatial) + 2} dimensions");
        return n.IsChannelsLast ? n.ToChannelsFirst(x) : x;
    }

    /// <summary>The spatial part of a list with an entry for each dimension; ones when there is none.</summary>
    private static long[] Spatial(TfNode n, string attribute, int spatial)
    {
        long[] all = n.Ints(attribute);
        if (all.Length == 0) return [.. Enumerable.Repeat(1L, spatial)];
        if (all.Length == 1) return [.. Enumerable.Repeat(all[0], spatial)];
        if (all.Length != spatial + 2) throw n.Damaged($"{attribute} has {all.Length} entries, expected {spatial + 2}");
        long[] part = n.IsChannelsLast ? all[1..^1] : all[2..];
        return part.Min() > 0 ? part : throw n.Damaged($"{attribute} holds {part.Min()}");
    }

    private static long[] Kernel(TfNode n, Value w, int spatial)
    {
        if (!w.Shape.IsKnown || w.Shape.Rank != spatial + 2) throw n.InputError($"the kernel is {w.Type}, expected {spatial + 2} dimensions of known size");
        return w.Shape.AsSpan()[..spatial].ToArray();
    }

    private static long[]? Explicit(TfNode n, int spatial)
    {
        if (n.String("padding") != "EXPLICIT") return null;
        long[] all = n.Ints("explicit_paddings");
        if (all.Length != 2 * (spatial + 2)) throw n.Damaged($"explicit_paddings has {all.Length} entries");
        int first = n.IsChannelsLast ? 1 : 2;
        return [.. Enumerable.Range(first, spatial).Select(i => all[2 * i]), .. Enumerable.Range(first, spatial).Select(i => all[2 * i + 1])];
    }

    private static (long[]? Pads, string AutoPad) Pads(TfNode n, Value x, long[] kernel, long[] strides, long[] dilations, string padding, long[]? given)
    {
        if (padding == "VALID") return (new long[2 * kernel.Length], "VALID");
        if (padding == "EXPLICIT") return (given, "");
        if (padding != "SAME") throw n.Damaged($"padding '{padding}' is not known");
        if (!x.Shape.IsRanked) return (null, "SAME_UPPER");
        long[]? pads = SamePadding.Pads(x.Shape.AsSpan()[2..], kernel, strides, dilations);
        return (pads, pads == null ? "SAME_UPPER" : "");
    }
}
