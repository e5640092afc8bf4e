using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.Keras.Layers;

/// <summary>
/// Convolutions. Kernels are [spatial.., in, out] ([spatial.., out, in] where transposed, [spatial.., in, multiplier] where depthwise);
/// Keras 1 kept [out, in, h, w] for dim_ordering th. Theano's kernels are turned round on every spatial axis, but for depthwise ones,
/// which Keras turns itself (theano_backend.py, depthwise_conv2d).
/// </summary>
internal static class Convolution
{
    [Keras("Conv1D"), Keras("Convolution1D"), Keras("AtrousConvolution1D"), Keras("Conv2D"), Keras("Convolution2D"), Keras("AtrousConvolution2D"),
     Keras("Conv3D"), Keras("Convolution3D")]
    private static void Conv(KerasNode n)
    {
        int axes = Axes(n);
        (Tensor kernel, Tensor? bias) = Weights(n, "kernel", axes);
        long[] size = [.. kernel.Shape.AsSpan()[..axes]];
        int[] permutation = [axes + 1, axes, .. Enumerable.Range(0, axes)];
        Value w = n.Constant("weights", () => Arrays.Permute(Turned(n, kernel, axes), permutation));
        Value? b = bias == null ? null : n.Constant("bias", () => bias);
        Finish(n, x => Apply(n, x, w, b, size, n.Config.Int(1, "groups")));
    }

    [Keras("DepthwiseConv1D"), Keras("DepthwiseConv2D", Limits = "dilation in files of TensorFlow.js, which computes without it")]
    private static void DepthwiseConv(KerasNode n)
    {
        int axes = Axes(n);
        if (n.Importer.Origin.IgnoresDepthwiseDilation && Dilations(n, axes).Any(d => d != 1)) throw n.Error("TensorFlow.js computes it without its dilation, Keras with it; convert the Keras model, or set dilation_rate to 1 for what TensorFlow.js computes");
        Tensor kernel, bias = null!;
        bool hasBias = n.Config.Bool(true, "use_bias", "bias");
        if (hasBias)
        {
            Tensor[] both = n.Layer.Take("depthwise_kernel", "bias");
            (kernel, bias) = (both[0], both[1]);
        }
        else kernel = n.Layer.Take("depthwise_kernel")[0];
        n.RequireRank(kernel, axes + 2, "kernel");
        (Value w, long[] size, long channels) = Depthwise(n, kernel, axes);
        Value? b = hasBias ? n.Constant("bias", () => bias) : null;
        Finish(n, x => Apply(n, x, w, b, size, channels));
    }

    /// <summary>Depthwise, then 1x1; no activation between.</summary>
    [Keras("SeparableConv1D"), Keras("SeparableConvolution1D"), Keras("SeparableConv2D"), Keras("SeparableConvolution2D")]
    private static void SeparableConv(KerasNode n)
    {
        int axes = Axes(n);
        if (n.Importer.Origin.Major < 2 && n.Config.ChannelsFirst()) throw n.Error("Keras 1 with dim_ordering th is not supported for this layer");
        bool hasBias = n.Config.Bool(true, "use_bias", "bias");
        Tensor[] weights = hasBias ? n.Layer.Take("depthwise_kernel", "pointwise_kernel", "bias") : n.Layer.Take("depthwise_kernel", "pointwise_kernel");
        n.RequireRank(weights[0], axes + 2, "depthwise kernel");
        n.RequireRank(weights[1], axes + 2, "pointwise kernel");
        (Value w, long[] size, long channels) = Depthwise(n, weights[0], axes);
        Value point = n.Constant("pointwise", () => Arrays.Permute(weights[1], [axes + 1, axes, .. Enumerable.Range(0, axes)]));
        Value? bias = hasBias ? n.Constant("bias", () => weights[2]) : null;
        Finish(n, x =>
        {
            Value y = Apply(n, x, w, null, size, channels);
            return n.Emit("Conv", bias == null ? [y, point] : [y, point, bias], ("kernel_shape", Enumerable.Repeat(1L, axes).ToArray()));
        });
    }

