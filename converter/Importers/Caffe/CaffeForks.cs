using EdgeLite.Converter.Importers.Caffe.Proto;
using EdgeLite.Converter.Importers.Darknet;
using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.Caffe;

/// <summary>Layers that well-known forks of Caffe have: DeepLab, SegNet, PSPNet, Fast R-CNN, ShuffleNet, SENet, YOLO; each by its .cpp file.</summary>
internal static class CaffeForks
{
    /// <summary>Bilinear, corners on corners. zoom: in + (in - 1) * (zoom - 1); shrink: (in - 1) / shrink + 1 (interp_layer.cpp of DeepLab).</summary>
    [Caffe("Interp", Limits = "pad_beg and pad_end other than 0")]
    private static void Interp(CaffeLayer l)
    {
        InterpParameter p = l.Parameter.InterpParam ?? throw l.Damaged("interp_param is missing");
        Value x = l.Bottom();
        if (p.PadBeg != 0 || p.PadEnd != 0) throw l.Error("padding is not supported");
        if (l.RankOf(x) != 4 || x.Shape[1] < 0) throw l.InputError("its input must be [N,C,H,W] of known channels");
        long Size(int axis, bool isGiven, long given)
        {
            if (l.BottomCount > 1) return l.Bottom(1).Shape[axis];
            if (isGiven) return given;
            long size = x.Shape[axis];
            if (p.HasShrinkFactor) size = (size - 1) / p.ShrinkFactor + 1;
            return p.HasZoomFactor ? size + (size - 1) * (p.ZoomFactor - 1) : size;
        }
        long h = Size(2, p.HasHeight, p.Height), w = Size(3, p.HasWidth, p.Width);
        if (h <= 0 || w <= 0) throw l.InputError("the size of its result is not known");
        l.SetTop(0, l.Emit("Resize", [x, null, null, l.Ints(h, w)], ("mode", "linear"), ("coordinate_transformation_mode", "align_corners"), ("axes", (long[])[2, 3])));
    }

    /// <summary>[N, g, C/g, H, W] -> [N, C/g, g, H, W]</summary>
    [Caffe("ShuffleChannel")]
    private static void ShuffleChannel(CaffeLayer l)
    {
        Value x = l.Bottom();
        long groups = l.Parameter.ShuffleChannelParam?.Group ?? 1;
        if (l.RankOf(x) != 4 || x.Shape[1] <= 0 || groups <= 0 || x.Shape[1] % groups != 0 || x.Shape[2] < 0 || x.Shape[3] < 0) throw l.InputError($"{groups} groups do not fit its input {x.Shape}");
        Value split = l.Reshape(x, 0, groups, x.Shape[1] / groups, x.Shape[2], x.Shape[3]);
        l.SetTop(0, l.Reshape(l.Transpose(split, 0, 2, 1, 3, 4), 0, x.Shape[1], x.Shape[2], x.Shape[3]));
    }

    /// <summary>a * x + y, a for each channel: [N, C] or [N, C, 1, 1].</summary>
    [Caffe("Axpy")]
    private static void Axpy(CaffeLayer l)
    {
        Value a = l.Bottom(), x = l.Bottom(1);
        if (l.RankOf(a) == 2) a = l.Emit("Unsqueeze", [a, l.Ints(2, 3)]);
        l.SetTop(0, l.Emit("Add", [l.Emit("Mul", [x, a]), l.Bottom(2)]));
    }

    /// <summary>What a maximum pool gives beside the largest elements: where each lies in its channel, as a number.</summary>
    internal static Value Mask(CaffeLayer l, Value indices, Shape pooled)
    {
        if (pooled is not { IsRanked: true, Rank: 4 } || pooled[2] < 0 || pooled[3] < 0) throw l.InputError("for a mask the size of its input must be known");
        return l.Emit("Cast", [l.Emit("Mod", [indices, l.Constant("places", Tensor.FromScalar(pooled[2] * pooled[3]))])], ("to", (long)DType.Float32));
    }

