using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.Darknet;

/// <summary>What each section of a .cfg computes (source: Darknet's src/*_layer.c and parser.c, and AlexeyAB's branch where it has more).</summary>
internal static class DarknetLayers
{
    /// <summary>Weights: bias, then scale, mean and variance with batch_normalize, then [out, in/groups, size, size].</summary>
    [Darknet("convolutional", "conv", Limits = "binary weights, flipped with groups")]
    private static Value Convolutional(DarknetLayer l)
    {
        Refuse(l, "binary", "antialiasing", "share_index", "assisted_excitation");
        long filters = l.Options.Int("filters", 1), size = l.Options.Int("size", 1), groups = l.Options.Int("groups", 1), dilation = l.Options.Int("dilation", 1), channels = l.Size(l.Input, 1);
        if (groups <= 0 || channels % groups != 0 || filters % groups != 0) throw l.InputError($"{channels} channels, {filters} filters and {groups} groups do not fit together");
        long pad = Pad(l, size) * dilation, stride = l.Options.Int("stride", 1);
        long[] strides = [l.Options.Int("stride_y", stride), l.Options.Int("stride_x", stride)];
        (Tensor bias, Tensor[]? norm) = Ends(l, filters);
        if (l.Options.Int("flipped", 0) != 0 && groups > 1) throw l.Error("flipped with groups is not supported");
        Tensor weights = l.Options.Int("flipped", 0) == 0 ? l.Weights.Take(l, "weights", filters, channels / groups, size, size)
            : Transposed(l.Weights.Take(l, "weights", channels * size * size, filters), new Shape(filters, channels, size, size));
        Value x = l.Input;
        if (l.Options.Int("xnor", 0) != 0)
        {
            Binarize(weights);
            x = l.Emit("Where", [l.Emit("GreaterOrEqual", [x, l.Scalar(0)]), l.Scalar(1), l.Scalar(-1)]); // 0 as in its CUDA code
        }
        Value w = l.Constant("weights", weights);
        return Finish(l, norm, bias, b => l.Emit("Conv", b == null ? [x, w] : [x, w, b],
            ("kernel_shape", (long[])[size, size]), ("strides", strides), ("pads", (long[])[pad, pad, pad, pad]), ("dilations", (long[])[dilation, dilation]), ("group", groups)));
    }

    /// <summary>[columns, rows] as rows of the shape wanted.</summary>
    private static Tensor Transposed(Tensor stored, Shape shape)
    {
        var result = new Tensor(DType.Float32, shape);
        long columns = stored.Shape[0], rows = stored.Shape[1];
        for (long r = 0; r < rows; r++)
            for (long k = 0; k < columns; k++) result.SetDouble(r * columns + k, stored.GetDouble(k * rows + r));
        return result;
    }

    /// <summary>The weights of each filter become plus or minus their average size.</summary>
    private static void Binarize(Tensor weights)
    {
        long size = weights.Count / weights.Shape[0];
        for (long f = 0; f < weights.Count; f += size)
        {
            double mean = 0;
            for (long i = 0; i < size; i++) mean += Math.Abs(weights.GetDouble(f + i)) / size;
            for (long i = 0; i < size; i++) weights.SetDouble(f + i, weights.GetDouble(f + i) > 0 ? mean : -mean);
        }
    }

    /// <summary>Weights [in, out, size, size].</summary>
    [Darknet("deconvolutional", "deconv")]
    private static Value Deconvolutional(DarknetLayer l)
    {
        long filters = l.Options.Int("filters", 1), size = l.Options.Int("size", 1), stride = l.Options.Int("stride", 1), pad = Pad(l, size), channels = l.Size(l.Input, 1);
        (Tensor bias, Tensor[]? norm) = Ends(l, filters);
        Value w = l.Constant("weights", l.Weights.Take(l, "weights", channels, filters, size, size));
        return Finish(l, norm, bias, b => l.Emit("ConvTranspose", b == null ? [l.Input, w] : [l.Input, w, b],
            ("kernel_shape", (long[])[size, size]), ("strides", (long[])[stride, stride]), ("pads", (long[])[pad, pad, pad, pad])));
    }

