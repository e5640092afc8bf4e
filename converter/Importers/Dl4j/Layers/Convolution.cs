using EdgeLite.Converter.Ir;
using EdgeLite.Core;
using EdgeLite.Ops;

namespace EdgeLite.Converter.Importers.Dl4j.Layers;

/// <summary>Convolutions. The bias lies before the weights, which lie as [out, in, kernel..] (ConvolutionParamInitializer and its kin).</summary>
internal static class Convolution
{
    [Dl4j("ConvolutionLayer", "Convolution2D", "convolution")] private static Dl4jTensor Conv2D(Dl4jLayer l) => Convolve(l, 2);
    [Dl4j("Convolution1DLayer", "Convolution1D", "convolution1d")] private static Dl4jTensor Conv1D(Dl4jLayer l) => Convolve(l, 1);
    [Dl4j("Convolution3D")] private static Dl4jTensor Conv3D(Dl4jLayer l) => Convolve(l, 3);

    private static Dl4jTensor Convolve(Dl4jLayer l, int n)
    {
        long inputs = l.Config.Int("nin"), outputs = l.Config.Int("nout");
        Value y = On(l, n, inputs, x =>
        {
            Value? b = Bias(l, outputs);
            Value w = l.Constant("W", l.Weights.Take(l, [outputs, inputs, .. Kernel(l, n)]));
            return Conv(l, x, w, b, n, 1);
        });
        return l.Result(Activations.Apply(l, y));
    }

    /// <summary>W is [kernel.., in, multiplier]; output c * multiplier + m is filter m over channel c.</summary>
    [Dl4j("DepthwiseConvolution2D")]
    private static Dl4jTensor Depthwise(Dl4jLayer l)
    {
        long inputs = l.Config.Int("nin"), multiplier = l.Config.Int("depthMultiplier", 1);
        Value y = On(l, 2, inputs, x =>
        {
            Value? b = Bias(l, checked(inputs * multiplier));
            Tensor stored = l.Weights.Take(l, [.. Kernel(l, 2), inputs, multiplier]);
            return Conv(l, x, DepthwiseKernel(l, stored, kernelFirst: true, multiplier, inputs), b, 2, inputs);
        });
        return l.Result(Activations.Apply(l, y));
    }

    /// <summary>Bias, then the kernels of the channels [multiplier, in, kernel..], then those of the points [out, in * multiplier, 1, 1].</summary>
    [Dl4j("SeparableConvolution2D")]
    private static Dl4jTensor Separable(Dl4jLayer l)
    {
        long inputs = l.Config.Int("nin"), outputs = l.Config.Int("nout"), multiplier = l.Config.Int("depthMultiplier", 1);
        Value y = On(l, 2, inputs, x =>
        {
            Value? b = Bias(l, outputs);
            Tensor stored = l.Weights.Take(l, [multiplier, inputs, .. Kernel(l, 2)]);
            Value depthwise = Conv(l, x, DepthwiseKernel(l, stored, kernelFirst: false, multiplier, inputs), null, 2, inputs);
            Value points = l.Constant("pW", l.Weights.Take(l, outputs, checked(inputs * multiplier), 1, 1));
            return l.Emit("Conv", b == null ? [depthwise, points] : [depthwise, points, b], ("kernel_shape", (long[])[1, 1]));
        });
        return l.Result(Activations.Apply(l, y));
    }

    /// <summary>Filter m over channel c to row c * multiplier + m of [in * multiplier, 1, kernel..].</summary>
    private static Value DepthwiseKernel(Dl4jLayer l, Tensor stored, bool kernelFirst, long multiplier, long inputs)
    {
        long[] kernel = Kernel(l, 2);
        long size = kernel[0] * kernel[1];
        var w = new Tensor(DType.Float32, new Shape([inputs * multiplier, 1, .. kernel]));
        for (long m = 0; m < multiplier; m++)
            for (long c = 0; c < inputs; c++)
                for (long k = 0; k < size; k++)
                    w.SetDouble((c * multiplier + m) * size + k, stored.GetDouble(kernelFirst ? (k * inputs + c) * multiplier + m : (m * inputs + c) * size + k));
        return l.Constant("W", w);
    }

    [Dl4j("Deconvolution2D")] private static Dl4jTensor Deconv2D(Dl4jLayer l) => Deconvolve(l, 2);
    [Dl4j("Deconvolution3D", Notes = "by its documentation")] private static Dl4jTensor Deconv3D(Dl4jLayer l) => Deconvolve(l, 3);