    /// <summary>Every element scale x scale times; with a mask (SegNet) each element where the pool found it, zeros elsewhere.</summary>
    [Caffe("Upsample", Limits = "a mask that no pool of the network made")]
    private static void Upsample(CaffeLayer l)
    {
        UpsampleParameter p = l.Parameter.UpsampleParam ?? new UpsampleParameter();
        Value x = l.Bottom();
        if (l.BottomCount == 1)
        {
            l.SetTop(0, l.Emit("Resize", [x, null, l.Constant("scales", Tensor.FromArray<float>([1, 1, p.Scale, p.Scale], new Shape(4)))], ("mode", "nearest"),
                ("coordinate_transformation_mode", "asymmetric"), ("nearest_mode", "floor")));
            return;
        }
        if (l.Bottom(1).Producer?.Inputs[0]?.Producer is not { OpType: "Mod" } mod || mod.Inputs[0]!.Producer is not { OpType: "MaxPool" } pool) throw l.InputError("its mask is not that of a pooling layer");
        Shape pooled = pool.Inputs[0]!.Shape;
        long h = p.HasUpsampleH ? p.UpsampleH : x.Shape[2] * p.Scale, w = p.HasUpsampleW ? p.UpsampleW : x.Shape[3] * p.Scale;
        if (h != pooled[2] || w != pooled[3]) throw l.InputError($"it makes maps of {h} x {w} from a mask over {pooled[2]} x {pooled[3]}");
        Value shape = l.Emit("Shape", [pool.Inputs[0]!]);
        l.SetTop(0, l.Emit("MaxUnpool", [x, mod.Inputs[0]!, shape], ("kernel_shape", pool.Attributes.Ints("kernel_shape")!), ("strides", pool.Attributes.Ints("strides")!), ("pads", pool.Attributes.Ints("pads")!)));
    }

    /// <summary>Places become channels, in Darknet's order (YOLO v2).</summary>
    [Caffe("Reorg", Limits = "reverse")]
    private static void Reorg(CaffeLayer l)
    {
        ReorgParameter p = l.Parameter.ReorgParam ?? new ReorgParameter();
        if (p.Reverse) throw l.Error("reverse is not supported");
        l.SetTop(0, DarknetLayers.Reorganized(l, l.Bottom(), p.Stride) ?? throw l.InputError($"{l.Bottom().Shape} cannot be reorganized by {p.Stride}"));
    }

    /// <summary>Relu of x beside that of -x.</summary>
    [Caffe("CReLU")]
    private static void CRelu(CaffeLayer l)
    {
        CReLUParameter p = l.Parameter.CreluParam ?? new CReLUParameter();
        Value x = l.Bottom();
        Value Rectified(Value v) => p.NegativeSlope == 0 ? l.Emit("Relu", [v]) : l.Emit("LeakyRelu", [v], ("alpha", p.NegativeSlope));
        l.SetTop(0, l.Emit("Concat", [Rectified(x), Rectified(l.Emit("Neg", [x]))], ("axis", l.Axis(p.ConcatAxis, l.RankOf(x)))));
    }

    /// <summary>(x, regions [R, 5]: picture, left, top, right, bottom) -> [R, C, pooled_h, pooled_w]</summary>
    [Caffe("ROIPooling")]
    private static void RoiPooling(CaffeLayer l)
    {
        ROIPoolingParameter p = l.Parameter.RoiPoolingParam ?? throw l.Damaged("roi_pooling_param is missing");
        l.SetTop(0, l.Emit("MaxRoiPool", [l.Bottom(), l.Reshape(l.Bottom(1), -1, 5)], ("pooled_shape", (long[])[p.PooledH, p.PooledW]), ("spatial_scale", p.SpatialScale)));
    }