    [Darknet("connected", "conn")]
    private static Value Connected(DarknetLayer l)
    {
        long outputs = l.Options.Int("output", 1), inputs = checked(l.Size(l.Input, 1) * l.Size(l.Input, 2) * l.Size(l.Input, 3));
        return l.Reshape(l.Activate(Dense(l, l.Emit("Flatten", [l.Input]), inputs, outputs), "logistic"), -1, outputs, 1, 1);
    }

    /// <summary>[N, inputs] -> [N, outputs]. Weights: bias, [out, in], then scale, mean and variance with batch_normalize.</summary>
    internal static Value Dense(DarknetLayer l, Value x, long inputs, long outputs) => DenseLater(l, inputs, outputs)(x);

    /// <summary>The same, whose weights are taken at once and which is given its input later.</summary>
    internal static Func<Value, Value> DenseLater(DarknetLayer l, long inputs, long outputs)
    {
        Tensor bias = l.Weights.Take(l, "bias", outputs);
        Value w = l.Constant("weights", l.Weights.IsTransposed ? l.Weights.Take(l, "weights", inputs, outputs) : l.Weights.Take(l, "weights", outputs, inputs));
        Tensor[]? norm = Norm(l, outputs);
        return x => Normalize(l, norm, bias, b => l.Emit("Gemm", b == null ? [x, w] : [x, w, b], ("transB", l.Weights.IsTransposed ? 0 : 1)));
    }

    /// <summary>[N, C, H, W] -> [N, filters, H, W] with windows of 3 x 3.</summary>
    internal static Value Convolve3(DarknetLayer l, Value x, long filters)
    {
        (Tensor bias, Tensor[]? norm) = Ends(l, filters);
        Value w = l.Constant("weights", l.Weights.Take(l, "weights", filters, l.Size(x, 1), 3, 3));
        return Finish(l, norm, bias, b => l.Emit("Conv", b == null ? [x, w] : [x, w, b], ("pads", (long[])[1, 1, 1, 1])));
    }

    /// <summary>Weights of their own at each place: bias [filters, H', W'], then [H' W', filters, C size size].</summary>
    [Darknet("local", Limits = "pad with sizes other than 3")]
    private static Value Local(DarknetLayer l)
    {
        long filters = l.Options.Int("filters", 1), size = l.Options.Int("size", 1), stride = l.Options.Int("stride", 1), pad = l.Options.Int("pad", 0) != 0 ? 1 : 0, c = l.Size(l.Input, 1);
        if (pad != 0 && size != 3) throw l.Error("pad with a size other than 3 is not supported");
        if (size <= 0 || stride <= 0 || checked(size * size) > 1 << 12) throw l.Error($"size {size} and stride {stride} are not sensible");
        long h = (l.Size(l.Input, 2) + 2 * pad - size) / stride + 1, w = (l.Size(l.Input, 3) + 2 * pad - size) / stride + 1, window = c * size * size;
        if (h <= 0 || w <= 0 || checked(window * size * size) > 1 << 24) throw l.InputError($"windows of {size} x {size} do not fit {l.Input.Shape}");
        Value bias = l.Constant("bias", l.Weights.Take(l, "bias", 1, filters, h, w)), weights = l.Constant("weights", l.Weights.Take(l, "weights", h * w, filters, window));
        // What lies under each window, by a convolution whose weights each take one place: [N, window, H' W'].
        var one = new Tensor(DType.Float32, new Shape(window, 1, size, size));
        for (long row = 0; row < window; row++) one.SetDouble(row * size * size + row % (size * size), 1);
        Value under = l.Emit("Conv", [l.Input, l.Constant("places", one)], ("strides", (long[])[stride, stride]), ("pads", (long[])[pad, pad, pad, pad]), ("group", c));
        Value y = l.Emit("MatMul", [weights, l.Transpose(l.Reshape(under, -1, window, h * w), 2, 1, 0)]); // [H' W', filters, N]
        return l.Activate(l.Emit("Add", [l.Reshape(l.Transpose(y, 2, 1, 0), -1, filters, h, w), bias]), "logistic");
    }

