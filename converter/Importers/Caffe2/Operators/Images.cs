using EdgeLite.Converter.Ir;
using EdgeLite.Core;
using EdgeLite.Ops;

namespace EdgeLite.Converter.Importers.Caffe2.Operators;

/// <summary>Operators over blobs with channels and places (source: caffe2/operators, documentation of Caffe2's operators). What computes
/// on NHWC blobs stands between transposes, which the passes remove.</summary>
internal static class Images
{
    private enum LegacyPad
    {
        NotSet,
        Valid,
        Same,
        Caffe,
    }

    /// <summary>Filters are [out, in/groups, kernel..]; in NHWC [out, kernel.., in/groups].</summary>
    [Caffe2("Conv", "Conv1D", "Conv2D", "Conv3D", Limits = "legacy_pad of Caffe's pooling")]
    private static void Conv(Caffe2Operator o)
    {
        Value x = o.ChannelsFirst(), w = o.ChannelsFirst(1);
        int n = o.RankOf(w) - 2;
        if (n < 1) throw o.InputError($"filter {w.Shape} has no spatial axis");
        if (o.Int("legacy_pad", 0) == (long)LegacyPad.Caffe) throw o.Error("legacy_pad of Caffe's pooling is not supported here");
        Value?[] operands = o.InputCount > 2 ? [x, w, o.Input(2)] : [x, w];
        o.SetChannelsFirst(0, o.Emit("Conv", operands, [("group", o.Int("group", 1)), .. Windows(o, x, n, [.. w.Shape.AsSpan()[2..]])]));
    }

    /// <summary>Filters are [in, out/groups, kernel..]; in NHWC [in, kernel.., out/groups].</summary>
    [Caffe2("ConvTranspose")]
    private static void ConvTranspose(Caffe2Operator o)
    {
        Value x = o.ChannelsFirst(), w = o.ChannelsFirst(1);
        int n = o.RankOf(w) - 2;
        if (n < 1) throw o.InputError($"filter {w.Shape} has no spatial axis");
        if (o.Int("legacy_pad", 0) is not (0 or 1)) throw o.Error("legacy_pad is not supported here");
        Value?[] operands = o.InputCount > 2 ? [x, w, o.Input(2)] : [x, w];
        o.SetChannelsFirst(0, o.Emit("ConvTranspose", operands, ("kernel_shape", w.Shape.AsSpan()[2..].ToArray()), ("strides", o.Spatial("strides", "stride", 1, n)), ("pads", o.Pads(n)),
            ("output_padding", o.Spatial("adjs", "adj", 0, n)), ("group", o.Int("group", 1))));
    }

    /// <summary>Sizes round down; averages leave padding out. Caffe's legacy padding rounds up.</summary>
    [Caffe2("MaxPool", "MaxPool1D", "MaxPool2D", "MaxPool3D", "AveragePool", "AveragePool1D", "AveragePool2D", "AveragePool3D", "LpPool", Notes = "all of legacy_pad")]
    private static void Pool(Caffe2Operator o)
    {
        string kind = o.Type.StartsWith("Max", StringComparison.Ordinal) ? "MaxPool" : o.Type.StartsWith("Lp", StringComparison.Ordinal) ? "LpPool" : "AveragePool";
        Value x = o.ChannelsFirst();
        var attributes = new List<(string, AttributeValue)>();
        if (kind == "LpPool") attributes.Add(("p", (long)o.Float("p", 2)));
        if (o.Int("global_pooling", 0) != 0)
        {
            o.SetChannelsFirst(0, o.Emit($"Global{kind}", [x], [.. attributes]));
            return;
        }
        int n = x.Shape.IsRanked ? x.Shape.Rank - 2 : o.Ints("kernels")?.Length ?? 2;
        long[] kernel = o.Spatial("kernels", "kernel", 0, n);
        if (kernel.Any(k => k <= 0)) throw o.Damaged("kernel is missing");
        attributes.AddRange(Windows(o, x, n, kernel));
        if ((LegacyPad)o.Int("legacy_pad", 0) == LegacyPad.Caffe)
        {
            attributes.Add(("ceil_mode", 1));
            long[] strides = o.Spatial("strides", "stride", 1, n), pads = o.Pads(n);
            // A last window that begins behind its input is left out where there is padding in front; where there is none, Caffe2 reads what lies there.
            for (int i = 0; i < n && x.Shape.IsRanked; i++)
                if (x.Shape[i + 2] is var size && size >= kernel[i] && pads[i] == 0 && (size + pads[i + n] - kernel[i] + strides[i] - 1) / strides[i] * strides[i] >= size)
                    throw o.InputError($"the last window of {kernel[i]} places, in steps of {strides[i]}, would begin behind its input of {size}; Caffe2's result is not defined there");
        }
        if (kind == "AveragePool") attributes.Add(("count_include_pad", o.Int("count_include_pad", 0)));
        o.SetChannelsFirst(0, o.Emit(kind, [x], [.. attributes]));
    }