    /// <summary>W is [in, out, kernel..]; SAME gives stride times as many places.</summary>
    private static Dl4jTensor Deconvolve(Dl4jLayer l, int n)
    {
        long inputs = l.Config.Int("nin"), outputs = l.Config.Int("nout");
        Value y = On(l, n, inputs, x =>
        {
            Value? b = Bias(l, outputs);
            long[] kernel = Kernel(l, n), strides = l.Config.PerAxis("stride", n, 1, 1), dilations = l.Config.PerAxis("dilation", n, 1, 1), given = l.Config.PerAxis("padding", n, 0);
            Value w = l.Constant("W", l.Weights.Take(l, [inputs, outputs, .. kernel]));
            var pads = new long[2 * n];
            var more = new long[n];
            for (int i = 0; i < n; i++)
            {
                pads[i] = pads[i + n] = given[i];
                if (Mode(l) != "Same") continue;
                long over = (kernel[i] - 1) * dilations[i] + 1 - strides[i];
                (pads[i], pads[i + n], more[i]) = (Math.Max(over, 0) / 2, Math.Max(over, 0) - Math.Max(over, 0) / 2, Math.Max(-over, 0));
            }
            return l.Emit("ConvTranspose", b == null ? [x, w] : [x, w, b], ("kernel_shape", kernel), ("strides", strides), ("dilations", dilations), ("pads", pads), ("output_padding", more));
        });
        return l.Result(Activations.Apply(l, y));
    }

    [Dl4j("SubsamplingLayer", "Subsampling2D", "Pooling2D", "subsampling")] private static Dl4jTensor Pool2D(Dl4jLayer l) => Pool(l, 2);
    [Dl4j("Subsampling1DLayer", "Pooling1D", "subsampling1d")] private static Dl4jTensor Pool1D(Dl4jLayer l) => Pool(l, 1);
    [Dl4j("Subsampling3DLayer", "subsampling3d")] private static Dl4jTensor Pool3D(Dl4jLayer l) => Pool(l, 3);

    /// <summary>Averages count the padding where avgPoolIncludePadInDivisor says so, and in all versions before it (up to 1.0.0-beta4).</summary>
    private static Dl4jTensor Pool(Dl4jLayer l, int n)
    {
        long[] kernel = l.Config.PerAxis("kernelSize", n, 2, 1);
        string type = l.Config.Text("poolingType", "MAX");
        return l.Result(On(l, n, -1, x =>
        {
            List<(string, AttributeValue)> window = Window(l, x, kernel, n, "dilations");
            switch (type)
            {
                case "MAX": return l.Emit("MaxPool", [x], [.. window]);
                case "AVG": return l.Emit("AveragePool", [x], [.. window, ("count_include_pad", l.Config.Bool("avgPoolIncludePadInDivisor", true) ? 1 : 0)]);
                case "SUM": return l.Emit("Mul", [l.Emit("AveragePool", [x], [.. window, ("count_include_pad", 1)]), l.Scalar(kernel.Aggregate(1.0, (a, k) => a * k))]);
                case "PNORM": return l.Emit("LpPool", [x], [.. window, ("p", l.Config.Int("pnorm", 2))]);
                default: throw l.Error($"poolingType '{type}' has no conversion");
            }
        }));
    }

    /// <summary>Over the places or steps; the result has no axes for them unless collapseDimensions is false.</summary>
    [Dl4j("GlobalPoolingLayer", "GlobalPooling")]
    private static Dl4jTensor GlobalPool(Dl4jLayer l)
    {
        if (l.Input.IsRows) throw l.InputError("it pools rows; a preprocessor is missing");
        int rank = l.Rank;
        long[] axes = l.Config.Ints("poolingDimensions") ?? (l.IsChannelsLast ? [.. Enumerable.Range(1, rank - 2).Select(d => (long)d)] : [.. Enumerable.Range(2, rank - 2).Select(d => (long)d)]);
        int keep = l.Config.Bool("collapseDimensions", true) ? 0 : 1;
        Value list = l.Ints(axes);
        long p = l.Config.Int("pnorm", 2);
        return l.Result(l.Config.Text("poolingType", "MAX") switch
        {
            "MAX" => l.Emit("ReduceMax", [l.X, list], ("keepdims", keep)),
            "AVG" => l.Emit("ReduceMean", [l.X, list], ("keepdims", keep)),
            "SUM" => l.Emit("ReduceSum", [l.X, list], ("keepdims", keep)),
            "PNORM" when p is 1 or 2 => l.Emit($"ReduceL{p}", [l.X, list], ("keepdims", keep)),
            "PNORM" => l.Emit("Pow", [l.Emit("ReduceSum", [l.Emit("Pow", [l.Emit("Abs", [l.X]), l.Scalar(p)]), list], ("keepdims", keep)), l.Scalar(1.0 / p)]),
            var other => throw l.Error($"poolingType '{other}' has no conversion"),
        });
    }