    private static long Pad(DarknetLayer l, long size) => l.Options.Int("pad", 0) != 0 ? size / 2 : l.Options.Int("padding", 0);

    private static (Tensor Bias, Tensor[]? Norm) Ends(DarknetLayer l, long outputs) => (l.Weights.Take(l, "bias", outputs), Norm(l, outputs));

    private static Tensor[]? Norm(DarknetLayer l, long outputs) => l.Options.Int("batch_normalize", 0) == 0 ? null
        : [l.Weights.Take(l, "scale", outputs), l.Weights.Take(l, "mean", outputs), l.Weights.Take(l, "variance", outputs)];

    private static Value Finish(DarknetLayer l, Tensor[]? norm, Tensor bias, Func<Value?, Value> compute) => l.Activate(Normalize(l, norm, bias, compute), "logistic");

    /// <summary>scale * (y - mean) / (sqrt(variance) + 1e-6) + bias (blas.c, normalize_cpu).</summary>
    private static Value Normalize(DarknetLayer l, Tensor[]? norm, Tensor bias, Func<Value?, Value> compute)
    {
        if (norm == null) return compute(l.Constant("bias", bias));
        // Written as 1 / sqrt(v + 0) with v = (sqrt(variance) + 1e-6)^2.
        for (long i = 0; i < norm[2].Count; i++) norm[2].SetDouble(i, Math.Pow(Math.Sqrt(Math.Max(norm[2].GetDouble(i), 0)) + 1e-6, 2));
        return l.Emit("BatchNormalization", [compute(null), l.Constant("scale", norm[0]), l.Constant("bias", bias), l.Constant("mean", norm[1]), l.Constant("variance", norm[2])], ("epsilon", 0f));
    }

    [Darknet("batchnorm")]
    private static Value BatchNorm(DarknetLayer l)
    {
        long c = l.Size(l.Input, 1);
        return Normalize(l, [l.Weights.Take(l, "scale", c), l.Weights.Take(l, "mean", c), l.Weights.Take(l, "variance", c)], new Tensor(DType.Float32, new Shape(c)), _ => l.Input);
    }

    /// <summary>x (kappa + alpha * sum of squares of the channels around)^-beta. Darknet begins its running sum without the last channel of the first window,
    /// so that one's square is missing everywhere (normalization_layer.c).</summary>
    [Darknet("normalization", "lrn")]
    private static Value Normalization(DarknetLayer l)
    {
        long size = l.Options.Int("size", 5), c = l.Size(l.Input, 1);
        if (size <= 0 || size / 2 >= c || c > 1 << 12) throw l.InputError($"windows of {size} channels do not fit {c}");
        var sums = new Tensor(DType.Float32, new Shape(c, c, 1, 1));
        for (long k = 0; k < c; k++)
            for (long j = 0; j < c; j++)
                sums.SetDouble(k * c + j, l.Options.Float("alpha", 1e-4) * ((j >= k - (size - 1) / 2 && j <= k + size / 2 ? 1 : 0) - (j == size / 2 ? 1 : 0)));
        Value norms = l.Emit("Add", [l.Emit("Conv", [l.Emit("Mul", [l.Input, l.Input]), l.Constant("sums", sums)]), l.Scalar(l.Options.Float("kappa", 1))]);
        return l.Emit("Mul", [l.Input, l.Emit("Pow", [norms, l.Scalar(-l.Options.Float("beta", 0.75))])]);
    }

    /// <summary>Each place's channels over their length.</summary>
    [Darknet("l2norm")]
    private static Value L2Norm(DarknetLayer l) => l.Emit("Div", [l.Input, l.Emit("ReduceL2", [l.Input, l.Ints(1)], ("keepdims", 1))]);

    [Darknet("logistic")] private static Value Logistic(DarknetLayer l) => l.Emit("Sigmoid", [l.Input]);