    /// <summary>
    /// Of R-FCN (psroi_pooling_layer.cu): (x [1, D g^2, H, W], regions [R, 5]) -> [R, D, g, g]; the average of channel (d g + i) g + j over part
    /// (i, j) of the region, 0 where a part is empty. Sums over parts are differences of a table of sums from the corner, in float64.
    /// </summary>
    [Caffe("PSROIPooling", Limits = "several pictures")]
    private static void PositionSensitiveRoiPooling(CaffeLayer l)
    {
        PSROIPoolingParameter p = l.Parameter.PsroiPoolingParam ?? throw l.Damaged("psroi_pooling_param is missing");
        Value x = l.Bottom();
        long g = p.GroupSize, d = p.OutputDim;
        if (g is < 1 or > 256 || d < 1 || l.RankOf(x) != 4 || x.Shape[1] != d * g * g || x.Shape[2] <= 0 || x.Shape[3] <= 0 || x.Shape[0] > 1) throw l.InputError($"{d} outputs of {g} x {g} parts do not fit its input {x.Shape}");
        long h = x.Shape[2], w = x.Shape[3];
        Value Whole(double value) => l.Constant("number", Tensor.FromScalar((long)value));
        Value table = l.Emit("CumSum", [l.Emit("CumSum", [l.Cast(x, DType.Float64), Whole(2)]), Whole(3)]);
        table = l.Reshape(l.Emit("Pad", [table, l.Ints(0, 0, 1, 1, 0, 0, 0, 0)]), -1);

        Value regions = l.Reshape(l.Bottom(1), -1, 5);
        Value Edge(int column, double more) // [R, 1]
        {
            Value edge = l.Emit("Slice", [regions, l.Ints(column), l.Ints(column + 1), l.Ints(1)]);
            return l.Emit("Mul", [l.Emit("Floor", [l.Emit("Add", [edge, l.Scalar(0.5 + more)])]), l.Scalar(p.SpatialScale)]);
        }
        // Where the parts begin and end along an axis of so many places: [R, g] each.
        (Value From, Value To) Parts(int column, long places)
        {
            Value start = Edge(column, 0), part = l.Emit("Div", [l.Emit("Max", [l.Emit("Sub", [Edge(column + 2, 1), start]), l.Scalar(0.1)]), l.Scalar(g)]);
            Value Bound(string round, int shift)
            {
                Value at = l.Emit("Mul", [part, l.Constant("parts", Tensor.FromArray<float>([.. Enumerable.Range(shift, (int)g).Select(k => (float)k)], new Shape(1, g)))]);
                return l.Cast(l.Emit("Clip", [l.Emit(round, [l.Emit("Add", [at, start])]), l.Scalar(0), l.Scalar(places)]), DType.Int64);
            }
            return (Bound("Floor", 0), Bound("Ceil", 1));
        }
        (Value top, Value bottom) = Parts(2, h);
        (Value left, Value right) = Parts(1, w);
        Value Rows(Value v) => l.Emit("Unsqueeze", [v, l.Ints(1, 3)]);
        Value Columns(Value v) => l.Emit("Unsqueeze", [v, l.Ints(1, 2)]);
        Value maps = l.Constant("maps", Tensor.FromArray<long>([.. Enumerable.Range(0, (int)(d * g * g)).Select(k => k * (h + 1) * (w + 1))], new Shape(1, d, g, g)));
        Value Sum(Value row, Value column) => // of all above and to the left: [R, D, g, g]
            l.Emit("Gather", [table, l.Emit("Add", [maps, l.Emit("Add", [l.Emit("Mul", [Rows(row), Whole(w + 1)]), Columns(column)])])], ("axis", 0));
        Value sum = l.Emit("Add", [l.Emit("Sub", [l.Emit("Sub", [Sum(bottom, right), Sum(top, right)]), Sum(bottom, left)]), Sum(top, left)]);
        Value count = l.Emit("Mul", [Rows(l.Emit("Max", [l.Emit("Sub", [bottom, top]), Whole(0)])), Columns(l.Emit("Max", [l.Emit("Sub", [right, left]), Whole(0)]))]);
        Value average = l.Emit("Div", [sum, l.Cast(l.Emit("Max", [count, Whole(1)]), DType.Float64)]);
        l.SetTop(0, l.Cast(l.Emit("Where", [l.Emit("Greater", [count, Whole(0)]), average, l.Constant("zero", Tensor.FromScalar(0.0))]), DType.Float32));
    }