    [Dl4j("Upsampling1D")] private static Dl4jTensor Up1D(Dl4jLayer l) => Upsample(l, 1);
    [Dl4j("Upsampling2D")] private static Dl4jTensor Up2D(Dl4jLayer l) => Upsample(l, 2);
    [Dl4j("Upsampling3D")] private static Dl4jTensor Up3D(Dl4jLayer l) => Upsample(l, 3);

    private static Dl4jTensor Upsample(Dl4jLayer l, int n)
    {
        float[] scales = [1, 1, .. l.Config.PerAxis("size", n, 2, 1).Select(s => (float)s)];
        return l.Result(On(l, n, -1, x => l.Emit("Resize", [x, null, l.Constant("scales", Tensor.FromArray<float>(scales, new Shape(scales.Length)))],
            ("mode", "nearest"), ("coordinate_transformation_mode", "asymmetric"), ("nearest_mode", "floor"))));
    }

    [Dl4j("ZeroPaddingLayer", "zeroPadding")] private static Dl4jTensor Pad2D(Dl4jLayer l) => Pad(l, 2);
    [Dl4j("ZeroPadding1DLayer", "zeroPadding1d")] private static Dl4jTensor Pad1D(Dl4jLayer l) => Pad(l, 1);
    [Dl4j("ZeroPadding3DLayer", "zeroPadding3d")] private static Dl4jTensor Pad3D(Dl4jLayer l) => Pad(l, 3);

    private static Dl4jTensor Pad(Dl4jLayer l, int n)
    {
        (long[] begins, long[] ends) = Borders(l, "padding", n);
        return l.Result(On(l, n, -1, x => l.Emit("Pad", [x, l.Ints([0, 0, .. begins, 0, 0, .. ends])])));
    }

    [Dl4j("Cropping1D")] private static Dl4jTensor Crop1D(Dl4jLayer l) => Crop(l, 1);
    [Dl4j("Cropping2D")] private static Dl4jTensor Crop2D(Dl4jLayer l) => Crop(l, 2);
    [Dl4j("Cropping3D")] private static Dl4jTensor Crop3D(Dl4jLayer l) => Crop(l, 3);

    private static Dl4jTensor Crop(Dl4jLayer l, int n)
    {
        (long[] begins, long[] ends) = Borders(l, "cropping", n);
        long[] axes = [.. Enumerable.Range(2, n).Select(d => (long)d)];
        return l.Result(On(l, n, -1, x => l.Emit("Slice", [x, l.Ints(begins), l.Ints([.. ends.Select(e => e == 0 ? long.MaxValue : -e)]), l.Ints(axes)])));
    }

    /// <summary>[top, bottom, left, right], [first, last] of one axis, or a number for each axis on both sides.</summary>
    private static (long[] Begins, long[] Ends) Borders(Dl4jLayer l, string key, int n)
    {
        long[] v = l.Config.Ints(key) ?? throw l.Damaged($"it has no {key}");
        if (v.Any(k => k is < 0 or > 1 << 20)) throw l.Damaged($"{key} is [{string.Join(", ", v)}]");
        if (v.Length == 2 * n) return ([.. Enumerable.Range(0, n).Select(i => v[2 * i])], [.. Enumerable.Range(0, n).Select(i => v[2 * i + 1])]);
        return v.Length == n ? (v, v) : throw l.Damaged($"{key} has {v.Length} entries");
    }

    [Dl4j("SpaceToDepthLayer", "SpaceToDepth")]
    private static Dl4jTensor SpaceToDepth(Dl4jLayer l) => l.Result(On(l, 2, -1, x => l.Emit("SpaceToDepth", [x], ("blocksize", l.Config.Int("blockSize", "blocks")))));

    /// <summary>x / (k + alpha * sum of squares over n channels)^beta; ONNX divides alpha by the size.</summary>
    [Dl4j("LocalResponseNormalization", "localResponseNormalization")]
    private static Dl4jTensor Lrn(Dl4jLayer l)
    {
        double n = l.Config.Real("n", 5);
        if (n is not (>= 1 and < 4096)) throw l.Damaged($"n is {n}");
        long size = 2 * ((long)n / 2) + 1;
        return l.Result(On(l, 2, -1, x => l.Emit("LRN", [x], ("size", size), ("alpha", (float)(l.Config.Real("alpha", 1e-4) * size)), ("beta", (float)l.Config.Real("beta", 0.75)), ("bias", (float)l.Config.Real("k", 2)))));
    }