    /// <summary>The middle of the picture, 2x - 1 unless noadjust.</summary>
    [Darknet("crop", Notes = "its middle, as at inference")]
    private static Value Crop(DarknetLayer l)
    {
        long h = l.Options.Int("crop_height", 1), w = l.Options.Int("crop_width", 1), top = (l.Size(l.Input, 2) - h) / 2, left = (l.Size(l.Input, 3) - w) / 2;
        if (h <= 0 || w <= 0 || h > l.Size(l.Input, 2) || w > l.Size(l.Input, 3)) throw l.InputError($"{h} x {w} places cannot be cut out of {l.Input.Shape}");
        Value y = l.Emit("Slice", [l.Input, l.Ints(top, left), l.Ints(top + h, left + w), l.Ints(2, 3)]);
        return l.Options.Int("noadjust", 0) != 0 ? y : l.Emit("Add", [l.Emit("Mul", [y, l.Scalar(2)]), l.Scalar(-1)]);
    }

    private static void Refuse(DarknetLayer l, params string[] options)
    {
        foreach (string option in options)
            if (l.Options.Int(option, 0) != 0) throw l.Error($"{option} is not supported");
    }

    /// <summary>Padding counts both sides together; its odd one is at the end. (size + padding - window) / stride + 1 windows.</summary>
    [Darknet("maxpool", "max", Limits = "maxpool_depth, antialiasing")]
    private static Value MaxPool(DarknetLayer l)
    {
        Refuse(l, "maxpool_depth", "antialiasing");
        long stride = l.Options.Int("stride", 1), size = l.Options.Int("size", stride), padding = l.Options.Int("padding", size - 1);
        long[] strides = [l.Options.Int("stride_y", stride), l.Options.Int("stride_x", stride)];
        if (padding < 0 || size <= 0) throw l.Error($"size {size} and padding {padding} are not sensible");
        long begin = padding / 2, end = padding - begin;
        return l.Emit("MaxPool", [l.Input], ("kernel_shape", (long[])[size, size]), ("strides", strides), ("pads", (long[])[begin, begin, end, end]));
    }

    [Darknet("avgpool", "avg", Notes = "over all places")] private static Value AvgPool(DarknetLayer l) => l.Emit("GlobalAveragePool", [l.Input]);

    /// <summary>Each element as stride x stride; with a stride below zero the sum of each such square.</summary>
    [Darknet("upsample", Notes = "nearest")]
    private static Value Upsample(DarknetLayer l)
    {
        Refuse(l, "reverse");
        long stride = l.Options.Int("stride", 2), size = Math.Abs(stride);
        double scale = l.Options.Float("scale", 1) * (stride < 0 ? size * size : 1);
        if (stride == 0 || stride < 0 && (l.Size(l.Input, 2) % size != 0 || l.Size(l.Input, 3) % size != 0)) throw l.InputError($"stride {stride} does not fit {l.Input.Shape}");
        Value y = stride < 0 ? l.Emit("AveragePool", [l.Input], ("kernel_shape", (long[])[size, size]), ("strides", (long[])[size, size]))
            : l.Emit("Resize", [l.Input, null, l.Constant("scales", Tensor.FromArray<float>([1, 1, stride, stride], new Shape(4)))],
                ("mode", "nearest"), ("coordinate_transformation_mode", "asymmetric"), ("nearest_mode", "floor"));
        return scale == 1 ? y : l.Emit("Mul", [y, l.Scalar(scale)]);
    }

    /// <summary>The memory [C, H, W] read as [C/s^2, H s, W s]; of that, s x s places become channels; the memory of the result is [C s^2, H/s, W/s].</summary>
    [Darknet("reorg", Notes = "reverse: the way back; flatten: [C, HW] as [HW, C]", Limits = "extra")]
    private static Value Reorg(DarknetLayer l)
    {
        Refuse(l, "extra");
        Value x = l.Input;
        long s = l.Options.Int("stride", 1), c = l.Size(x, 1), h = l.Size(x, 2), w = l.Size(x, 3);
        bool isBack = l.Options.Int("reverse", 0) != 0;
        if (s <= 0 || (isBack ? c % (s * s) != 0 : h % s != 0 || w % s != 0)) throw l.InputError($"{x.Shape} cannot be reorganised by {s}");
        long[] result = isBack ? [-1, c / (s * s), h * s, w * s] : [-1, c * s * s, h / s, w / s];
        if (l.Options.Int("flatten", 0) != 0) return l.Reshape(l.Transpose(isBack ? l.Reshape(x, -1, h * w, c) : l.Reshape(x, -1, c, h * w), 0, 2, 1), result);
        return (isBack ? l.Emit("DepthToSpace", [x], ("blocksize", s)) : Reorganized(l, x, s)) ?? throw l.InputError($"{x.Shape} cannot be reorganised by {s}");
    }