    private static (string, AttributeValue)[] Windows(Caffe2Operator o, Value x, int n, long[] kernel)
    {
        long[] strides = o.Spatial("strides", "stride", 1, n), dilations = o.Spatial("dilations", "dilation", 1, n);
        var legacy = (LegacyPad)o.Int("legacy_pad", 0);
        long[]? pads = legacy switch
        {
            LegacyPad.NotSet or LegacyPad.Caffe => o.Pads(n),
            LegacyPad.Valid => new long[2 * n],
            LegacyPad.Same when x.Shape.IsRanked => SamePadding.Pads(x.Shape.AsSpan()[2..], kernel, strides, dilations),
            LegacyPad.Same => null,
            _ => throw o.Error($"legacy_pad {(int)legacy} is not known"),
        };
        return [("kernel_shape", kernel), ("strides", strides), ("dilations", dilations), pads == null ? ("auto_pad", "SAME_UPPER") : ("pads", pads)];
    }

    [Caffe2("LRN", Limits = "the scale as second result")]
    private static void Lrn(Caffe2Operator o) => o.SetChannelsFirst(0, o.Emit("LRN", [o.ChannelsFirst()],
        ("size", o.Int("size", 0)), ("alpha", (float)o.Float("alpha", 0)), ("beta", (float)o.Float("beta", 0)), ("bias", (float)o.Float("bias", 1))));

    [Caffe2("SpatialBN", Limits = "is_test 0, the statistics of each batch")]
    private static void SpatialBn(Caffe2Operator o)
    {
        if (o.Int("is_test", 0) == 0) throw o.Error("is_test is 0: statistics of each batch are not supported; save the network for prediction");
        o.SetChannelsFirst(0, o.Emit("BatchNormalization", [o.ChannelsFirst(), o.Input(1), o.Input(2), o.Input(3), o.Input(4)], ("epsilon", (float)o.Float("epsilon", 1e-5))));
    }

    [Caffe2("InstanceNorm", Limits = "mean and deviation as results")]
    private static void InstanceNorm(Caffe2Operator o) => o.SetChannelsFirst(0, o.Emit("InstanceNormalization", [o.ChannelsFirst(), o.Input(1), o.Input(2)], ("epsilon", (float)o.Float("epsilon", 1e-5))));

    [Caffe2("GroupNorm", Limits = "mean and deviation as results")]
    private static void GroupNorm(Caffe2Operator o) => o.SetChannelsFirst(0, o.Emit("GroupNormalization", [o.ChannelsFirst(), o.Input(1), o.Input(2)],
        ("num_groups", o.Int("group", 32)), ("epsilon", (float)o.Float("epsilon", 1e-5))));

    [Caffe2("PRelu")]
    private static void PRelu(Caffe2Operator o)
    {
        Value x = o.ChannelsFirst();
        o.SetChannelsFirst(0, o.Emit("PRelu", [x, PerChannel(o, x, o.Input(1))]));
    }

    /// <summary>x * scale[c] + bias[c]</summary>
    [Caffe2("AffineChannel")]
    private static void AffineChannel(Caffe2Operator o)
    {
        Value x = o.ChannelsFirst();
        o.SetChannelsFirst(0, o.Emit("Add", [o.Emit("Mul", [x, PerChannel(o, x, o.Input(1))]), PerChannel(o, x, o.Input(2))]));
    }

    /// <summary>(x - mean[c]) / deviation[c]</summary>
    [Caffe2("NormalizePlanarYUV")]
    private static void NormalizePlanar(Caffe2Operator o) => o.SetOutput(0, o.Emit("Div", [o.Emit("Sub", [o.Input(), o.Reshape(o.Input(1), 1, -1, 1, 1)]), o.Reshape(o.Input(2), 1, -1, 1, 1)]));

    /// <summary>[C] in the form that broadcasts over [N,C,..].</summary>
    private static Value PerChannel(Caffe2Operator o, Value x, Value channels)
    {
        int trailing = (x.Shape.IsRanked ? x.Shape.Rank : 4) - 2;
        return trailing == 0 || channels.Shape is { IsKnown: true, Count: 1 } ? channels : o.Reshape(channels, [-1, .. Enumerable.Repeat(1L, trailing)]);
    }