    /// <summary>gamma, beta (unless they are fixed), mean, and the variance or (variable "log10stdev") the logarithm of the deviation.</summary>
    [Dl4j("BatchNormalization", "batchNormalization")]
    private static Dl4jTensor BatchNorm(Dl4jLayer l)
    {
        long channels = l.Config.Int("nout", "nin");
        bool locked = l.Config.Bool("lockGammaBeta", false), isLog = l.Variables.Any(v => v.EndsWith("log10stdev", StringComparison.Ordinal));
        Tensor gamma = locked ? Filled(channels, l.Config.Real("gamma", 1)) : l.Weights.Take(l, channels), beta = locked ? Filled(channels, l.Config.Real("beta", 0)) : l.Weights.Take(l, channels);
        Tensor mean = l.Weights.Take(l, channels), variance = l.Weights.Take(l, channels);
        if (isLog) for (int i = 0; i < channels; i++) variance.SetDouble(i, Math.Pow(10, 2 * variance.GetDouble(i)));
        Value Normalize(Value x) => l.Emit("BatchNormalization", [x, l.Constant("gamma", gamma), l.Constant("beta", beta), l.Constant("mean", mean), l.Constant("var", variance)], ("epsilon", (float)l.Config.Real("eps", 1e-5)));
        if (l.Input.IsRows) return l.Result(l.Transpose(Normalize(l.Transpose(l.X, 0, 2, 1)), 0, 2, 1));
        l.Refine(channels);
        return l.Result(Activations.Apply(l, l.InChannelsFirst(Normalize), otherwise: "identity"));
    }

    private static Tensor Filled(long count, double value)
    {
        var tensor = new Tensor(DType.Float32, new Shape(count));
        for (int i = 0; i < count; i++) tensor.SetDouble(i, value);
        return tensor;
    }

    private static Value? Bias(Dl4jLayer l, long count) => l.Config.Bool("hasBias", true) ? l.Constant("b", l.Weights.Take(l, count)) : null;

    private static long[] Kernel(Dl4jLayer l, int n) => l.Config.PerAxis("kernelSize", n, 5, 1);

    private static string Mode(Dl4jLayer l) => l.Config.Text("convolutionMode", "Truncate");

    /// <summary>A layer over n places, on channels-first data; an input of the network nobody told the size of gets as many dimensions.</summary>
    private static Value On(Dl4jLayer l, int n, long channels, Func<Value, Value> apply)
    {
        long[] places = [.. Enumerable.Repeat(-1L, n)];
        l.Refine(l.IsChannelsLast ? [.. places, channels] : [channels, .. places]);
        l.RequireRank(n + 2, n == 1 ? "[batch, features, steps]" : n == 2 ? "[batch, channels, height, width]" : "[batch, channels, depth, height, width]");
        return l.InChannelsFirst(apply);
    }

    private static Value Conv(Dl4jLayer l, Value x, Value w, Value? b, int n, long groups) =>
        l.Emit("Conv", b == null ? [x, w] : [x, w, b], [.. Window(l, x, Kernel(l, n), n, "dilations"), ("group", groups)]);

    /// <summary>Truncate and Strict round down; Same gives ceil(size / stride) places, the odd one of the padding at the end; Causal pads
    /// before the first step only.</summary>
    private static List<(string, AttributeValue)> Window(Dl4jLayer l, Value x, long[] kernel, int n, string dilationName)
    {
        long[] strides = l.Config.PerAxis("stride", n, 1, 1), dilations = l.Config.PerAxis("dilation", n, 1, 1), given = l.Config.PerAxis("padding", n, 0);
        List<(string, AttributeValue)> window = [("kernel_shape", kernel), ("strides", strides), (dilationName, dilations)];
        switch (Mode(l))
        {
            case "Same": window.Add(SamePadding.Pads(x.Shape.AsSpan()[2..], kernel, strides, dilations) is { } pads ? ("pads", pads) : ("auto_pad", "SAME_UPPER")); break;
            case "Causal" when n == 1: window.Add(("pads", (long[])[(kernel[0] - 1) * dilations[0], 0])); break;
            case "Truncate" or "Strict": window.Add(("pads", (long[])[.. given, .. given])); break;
            default: throw l.Error($"convolutionMode '{Mode(l)}' has no conversion");
        }
        return window;
    }
}
