using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.Darknet;

/// <summary>What each section of a .cfg computes (source: Darknet's src/*_layer.c and parser.c, and AlexeyAB's branch where it has more).</summary>
internal static class DarknetLayers
{
    /// <summary>Weights: bias, then scale, mean and variance with batch_normalize, then [out, in/groups, size, size].</summary>
    [Darknet("convolutional", "conv", Limits = "binary and xnor weights, flipped")]
    private static Value Convolutional(DarknetLayer l)
    {
        Refuse(l, "binary", "xnor", "flipped", "antialiasing", "share_index", "assisted_excitation");
        long filters = l.Options.Int("filters", 1), size = l.Options.Int("size", 1), groups = l.Options.Int("groups", 1), dilation = l.Options.Int("dilation", 1), channels = l.Size(l.Input, 1);
        if (groups <= 0 || channels % groups != 0 || filters % groups != 0) throw l.InputError($"{channels} channels, {filters} filters and {groups} groups do not fit together");
        long pad = Pad(l, size) * dilation, stride = l.Options.Int("stride", 1);
        long[] strides = [l.Options.Int("stride_y", stride), l.Options.Int("stride_x", stride)];
        (Tensor bias, Tensor[]? norm) = Ends(l, filters);
        Value w = l.Constant("weights", l.Weights.Take(l, "weights", filters, channels / groups, size, size));
        return Finish(l, norm, bias, b => l.Emit("Conv", b == null ? [l.Input, w] : [l.Input, w, b],
            ("kernel_shape", (long[])[size, size]), ("strides", strides), ("pads", (long[])[pad, pad, pad, pad]), ("dilations", (long[])[dilation, dilation]), ("group", groups)));
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

    /// <summary>Weights: bias, [out, in], then scale, mean and variance with batch_normalize.</summary>
    [Darknet("connected", "conn")]
    private static Value Connected(DarknetLayer l)
    {
        long outputs = l.Options.Int("output", 1), inputs = checked(l.Size(l.Input, 1) * l.Size(l.Input, 2) * l.Size(l.Input, 3));
        Tensor bias = l.Weights.Take(l, "bias", outputs);
        Value w = l.Constant("weights", l.Weights.IsTransposed ? l.Weights.Take(l, "weights", inputs, outputs) : l.Weights.Take(l, "weights", outputs, inputs));
        Tensor[]? norm = Norm(l, outputs);
        return Finish(l, norm, bias, b => l.Reshape(l.Emit("Gemm", b == null ? [l.Emit("Flatten", [l.Input]), w] : [l.Emit("Flatten", [l.Input]), w, b], ("transB", l.Weights.IsTransposed ? 0 : 1)), -1, outputs, 1, 1));
    }

    private static long Pad(DarknetLayer l, long size) => l.Options.Int("pad", 0) != 0 ? size / 2 : l.Options.Int("padding", 0);

    private static (Tensor Bias, Tensor[]? Norm) Ends(DarknetLayer l, long outputs) => (l.Weights.Take(l, "bias", outputs), Norm(l, outputs));

    private static Tensor[]? Norm(DarknetLayer l, long outputs) => l.Options.Int("batch_normalize", 0) == 0 ? null
        : [l.Weights.Take(l, "scale", outputs), l.Weights.Take(l, "mean", outputs), l.Weights.Take(l, "variance", outputs)];

    /// <summary>scale * (y - mean) / (sqrt(variance) + 1e-6) + bias (blas.c, normalize_cpu), then the activation.</summary>
    private static Value Finish(DarknetLayer l, Tensor[]? norm, Tensor bias, Func<Value?, Value> compute)
    {
        if (norm == null) return l.Activate(compute(l.Constant("bias", bias)), "logistic");
        // Written as 1 / sqrt(v + 0) with v = (sqrt(variance) + 1e-6)^2.
        for (long i = 0; i < norm[2].Count; i++) norm[2].SetDouble(i, Math.Pow(Math.Sqrt(Math.Max(norm[2].GetDouble(i), 0)) + 1e-6, 2));
        Value y = l.Emit("BatchNormalization", [compute(null), l.Constant("scale", norm[0]), l.Constant("bias", bias), l.Constant("mean", norm[1]), l.Constant("variance", norm[2])], ("epsilon", 0f));
        return l.Activate(y, "logistic");
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

    [Darknet("upsample", Notes = "nearest")]
    private static Value Upsample(DarknetLayer l)
    {
        Refuse(l, "reverse");
        float stride = l.Options.Int("stride", 2), scale = (float)l.Options.Float("scale", 1);
        if (stride < 1) throw l.Error($"stride {stride} is not supported");
        Value y = l.Emit("Resize", [l.Input, null, l.Constant("scales", Tensor.FromArray<float>([1, 1, stride, stride], new Shape(4)))],
            ("mode", "nearest"), ("coordinate_transformation_mode", "asymmetric"), ("nearest_mode", "floor"));
        return scale == 1 ? y : l.Emit("Mul", [y, l.Scalar(scale)]);
    }

    /// <summary>The memory [C, H, W] read as [C/s^2, H s, W s]; of that, s x s places become channels; the memory of the result is [C s^2, H/s, W/s].</summary>
    [Darknet("reorg", Limits = "reverse, flatten, extra")]
    private static Value Reorg(DarknetLayer l)
    {
        Refuse(l, "reverse", "flatten", "extra");
        long s = l.Options.Int("stride", 1);
        return Reorganized(l, l.Input, s) ?? throw l.InputError($"{l.Input.Shape} cannot be reorganised by {s}");
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

    /// <summary>The layer before, plus other layers of its size; channels that only one of them has are left as they are.</summary>
    [Darknet("shortcut", Notes = "channels may differ", Limits = "other sizes of places, weights_type")]
    private static Value Shortcut(DarknetLayer l)
    {
        if (l.Options.Text("weights_type", "none") != "none") throw l.Error("weights_type is not supported");
        Value y = l.Input;
        foreach (int from in l.Options.Ints("from"))
        {
            Value other = l.Layer(from);
            long want = l.Size(y, 1), have = l.Size(other, 1);
            if (l.Size(y, 2) != l.Size(other, 2) || l.Size(y, 3) != l.Size(other, 3)) throw l.InputError($"{other.Shape} and {y.Shape} have places of different sizes");
            if (have > want) other = l.Emit("Slice", [other, l.Ints(0), l.Ints(want), l.Ints(1)]);
            if (have < want) other = l.Emit("Pad", [other, l.Ints(0, 0, 0, 0, 0, want - have, 0, 0)]);
            y = l.Emit("Add", [y, other]);
        }
        return l.Activate(y, "linear");
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
    [Darknet("region", Notes = "as yolo", Limits = "trees of classes, background, coords other than 4")]
    private static Value Region(DarknetLayer l)
    {
        if (l.Options.Options.ContainsKey("tree") || l.Options.Options.ContainsKey("map")) throw l.Error("a tree of classes is not supported");
        Refuse(l, "background");
        if (l.Options.Int("coords", 4) != 4) throw l.Error("coords other than 4 are not supported");
        return Anchors(l, l.Options.Int("num", 1), l.Options.Int("softmax", 0) != 0, 1);
    }

    private static Value Anchors(DarknetLayer l, long anchors, bool hasSoftmax, double scale)
    {
        long classes = l.Options.Int("classes", 20), c = l.Size(l.Input, 1), h = l.Size(l.Input, 2), w = l.Size(l.Input, 3);
        if (anchors <= 0 || classes < 0 || anchors * (5 + classes) != c) throw l.InputError($"{anchors} anchors with 5 + {classes} numbers each do not make {c} channels");
        Value[] parts = l.EmitMany("Split", classes > 0 ? 4 : 3, [l.Reshape(l.Input, -1, anchors, 5 + classes, h * w), classes > 0 ? l.Ints(2, 2, 1, classes) : l.Ints(2, 2, 1)], ("axis", 2));
        Value xy = l.Emit("Sigmoid", [parts[0]]);
        if (scale != 1) xy = l.Emit("Sub", [l.Emit("Mul", [xy, l.Scalar(scale)]), l.Scalar(0.5 * (scale - 1))]);
        Value?[] joined = [xy, parts[1], l.Emit("Sigmoid", [parts[2]]), .. classes == 0 ? [] : (Value?[])[hasSoftmax ? l.Emit("Softmax", [parts[3]], ("axis", 2)) : l.Emit("Sigmoid", [parts[3]])]];
        return l.Reshape(l.Emit("Concat", joined, ("axis", 2)), -1, c, h, w);
    }

    [Darknet("detection", Notes = "gives what it is given; boxes are not decoded", Limits = "softmax")]
    private static Value Detection(DarknetLayer l)
    {
        Refuse(l, "softmax");
        return l.Input;
    }
}