    /// <summary>Place floor(i / scale) of the input; sizes round down.</summary>
    [Caffe2("ResizeNearest", "UpsampleNearest", Limits = "scales as an input")]
    private static void ResizeNearest(Caffe2Operator o)
    {
        if (o.InputCount > 1) throw o.Error("scales as an input are not supported");
        double both = o.Int("scale", 1);
        Value scales = o.Constant("scales", Tensor.FromArray<float>([1, 1, (float)o.Float("height_scale", both), (float)o.Float("width_scale", both)], new Shape(4)));
        o.SetChannelsFirst(0, o.Emit("Resize", [o.ChannelsFirst(), null, scales], ("mode", "nearest"), ("coordinate_transformation_mode", "asymmetric"), ("nearest_mode", "floor")));
    }

    /// <summary>Corners stay where they are: place i * (in - 1) / (out - 1).</summary>
    [Caffe2("UpsampleBilinear", Limits = "scales as an input")]
    private static void UpsampleBilinear(Caffe2Operator o)
    {
        if (o.InputCount > 1) throw o.Error("scales as an input are not supported");
        Value x = o.ChannelsFirst();
        float high = (float)o.Float("height_scale", 1), wide = (float)o.Float("width_scale", 1);
        // Sizes are rounded down before places are told from them.
        Value?[] given = o.RankOf(x) == 4 && x.Shape[2] > 0 && x.Shape[3] > 0
            ? [x, null, null, o.Emit("Concat", [o.Emit("Shape", [x], ("start", 0), ("end", 2)), o.Ints((long)(x.Shape[2] * high), (long)(x.Shape[3] * wide))], ("axis", 0))]
            : [x, null, o.Constant("scales", Tensor.FromArray<float>([1, 1, high, wide], new Shape(4)))];
        o.SetChannelsFirst(0, o.Emit("Resize", given, ("mode", "linear"), ("coordinate_transformation_mode", "align_corners")));
    }

    /// <summary>Channel g * (C/G) + k goes to k * G + g.</summary>
    [Caffe2("ChannelShuffle")]
    private static void ChannelShuffle(Caffe2Operator o)
    {
        Value x = o.ChannelsFirst();
        long groups = o.Int("group", 1), channels = o.RankOf(x) > 1 ? x.Shape[1] : -1;
        if (groups <= 0 || channels <= 0 || channels % groups != 0) throw o.InputError($"{channels} channels cannot be shuffled in {groups} groups");
        Value y = o.Transpose(o.Reshape(x, 0, groups, channels / groups, -1), 0, 2, 1, 3);
        o.SetChannelsFirst(0, o.Emit("Reshape", [y, o.Emit("Shape", [x])]));
    }

    [Caffe2("PadImage")]
    private static void PadImage(Caffe2Operator o)
    {
        long[] p = o.Pads(2);
        string mode = o.Text("mode", "constant");
        if (mode is not ("constant" or "reflect" or "edge")) throw o.Error($"mode '{mode}' is not known");
        o.SetChannelsFirst(0, o.Emit("Pad", [o.ChannelsFirst(), o.Ints(0, 0, p[0], p[1], 0, 0, p[2], p[3]), o.Scalar(o.Float("value", 0))], ("mode", mode)));
    }

    /// <summary>Regions are [batch, x1, y1, x2, y2], or the corners alone for the only image.</summary>
    [Caffe2("RoIAlign")]
    private static void RoiAlign(Caffe2Operator o)
    {
        Value rois = o.Input(1);
        bool hasBatch = o.RankOf(rois) == 2 && rois.Shape[1] != 4;
        Value boxes = hasBatch ? o.Emit("Slice", [rois, o.Ints(1), o.Ints(5), o.Ints(1)]) : rois;
        Value first = o.Emit("Gather", [rois, o.Constant("zero", Tensor.FromScalar(0L))], ("axis", 1));
        Value batch = o.Cast(hasBatch ? first : o.Emit("Mul", [first, o.Scalar(0)]), DType.Int64);
        o.SetChannelsFirst(0, o.Emit("RoiAlign", [o.ChannelsFirst(), boxes, batch], ("spatial_scale", (float)o.Float("spatial_scale", 1)), ("output_height", o.Int("pooled_h", 1)),
            ("output_width", o.Int("pooled_w", 1)), ("sampling_ratio", Math.Max(o.Int("sampling_ratio", -1), 0)), ("coordinate_transformation_mode", o.Int("aligned", 0) != 0 ? "half_pixel" : "output_half_pixel")));
    }

    [Caffe2("NHWC2NCHW")]
    private static void ToChannelsFirst(Caffe2Operator o) => o.SetOutput(0, o.ToChannelsFirst(o.Input()));

    [Caffe2("NCHW2NHWC")]
    private static void ToChannelsLast(Caffe2Operator o) => o.SetOutput(0, o.ToChannelsLast(o.Input()));
}