    /// <summary>Weights of its own at each place: [places, inputs under the kernel, filters]; bias [places.., filters], which Keras reads over as
    /// [filters, places..] where the channels come first (backend bias_add). LocallyConnected1D of Keras without TensorFlow knows channels_last only.</summary>
    [Keras("LocallyConnected1D", "LocallyConnected2D", Limits = "implementation 2 and 3, padding same")]
    private static void LocallyConnected(KerasNode n)
    {
        int axes = Axes(n);
        if (n.Config.Int(1, "implementation") != 1 || Padding(n) != "valid") throw n.Error("implementation 2 and 3 and padding 'same' are not supported");
        bool hasBias = n.Config.Bool(true, "use_bias", "bias"), isFirst = n.Config.ChannelsFirst() && (axes == 2 || n.Config.Has("implementation"));
        Tensor[] weights = hasBias ? n.Layer.Take("kernel", "bias") : n.Layer.Take("kernel");
        long[] kernel = n.Config.PerAxis(axes, 1, "kernel_size"), strides = Strides(n, axes);
        Value x = isFirst ? n.X : n.ToChannelsFirst(n.X);
        long[] result = [.. kernel.Select((k, i) => x.Shape[i + 2] >= k ? (x.Shape[i + 2] - k) / strides[i] + 1 : throw n.InputError($"its input has the shape {n.X.Shape}, whose sizes must be known and fit kernels of {string.Join(" x ", kernel)}"))];
        Tensor stored = n.RequireRank(weights[0], 3, "kernel");
        if (stored.Shape[0] != new Shape(result).Count || x.Shape[1] > 0 && stored.Shape[1] != x.Shape[1] * new Shape(kernel).Count) throw n.Damaged($"its kernel {stored.Shape} does not fit an input of {n.X.Shape}");
        Value y = n.LocalConvolution(x, n.Constant("kernel", () => Arrays.Float32(stored)), kernel, strides, result, !isFirst);
        if (!isFirst) y = n.ToChannelsLast(y);
        if (hasBias) y = n.Emit("Add", [y, n.Constant("bias", () => Arrays.Shaped(Arrays.Float32(weights[1]), new Shape(isFirst ? [stored.Shape[2], .. result] : [.. result, stored.Shape[2]])))]);
        n.Set(n.Activate(y));
    }

    [Keras("Conv1DTranspose"), Keras("Conv2DTranspose"), Keras("Deconvolution2D"), Keras("Conv3DTranspose"), Keras("Deconvolution3D")]
    private static void ConvTranspose(KerasNode n)
    {
        int axes = n.Layer.ClassName.Contains("1D", StringComparison.Ordinal) ? 1 : n.Layer.ClassName.Contains("2D", StringComparison.Ordinal) ? 2 : 3;
        n.RequireRank(axes + 2);
        (Tensor kernel, Tensor? bias) = Weights(n, "kernel", axes);
        long[] size = [.. kernel.Shape.AsSpan()[..axes]], strides = Strides(n, axes), dilations = Dilations(n, axes);
        long[]? extra = n.Config.Has("output_padding") ? n.Config.Ints("output_padding") : null;
        if (extra is { Length: 1 }) extra = [.. Enumerable.Repeat(extra[0], axes)];
        if (extra != null && extra.Length != axes) throw n.Damaged("output_padding does not fit the number of axes");
        bool same = Padding(n) == "same";
        var pads = new long[2 * axes];
        var output = new long[axes];
        for (int i = 0; i < axes; i++)
        {
            // Output size O = (n - 1) s + reach - total (Keras conv_utils.deconv_output_length); the layer is the gradient of the
            // convolution that takes O to n, whose padding is begun with total / 2 (Theano: half the kernel).
            long reach = (size[i] - 1) * dilations[i] + 1;
            long total = extra != null ? (same ? 2 * (reach / 2) : 0) - extra[i] : same ? reach - strides[i] : Math.Min(reach - strides[i], 0);
            long begin = same ? n.Importer.Origin.IsTheano ? reach / 2 : Math.Max(total, 0) / 2 : 0;
            pads[i] = begin;
            pads[axes + i] = Math.Max(total - begin, 0);
            output[i] = Math.Max(begin - total, 0);
        }
        int[] permutation = [axes + 1, axes, .. Enumerable.Range(0, axes)];
        Value w = n.Constant("weights", () => Arrays.Permute(Turned(n, kernel, axes), permutation));
        Value? b = bias == null ? null : n.Constant("bias", () => bias);
        Finish(n, x => n.Emit("ConvTranspose", b == null ? [x, w] : [x, w, b], ("kernel_shape", size), ("strides", strides), ("dilations", dilations),
            ("pads", pads), ("output_padding", output)));
    }

    /// <summary>The convolution of a channels-first tensor.</summary>
    internal static Value Apply(KerasNode n, Value x, Value w, Value? b, long[] kernel, long group) =>
        Apply(n, x, w, b, kernel, Strides(n, kernel.Length), Dilations(n, kernel.Length), Padding(n), group);

    internal static Value Apply(KerasNode n, Value x, Value w, Value? b, long[] kernel, long[] strides, long[] dilations, string padding, long group)
    {
        if (group < 1 || x.Shape[1] > 0 && w.Shape[1] * group != x.Shape[1]) throw n.Damaged($"weights for {w.Shape[1] * group} channels do not fit an input of {x.Shape[1]}");
        (long[]? pads, string auto) = Pads(n, x.Shape, kernel, strides, dilations, padding);
        return n.Emit("Conv", b == null ? [x, w] : [x, w, b], ("kernel_shape", kernel), ("strides", strides), ("dilations", dilations), ("group", group),
            pads != null ? ("pads", pads) : ("auto_pad", auto));
    }