    /// <summary>Places become channels in the order of Darknet's reorg_cpu, which reads the input as [N, C/s^2, H*s, W*s]; null where the
    /// sizes do not allow it.</summary>
    internal static Value? Reorganized(NodeBuilder l, Value x, long s)
    {
        if (x.Shape is not { IsRanked: true, Rank: 4 } || s <= 0) return null;
        long c = x.Shape[1], h = x.Shape[2], w = x.Shape[3];
        if (c <= 0 || h <= 0 || w <= 0 || c % (s * s) != 0 || h % s != 0 || w % s != 0) return null;
        Value y = l.Emit("SpaceToDepth", [l.Reshape(x, -1, c / (s * s), h * s, w * s)], ("blocksize", s));
        return l.Reshape(y, -1, c * s * s, h / s, w / s);
    }

    [Darknet("route", Notes = "with groups")]
    private static Value Route(DarknetLayer l)
    {
        int groups = (int)l.Options.Int("groups", 1), group = (int)l.Options.Int("group_id", 0);
        Value[] parts = [.. l.Options.Ints("layers").Select(l.Layer)];
        if (parts.Length == 0) throw l.Damaged("layers is missing");
        if (groups < 1 || group < 0 || group >= groups) throw l.Damaged($"group {group} of {groups} does not exist");
        if (groups > 1)
            parts = [.. parts.Select(p =>
            {
                long each = l.Size(p, 1) / groups;
                return l.Emit("Slice", [p, l.Ints(group * each), l.Ints((group + 1) * each), l.Ints(1)]);
            })];
        return parts.Length == 1 ? parts[0] : l.Emit("Concat", [.. parts], ("axis", 1));
    }

    /// <summary>
    /// alpha times the layer before plus beta times other layers, where both have a channel and a place: of larger ones each stride-th place is taken, those of
    /// smaller ones come stride apart (blas.c, shortcut_cpu). What only the layer before has is left as it is.
    /// </summary>
    [Darknet("shortcut", Notes = "sizes may differ", Limits = "weights_type")]
    private static Value Shortcut(DarknetLayer l)
    {
        if (l.Options.Text("weights_type", "none") != "none") throw l.Error("weights_type is not supported");
        double alpha = l.Options.Float("alpha", 1), beta = l.Options.Float("beta", 1);
        Value y = l.Input;
        long[] size = [l.Size(y, 1), l.Size(y, 2), l.Size(y, 3)];
        foreach (int from in l.Options.Ints("from"))
        {
            Value other = l.Layer(from);
            long[] own = [l.Size(other, 1), l.Size(other, 2), l.Size(other, 3)];
            long stride = Math.Max(own[2] / size[2], 1), sample = Math.Max(size[2] / own[2], 1);
            if (own[1] / size[1] != own[2] / size[2] || size[1] / own[1] != size[2] / own[2]) throw l.InputError($"{other.Shape} and {y.Shape} have places that do not fit together");
            long[] count = [Math.Min(own[0], size[0]), Math.Min(own[1], size[1]), Math.Min(own[2], size[2])];
            if (stride > 1 || !count.SequenceEqual(own))
                other = l.Emit("Slice", [other, l.Ints(0, 0, 0), l.Ints(count[0], (count[1] - 1) * stride + 1, (count[2] - 1) * stride + 1), l.Ints(1, 2, 3), l.Ints(1, stride, stride)]);
            if (beta != 1) other = l.Emit("Mul", [other, l.Scalar(beta)]);
            if (alpha != 1) y = l.Emit("Mul", [y, l.Constant("alpha", Factors(size, count, sample, alpha))]);
            if (sample > 1)
            {
                Value apart = l.Emit("Pad", [l.Reshape(other, -1, count[0], count[1], 1, count[2], 1), l.Ints(0, 0, 0, 0, 0, 0, 0, 0, 0, sample - 1, 0, sample - 1)]);
                other = l.Reshape(apart, -1, count[0], count[1] * sample, count[2] * sample);
            }
            long[] rest = [size[0] - count[0], size[1] - count[1] * sample, size[2] - count[2] * sample];
            if (rest.Any(r => r != 0)) other = l.Emit("Pad", [other, l.Ints(0, 0, 0, 0, 0, rest[0], rest[1], rest[2])]);
            y = l.Emit("Add", [y, other]);
        }
        return l.Activate(y, "linear");
    }