    /// <summary>Of SegNet: scale and shift, with the statistics already in them. Of PSPNet: slope, bias, mean and variance.</summary>
    [Caffe("BN", Limits = "bn_mode LEARN with two blobs")]
    private static void Bn(CaffeLayer l)
    {
        BNParameter p = l.Parameter.BnParam ?? new BNParameter();
        Value x = l.Bottom();
        long channels = l.WeightCount(0);
        Value Blob(string role, int i, params long[] dims) => l.Constant(role, l.Weights(i, dims));
        switch (l.BlobCount)
        {
            case 4:
                l.SetTop(0, l.Emit("BatchNormalization", [x, Blob("slope", 0, channels), Blob("bias", 1, channels), Blob("mean", 2, channels), Blob("variance", 3, channels)], ("epsilon", p.Eps)));
                break;
            case 2 when p.BnMode == BNParameter.Types.BNMode.Inference:
            {
                long[] spread = [channels, .. Enumerable.Repeat(1L, l.RankOf(x) - 2)];
                l.SetTop(0, l.Emit("Add", [l.Emit("Mul", [x, Blob("scale", 0, spread)]), Blob("shift", 1, spread)]));
                break;
            }
            default: throw l.Error($"it has {l.BlobCount} blobs and bn_mode {p.BnMode}; two blobs with bn_mode INFERENCE or four are supported");
        }
    }

    /// <summary>Pyramid pooling: maps of 1, 2 x 2, 4 x 4 ... windows, flattened one after another; one window alone is not flattened (spp_layer.cpp).</summary>
    [Caffe("SPP", Limits = "stochastic pooling")]
    private static void Spp(CaffeLayer l)
    {
        SPPParameter p = l.Parameter.SppParam ?? throw l.Damaged("spp_param is missing");
        Value x = l.Bottom();
        if (p.Pool == SPPParameter.Types.PoolMethod.Stochastic) throw l.Error("stochastic pooling is not supported");
        if (l.RankOf(x) != 4 || x.Shape[2] <= 0 || x.Shape[3] <= 0 || p.PyramidHeight is < 1 or > 16) throw l.InputError($"a pyramid of {p.PyramidHeight} over {x.Shape} is not possible");
        var levels = new List<Value>();
        for (int level = 0; level < p.PyramidHeight; level++)
        {
            long bins = 1L << level;
            (long Kernel, long Pad) Window(long size) => ((size + bins - 1) / bins, ((size + bins - 1) / bins * bins - size + 1) / 2);
            (long h, long padH) = Window(x.Shape[2]);
            (long w, long padW) = Window(x.Shape[3]);
            bool isMax = p.Pool == SPPParameter.Types.PoolMethod.Max;
            var attributes = new List<(string, Ops.AttributeValue)> { ("kernel_shape", (long[])[h, w]), ("strides", (long[])[h, w]), ("pads", (long[])[padH, padW, padH, padW]), ("ceil_mode", 1) };
            if (!isMax) attributes.Add(("count_include_pad", 1));
            levels.Add(l.Emit(isMax ? "MaxPool" : "AveragePool", [x], [.. attributes]));
        }
        l.SetTop(0, levels.Count == 1 ? levels[0] : l.Emit("Concat", [.. levels.Select(v => l.Emit("Flatten", [v], ("axis", 1)))], ("axis", 1)));
    }

    [Caffe("Clip")]
    private static void Clip(CaffeLayer l)
    {
        ClipParameter p = l.Parameter.ClipParam ?? throw l.Damaged("clip_param is missing");
        l.SetTop(0, l.Emit("Clip", [l.Bottom(), l.Scalar(p.Min), l.Scalar(p.Max)]));
    }
}