    /// <summary>[begins.., ends..] for a channels-first shape. "same": output size ceil(n / stride), the odd one at the end; Theano begins
    /// with half the kernel instead. "causal": all before.</summary>
    internal static (long[]? Pads, string Auto) Pads(KerasNode n, Shape x, long[] kernel, long[] strides, long[] dilations, string padding)
    {
        int axes = kernel.Length;
        var pads = new long[2 * axes];
        for (int i = 0; i < axes; i++)
        {
            long reach = (kernel[i] - 1) * dilations[i] + 1, size = x[i + 2];
            if (padding == "causal") pads[i] = reach - 1;
            if (padding != "same") continue;
            bool theano = n.Importer.Origin.IsTheano;
            if (size < 0 && strides[i] == 1)
            {
                pads[i] = theano ? reach / 2 : (reach - 1) / 2;
                pads[axes + i] = reach - 1 - pads[i];
                continue;
            }
            if (size < 0 && !theano) return (null, "SAME_UPPER");
            if (size < 0 && reach % 2 == 0) throw n.InputError("a strided even kernel under Theano needs an input of known size");
            long total = size < 0 ? reach - 1 : Math.Max(((size + strides[i] - 1) / strides[i] - 1) * strides[i] + reach - size, 0);
            pads[i] = theano ? reach / 2 : total / 2;
            pads[axes + i] = Math.Max(total - pads[i], 0);
        }
        return (pads, "");
    }

    internal static string Padding(KerasNode n)
    {
        string padding = n.Config.Text("padding", n.Config.Text("border_mode", "valid"));
        return padding is "same" or "valid" or "causal" ? padding : throw n.Error($"padding '{padding}' is not supported (same, valid and causal are)");
    }

    internal static long[] Strides(KerasNode n, int axes) => n.Config.PerAxis(axes, 1, "strides", "subsample", "subsample_length");
    internal static long[] Dilations(KerasNode n, int axes) => n.Config.PerAxis(axes, 1, "dilation_rate", "atrous_rate");

    /// <summary>A kernel as correlation wants it.</summary>
    internal static Tensor Turned(KerasNode n, Tensor kernel, int axes) => n.Importer.Origin.IsTheano ? Arrays.Flip(kernel, axes) : kernel;

    private static int Axes(KerasNode n)
    {
        int axes = n.Layer.ClassName[^2] - '0';
        n.RequireRank(axes + 2);
        return axes;
    }

    private static (Value Weights, long[] Size, long Channels) Depthwise(KerasNode n, Tensor kernel, int axes)
    {
        long channels = kernel.Shape[axes], multiplier = kernel.Shape[axes + 1];
        long[] size = [.. kernel.Shape.AsSpan()[..axes]];
        Value w = n.Constant("depthwise", () => Arrays.Shaped(Arrays.Permute(kernel, [axes, axes + 1, .. Enumerable.Range(0, axes)]), new Shape([channels * multiplier, 1, .. size])));
        return (w, size, channels);
    }

    /// <summary>Kernel in the order of Keras 2, and bias.</summary>
    private static (Tensor Kernel, Tensor? Bias) Weights(KerasNode n, string role, int axes)
    {
        bool hasBias = n.Config.Bool(true, "use_bias", "bias");
        Tensor[] weights = hasBias ? n.Layer.Take(role, "bias") : n.Layer.Take(role);
        Tensor kernel = Arrays.Float32(weights[0]);
        if (n.Importer.Origin.Major < 2) kernel = FromKeras1(n, kernel, axes);
        return (n.RequireRank(kernel, axes + 2, "kernel"), hasBias ? weights[1] : null);
    }

    /// <summary>What Keras 2 does when it loads files of Keras 1 (engine/topology.py, preprocess_weights_for_loading).</summary>
    private static Tensor FromKeras1(KerasNode n, Tensor kernel, int axes)
    {
        if (axes == 1 && kernel.Shape.Rank == 4)
        {
            long filters = n.Config.Int(-1, "nb_filter", "filters");
            bool modern = kernel.Shape[1] == 1 && (filters < 0 || kernel.Shape[3] == filters);
            if (!modern) kernel = Arrays.Permute(kernel, 2, 3, 1, 0);
            return Arrays.Shaped(kernel, new Shape(kernel.Shape[0], kernel.Shape[2], kernel.Shape[3]));
        }
        if (axes == 2 && kernel.Shape.Rank == 4 && n.Config.ChannelsFirst()) return Arrays.Permute(kernel, 2, 3, 1, 0);
        if (axes == 3 && kernel.Shape.Rank == 5 && n.Config.ChannelsFirst()) return Arrays.Permute(kernel, 2, 3, 4, 1, 0);
        return kernel;
    }

    private static void Finish(KerasNode n, Func<Value, Value> apply)
    {
        bool early = Activations.IsElementwise(n.Config.Get("activation"));
        Value y = n.InChannelsFirst(x => early ? n.Activate(apply(x)) : apply(x));
        if (!early) y = n.Activate(y);
        n.Set(y);
    }
}