    /// <summary>A factor for the elements that a shortcut adds to, 1 for others: [1, C, H, W].</summary>
    private static Tensor Factors(long[] size, long[] count, long sample, double factor)
    {
        var factors = new Tensor(DType.Float32, new Shape([1, .. size]));
        for (long i = 0; i < factors.Count; i++)
        {
            long x = i % size[2], y = i / size[2] % size[1], c = i / (size[1] * size[2]);
            factors.SetDouble(i, c < count[0] && x % sample == 0 && y % sample == 0 && x / sample < count[2] && y / sample < count[1] ? factor : 1);
        }
        return factors;
    }

    /// <summary>Another layer times the layer before, which has one number for each channel (or, sam, for each place).</summary>
    [Darknet("scale_channels", "sam", Limits = "scale_wh")]
    private static Value ScaleChannels(DarknetLayer l)
    {
        Refuse(l, "scale_wh");
        int[] from = l.Options.Ints("from");
        if (from.Length != 1) throw l.Damaged("from must name one layer");
        return l.Activate(l.Emit("Mul", [l.Layer(from[0]), l.Input]), "linear");
    }

    [Darknet("activation")] private static Value Activation(DarknetLayer l) => l.Activate(l.Input, "linear");

    [Darknet("dropout", "cost", "silence", Notes = "nothing at inference")] private static Value Same(DarknetLayer l) => l.Input;

    /// <summary>Over all numbers of a picture, in groups of equal size; spatial: over the channels of each place.</summary>
    [Darknet("softmax", "soft", Limits = "trees of classes")]
    private static Value Softmax(DarknetLayer l)
    {
        if (l.Options.Options.ContainsKey("tree")) throw l.Error("a tree of classes is not supported");
        long groups = l.Options.Int("groups", 1), h = l.Size(l.Input, 2), w = l.Size(l.Input, 3), c = l.Size(l.Input, 1);
        double temperature = l.Options.Float("temperature", 1);
        Value x = temperature == 1 ? l.Input : l.Emit("Mul", [l.Input, l.Scalar(1 / temperature)]);
        if (groups == 1 && (h * w == 1 || l.Options.Int("spatial", 0) != 0)) return l.Emit("Softmax", [x], ("axis", 1));
        if (groups < 1 || c * h * w % groups != 0) throw l.InputError($"{c * h * w} numbers cannot be in {groups} groups");
        return l.Reshape(l.Emit("Softmax", [l.Reshape(x, -1, groups, c * h * w / groups)], ("axis", 2)), -1, c, h, w);
    }

    /// <summary>For each of its anchors the channels x, y, w, h, objectness, classes..: logistic of all but w and h.</summary>
    [Darknet("yolo", Notes = "gives what Darknet's layer holds, [N, anchors (5 + classes), H, W]; boxes are not decoded", Limits = "new_coords")]
    private static Value Yolo(DarknetLayer l)
    {
        Refuse(l, "new_coords");
        int masks = l.Options.Ints("mask").Length;
        return Anchors(l, masks > 0 ? masks : l.Options.Int("num", 1), false, l.Options.Float("scale_x_y", 1));
    }

    /// <summary>As yolo; classes by softmax where it says so.</summary>
    [Darknet("region", Notes = "as yolo", Limits = "trees of classes")]
    private static Value Region(DarknetLayer l)
    {
        if (l.Options.Options.ContainsKey("tree") || l.Options.Options.ContainsKey("map")) throw l.Error("a tree of classes is not supported");
        return Anchors(l, l.Options.Int("num", 1), l.Options.Int("softmax", 0) != 0, 1, l.Options.Int("coords", 4), l.Options.Int("background", 0) != 0);
    }

    /// <summary>With a background, the objectness is that class.</summary>
    private static Value Anchors(DarknetLayer l, long anchors, bool hasSoftmax, double scale, long coords = 4, bool hasBackground = false)
    {
        long classes = l.Options.Int("classes", 20), c = l.Size(l.Input, 1), h = l.Size(l.Input, 2), w = l.Size(l.Input, 3);
        if (anchors <= 0 || classes < 0 || coords < 2 || anchors * (coords + 1 + classes) != c) throw l.InputError($"{anchors} anchors with {coords} + 1 + {classes} numbers each do not make {c} channels");
        long[] sizes = hasBackground && hasSoftmax ? [2, coords - 2, 0, 1 + classes] : [2, coords - 2, 1, classes];
        Value[] parts = l.EmitMany("Split", 4, [l.Reshape(l.Input, -1, anchors, coords + 1 + classes, h * w), l.Ints(sizes)], ("axis", 2));
        Value xy = l.Emit("Sigmoid", [parts[0]]);
        if (scale != 1) xy = l.Emit("Sub", [l.Emit("Mul", [xy, l.Scalar(scale)]), l.Scalar(0.5 * (scale - 1))]);
        Value[] joined = [xy, parts[1], hasBackground ? parts[2] : l.Emit("Sigmoid", [parts[2]]), hasSoftmax ? l.Emit("Softmax", [parts[3]], ("axis", 2)) : l.Emit("Sigmoid", [parts[3]])];
        return l.Reshape(l.Emit("Concat", [.. joined.Where((_, i) => sizes[i] > 0)], ("axis", 2)), -1, c, h, w);
    }

    /// <summary>With softmax over the classes of each of side x side places, whose numbers come first.</summary>
    [Darknet("detection", Notes = "boxes are not decoded")]
    private static Value Detection(DarknetLayer l)
    {
        if (l.Options.Int("softmax", 0) == 0) return l.Input;
        long side = l.Options.Int("side", 7), classes = l.Options.Int("classes", 1), c = l.Size(l.Input, 1), h = l.Size(l.Input, 2), w = l.Size(l.Input, 3), all = checked(c * h * w), first = checked(side * side * classes);
        if (classes <= 0 || first <= 0 || first > all) throw l.InputError($"{side} x {side} places of {classes} classes are more than {l.Input.Shape}");
        Value[] parts = l.EmitMany("Split", 2, [l.Emit("Flatten", [l.Input]), l.Ints(first, all - first)], ("axis", 1));
        Value likely = l.Reshape(l.Emit("Softmax", [l.Reshape(parts[0], -1, side * side, classes)], ("axis", 2)), -1, first);
        return l.Reshape(l.Emit("Concat", [likely, parts[1]], ("axis", 1)), -1, c, h, w);
    }

    /// <summary>Logistic of the classes; what tells instances apart is left as it is.</summary>
    [Darknet("iseg")]
    private static Value Instances(DarknetLayer l)
    {
        long classes = l.Options.Int("classes", 20), c = l.Size(l.Input, 1);
        if (classes <= 0 || classes > c) throw l.InputError($"{classes} classes are more than its {c} channels");
        if (classes == c) return l.Emit("Sigmoid", [l.Input]);
        Value[] parts = l.EmitMany("Split", 2, [l.Input, l.Ints(classes, c - classes)], ("axis", 1));
        return l.Emit("Concat", [l.Emit("Sigmoid", [parts[0]]), parts[1]], ("axis", 1));
    }
}
