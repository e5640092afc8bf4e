using EdgeLite.Converter.Importers.Caffe.Proto;
using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.Caffe;

/// <summary>What each of Caffe's layers computes, as ONNX operators (source: the layers' .cpp files and their documentation). Blobs are
/// [N,C,H,W], as in ONNX.</summary>
internal static class CaffeConversions
{
    [Caffe("Convolution", "DepthwiseConvolution", "ConvolutionDepthwise")]
    private static void Convolution(CaffeLayer l) => Convolve(l, "Conv", (inputs, outputs, groups) => [outputs, inputs / groups]);

    [Caffe("Deconvolution")]
    private static void Deconvolution(CaffeLayer l) => Convolve(l, "ConvTranspose", (inputs, outputs, groups) => [inputs, outputs / groups]);

    /// <summary>Axes before that of the channels count as pictures. Weights are [the two sizes that <paramref name="lead"/> makes of inputs, outputs and
    /// groups, kernel..].</summary>
    private static void Convolve(CaffeLayer l, string opType, Func<long, long, long, long[]> lead)
    {
        ConvolutionParameter p = l.Parameter.ConvolutionParam ?? throw l.Damaged("convolution_param is missing");
        Value x = l.Bottom();
        int rank = l.RankOf(x), axis = l.Axis(p.Axis, rank), n = rank - axis - 1;
        Shape shape = x.Shape;
        long outputs = p.NumOutput, inputs = shape[axis], groups = l.Parameter.Type is "Convolution" or "Deconvolution" || p.HasGroup ? p.Group : inputs;
        long[] kernel = Each(l, p.KernelSize, n, p.HasKernelH, p.KernelH, p.KernelW, -1);
        if (groups <= 0 || inputs < 0 || inputs % groups != 0 || outputs <= 0 || outputs % groups != 0) throw l.InputError($"{inputs} channels, {outputs} outputs and {groups} groups do not fit together");
        Value w = l.Constant("weight", l.Weights(0, [.. lead(inputs, outputs, groups), .. kernel]));
        if (axis != 1) x = l.Reshape(x, [-1, .. Known(l, shape, axis)]);
        Value y = l.Emit(opType, p.BiasTerm ? [x, w, l.Constant("bias", l.Weights(1, outputs))] : [x, w], [.. Window(l, p, n), ("group", groups)]);
        if (axis != 1) y = l.Reshape(y, [.. axis > 0 ? [-1L, .. Known(l, shape, 1)[..(axis - 1)]] : Array.Empty<long>(), .. Known(l, y.Shape, 1)]);
        l.SetTop(0, y);
    }

    /// <summary>[N, C, H, W] -> [N, C kh kw, H', W']: what lies under each window, made by a convolution whose weights each take one place.</summary>
    [Caffe("Im2col")]
    private static void Im2col(CaffeLayer l)
    {
        ConvolutionParameter p = l.Parameter.ConvolutionParam ?? throw l.Damaged("convolution_param is missing");
        Value x = l.Bottom();
        int n = l.RankOf(x) - 2;
        long[] kernel = Each(l, p.KernelSize, n, p.HasKernelH, p.KernelH, p.KernelW, -1);
        long channels = x.Shape[1], places = kernel.Aggregate(1L, (a, b) => checked(a * b));
        if (p.Axis != 1 || channels <= 0 || places <= 0 || checked(channels * places * places) > 1 << 24) throw l.InputError($"windows of {places} places on {channels} channels from axis {p.Axis} on");
        var one = new Tensor(DType.Float32, new Shape([channels * places, 1, .. kernel]));
        for (long row = 0; row < channels * places; row++) one.SetDouble(row * places + row % places, 1);
        l.SetTop(0, l.Emit("Conv", [x, l.Constant("places", one)], [.. Window(l, p, n), ("group", channels)]));
    }

    private static (string, Ops.AttributeValue)[] Window(CaffeLayer l, ConvolutionParameter p, int n)
    {
        long[] pads = Each(l, p.Pad, n, p.HasPadH || p.HasPadW, p.PadH, p.PadW, 0);
        return [("strides", Each(l, p.Stride, n, p.HasStrideH, p.StrideH, p.StrideW, 1)), ("pads", (long[])[.. pads, .. pads]), ("dilations", Each(l, p.Dilation, n, false, 0, 0, 1))];
    }

    /// <summary>The sizes from an axis on, which must be known.</summary>
    private static long[] Known(CaffeLayer l, Shape shape, int from)
    {
        long[] sizes = [.. Enumerable.Range(from, shape.Rank - from).Select(d => shape[d])];
        return sizes.All(s => s >= 0) ? sizes : throw l.InputError($"the sizes of {shape} from axis {from} on must be known");
    }

    /// <summary>A number for each spatial axis: given one by one, once for all, or as _h and _w.</summary>
    private static long[] Each(CaffeLayer l, IList<uint> given, int n, bool hasHw, uint h, uint w, long otherwise)
    {
        if (hasHw && n == 2) return [h, w];
        if (given.Count == n) return [.. given.Select(v => (long)v)];
        if (given.Count == 1) return [.. Enumerable.Repeat((long)given[0], n)];
        if (given.Count == 0 && otherwise >= 0) return [.. Enumerable.Repeat(otherwise, n)];
        throw l.InputError($"it gives {given.Count} sizes for {n} spatial axes");
    }

    /// <summary>Output size ceil((in + 2 pad - kernel) / stride) + 1, less one where the last window would begin beyond the padded
    /// input's start of padding; averages count the padding.</summary>
    [Caffe("Pooling", Limits = "stochastic pooling")]
    private static void Pooling(CaffeLayer l)
    {
        PoolingParameter p = l.Parameter.PoolingParam ?? throw l.Damaged("pooling_param is missing");
        bool isMax = p.Pool == PoolingParameter.Types.PoolMethod.Max;
        if (p.Pool == PoolingParameter.Types.PoolMethod.Stochastic) throw l.Error("stochastic pooling is not supported");
        if (p.GlobalPooling)
        {
            if (l.Parameter.Top.Count > 1) throw l.Error("the mask of a pool over all places is not supported");
            l.SetTop(0, l.Emit(isMax ? "GlobalMaxPool" : "GlobalAveragePool", [l.Bottom()]));
            return;
        }
        long[] kernel = p.HasKernelH ? [p.KernelH, p.KernelW] : [p.KernelSize, p.KernelSize], strides = p.HasStrideH ? [p.StrideH, p.StrideW] : [p.Stride, p.Stride];
        long[] pads = p.HasPadH || p.HasPadW ? [p.PadH, p.PadW] : [p.Pad, p.Pad];
        Value x = l.Bottom();
        if (pads.All(v => v == 0) && p.RoundMode == PoolingParameter.Types.RoundMode.Ceil && l.RankOf(x) == 4)
        {
            // Without padding Caffe does not leave out a last window that begins beyond the end.
            long[] beyond = [.. Enumerable.Range(0, 2).Select(d => strides[d] > 0 && x.Shape[2 + d] >= kernel[d] ? (x.Shape[2 + d] - kernel[d] + strides[d] - 1) / strides[d] * strides[d] - x.Shape[2 + d] : -1)];
            if (beyond.Any(b => b >= 0))
            {
                if (!isMax || l.Parameter.Top.Count > 1) throw l.InputError($"its last window begins beyond the end of {x.Shape}, of which Caffe makes no number");
                x = l.Emit("Pad", [x, l.Ints(0, 0, 0, 0, 0, 0, Math.Max(beyond[0] + 1, 0), Math.Max(beyond[1] + 1, 0)), l.Scalar(float.MinValue)]);
            }
        }
        var attributes = new List<(string, Ops.AttributeValue)>
        {
            ("kernel_shape", kernel), ("strides", strides), ("pads", (long[])[.. pads, .. pads]), ("ceil_mode", p.RoundMode == PoolingParameter.Types.RoundMode.Ceil ? 1 : 0),
        };
        if (!isMax) attributes.Add(("count_include_pad", 1));
        Value[] y = l.EmitMany(isMax ? "MaxPool" : "AveragePool", isMax && l.Parameter.Top.Count > 1 ? 2 : 1, [x], [.. attributes]);
        l.SetTop(0, y[0]);
        if (y.Length > 1) l.SetTop(1, CaffeForks.Mask(l, y[1], l.Bottom().Shape));
    }

    [Caffe("InnerProduct")]
    private static void InnerProduct(CaffeLayer l)
    {
        InnerProductParameter p = l.Parameter.InnerProductParam ?? throw l.Damaged("inner_product_param is missing");
        Value x = l.Bottom();
        int axis = l.Axis(p.Axis, l.RankOf(x));
        long outputs = p.NumOutput, inputs = l.WeightCount(0) / Math.Max(outputs, 1);
        Value w = l.Constant("weight", p.Transpose ? l.Weights(0, inputs, outputs) : l.Weights(0, outputs, inputs));
        Value?[] operands = [l.Emit("Flatten", [x], ("axis", axis)), w, .. p.BiasTerm ? [l.Constant("bias", l.Weights(1, outputs))] : Array.Empty<Value?>()];
        Value y = l.Emit("Gemm", operands, ("transB", p.Transpose ? 0 : 1));
        if (axis != 1) y = l.Emit("Reshape", [y, l.Ints([.. Enumerable.Range(0, axis).Select(d => x.Shape[d] >= 0 ? x.Shape[d] : -1), outputs])]);
        l.SetTop(0, y);
    }

    [Caffe("Embed")]
    private static void Embed(CaffeLayer l)
    {
        EmbedParameter p = l.Parameter.EmbedParam ?? throw l.Damaged("embed_param is missing");
        Value indices = l.Emit("Cast", [l.Bottom()], ("to", (long)DType.Int64));
        Value y = l.Emit("Gather", [l.Constant("weight", l.Weights(0, p.InputDim, p.NumOutput)), indices], ("axis", 0));
        l.SetTop(0, p.BiasTerm ? l.Emit("Add", [y, l.Constant("bias", l.Weights(1, p.NumOutput))]) : y);
    }

    [Caffe("LRN")]
    private static void Lrn(CaffeLayer l)
    {
        LRNParameter p = l.Parameter.LrnParam ?? new LRNParameter();
        if (p.NormRegion == LRNParameter.Types.NormRegion.AcrossChannels)
        {
            l.SetTop(0, l.Emit("LRN", [l.Bottom()], ("size", p.LocalSize), ("alpha", p.Alpha), ("beta", p.Beta), ("bias", p.K)));
            return;
        }
        // Within a channel: x / (1 + alpha * average of squares over the window)^beta.
        long n = p.LocalSize, pad = (n - 1) / 2;
        Value x = l.Bottom(), mean = l.Emit("AveragePool", [l.Emit("Mul", [x, x])], ("kernel_shape", (long[])[n, n]), ("pads", (long[])[pad, pad, pad, pad]), ("count_include_pad", 1));
        l.SetTop(0, l.Emit("Div", [x, l.Emit("Pow", [l.Emit("Add", [l.Emit("Mul", [mean, l.Scalar(p.Alpha)]), l.Scalar(1)]), l.Scalar(p.Beta)])]));
    }

    /// <summary>Blobs: sums of means and variances, and the number that divides both. With use_global_stats false the statistics are those of the batch.</summary>
    [Caffe("BatchNorm")]
    private static void BatchNorm(CaffeLayer l)
    {
        BatchNormParameter p = l.Parameter.BatchNormParam ?? new BatchNormParameter();
        if (p.HasUseGlobalStats && !p.UseGlobalStats)
        {
            Value x = l.Bottom(), axes = l.Ints([.. Enumerable.Range(0, l.RankOf(x)).Where(d => d != 1).Select(d => (long)d)]);
            Value centred = l.Emit("Sub", [x, l.Emit("ReduceMean", [x, axes], ("keepdims", 1))]), squares = l.Emit("ReduceMean", [l.Emit("Mul", [centred, centred]), axes], ("keepdims", 1));
            l.SetTop(0, l.Emit("Div", [centred, l.Emit("Sqrt", [l.Emit("Add", [squares, l.Scalar(p.Eps)])])]));
            return;
        }
        long channels = l.WeightCount(0);
        double factor = l.Weights(2, 1).GetDouble(0);
        Tensor mean = l.Weights(0, channels), variance = l.Weights(1, channels), one = new(DType.Float32, new Shape(channels)), zero = new(DType.Float32, new Shape(channels));
        for (int i = 0; i < channels; i++)
        {
            mean.SetDouble(i, factor == 0 ? 0 : mean.GetDouble(i) / factor);
            variance.SetDouble(i, factor == 0 ? 0 : variance.GetDouble(i) / factor);
            one.SetDouble(i, 1);
        }
        l.SetTop(0, l.Emit("BatchNormalization", [l.Bottom(), l.Constant("scale", one), l.Constant("bias", zero), l.Constant("mean", mean), l.Constant("variance", variance)], ("epsilon", p.Eps)));
    }

    [Caffe("Scale")]
    private static void Scale(CaffeLayer l)
    {
        ScaleParameter p = l.Parameter.ScaleParam ?? new ScaleParameter();
        Value x = l.Bottom();
        int rank = l.RankOf(x), axis = l.Axis(p.Axis, rank);
        if (l.BottomCount > 1)
        {
            Value product = l.Emit("Mul", [x, Second(l, rank, axis)]);
            l.SetTop(0, p.BiasTerm ? l.Emit("Add", [product, l.Constant("bias", l.Weights(0, Spread(l, 0, x, axis, l.RankOf(l.Bottom(1)))))]) : product);
            return;
        }
        long[] shape = Spread(l, 0, x, axis, p.NumAxes);
        Value y = l.Emit("Mul", [x, l.Constant("scale", l.Weights(0, shape))]);
        l.SetTop(0, p.BiasTerm ? l.Emit("Add", [y, l.Constant("bias", l.Weights(1, shape))]) : y);
    }

    [Caffe("Bias")]
    private static void Bias(CaffeLayer l)
    {
        BiasParameter p = l.Parameter.BiasParam ?? new BiasParameter();
        Value x = l.Bottom();
        int rank = l.RankOf(x), axis = l.Axis(p.Axis, rank);
        l.SetTop(0, l.Emit("Add", [x, l.BottomCount > 1 ? Second(l, rank, axis) : l.Constant("bias", l.Weights(0, Spread(l, 0, x, axis, p.NumAxes)))]));
    }

    /// <summary>The second bottom, whose first axis is that axis of the first.</summary>
    private static Value Second(CaffeLayer l, int rank, int axis)
    {
        Value second = l.Bottom(1);
        int own = l.RankOf(second);
        return rank - axis > own ? l.Emit("Unsqueeze", [second, l.Ints([.. Enumerable.Range(own, rank - axis - own).Select(d => (long)d)])]) : second;
    }

    /// <summary>The shape in which a weight blob broadcasts over axes [axis, axis + axes) of x.</summary>
    private static long[] Spread(CaffeLayer l, int blob, Value x, int axis, int axes)
    {
        int rank = l.RankOf(x);
        if (axes == 0) return [1];
        int n = axes < 0 ? rank - axis : axes;
        if (axis + n > rank) throw l.InputError($"{n} axes from {axis} on a blob of {rank} dimensions");
        long[] dims = [.. Enumerable.Range(axis, n).Select(d => x.Shape[d]), .. Enumerable.Repeat(1L, rank - axis - n)];
        int free = Array.FindIndex(dims, d => d < 0);
        if (free >= 0) dims[free] = l.WeightCount(blob) / Math.Max(1, dims.Where(d => d >= 0).Aggregate(1L, (a, b) => checked(a * b)));
        return dims;
    }

    [Caffe("ReLU")]
    private static void Relu(CaffeLayer l)
    {
        float slope = l.Parameter.ReluParam?.NegativeSlope ?? 0;
        l.SetTop(0, slope == 0 ? l.Emit("Relu", [l.Bottom()]) : l.Emit("LeakyRelu", [l.Bottom()], ("alpha", slope)));
    }

    [Caffe("PReLU")]
    private static void PRelu(CaffeLayer l)
    {
        Value x = l.Bottom();
        long count = l.WeightCount(0);
        l.SetTop(0, l.Emit("PRelu", [x, l.Constant("slope", l.Weights(0, l.Parameter.PreluParam?.ChannelShared == true || count == 1 ? [1] : [count, .. Enumerable.Repeat(1L, l.RankOf(x) - 2)]))]));
    }

    [Caffe("ReLU6")] private static void Relu6(CaffeLayer l) => l.SetTop(0, l.Emit("Clip", [l.Bottom(), l.Scalar(0), l.Scalar(6)]));
    [Caffe("ELU")] private static void Elu(CaffeLayer l) => l.SetTop(0, l.Emit("Elu", [l.Bottom()], ("alpha", l.Parameter.EluParam?.Alpha ?? 1)));
    [Caffe("Sigmoid")] private static void Sigmoid(CaffeLayer l) => l.SetTop(0, l.Emit("Sigmoid", [l.Bottom()]));
    [Caffe("TanH")] private static void Tanh(CaffeLayer l) => l.SetTop(0, l.Emit("Tanh", [l.Bottom()]));
    [Caffe("AbsVal")] private static void AbsVal(CaffeLayer l) => l.SetTop(0, l.Emit("Abs", [l.Bottom()]));
    [Caffe("BNLL")] private static void Bnll(CaffeLayer l) => l.SetTop(0, l.Emit("Softplus", [l.Bottom()]));

    [Caffe("Swish")]
    private static void Swish(CaffeLayer l)
    {
        Value x = l.Bottom();
        float beta = l.Parameter.SwishParam?.Beta ?? 1;
        l.SetTop(0, l.Emit("Mul", [x, l.Emit("Sigmoid", [beta == 1 ? x : l.Emit("Mul", [x, l.Scalar(beta)])])]));
    }

    [Caffe("Threshold")]
    private static void Threshold(CaffeLayer l) =>
        l.SetTop(0, l.Emit("Cast", [l.Emit("Greater", [l.Bottom(), l.Scalar(l.Parameter.ThresholdParam?.Threshold ?? 0)])], ("to", (long)DType.Float32)));

    /// <summary>(shift + scale * x)^power</summary>
    [Caffe("Power")]
    private static void Power(CaffeLayer l)
    {
        PowerParameter p = l.Parameter.PowerParam ?? new PowerParameter();
        Value y = Affine(l, l.Bottom(), p.Scale, p.Shift);
        l.SetTop(0, p.Power == 1 ? y : l.Emit("Pow", [y, l.Scalar(p.Power)]));
    }

    /// <summary>base^(shift + scale * x); base -1 stands for e.</summary>
    [Caffe("Exp")]
    private static void Exp(CaffeLayer l)
    {
        ExpParameter p = l.Parameter.ExpParam ?? new ExpParameter();
        float log = p.Base == -1 ? 1 : MathF.Log(p.Base);
        l.SetTop(0, l.Emit("Exp", [Affine(l, l.Bottom(), p.Scale * log, p.Shift * log)]));
    }

    /// <summary>log_base(shift + scale * x)</summary>
    [Caffe("Log")]
    private static void Log(CaffeLayer l)
    {
        LogParameter p = l.Parameter.LogParam ?? new LogParameter();
        Value y = l.Emit("Log", [Affine(l, l.Bottom(), p.Scale, p.Shift)]);
        l.SetTop(0, p.Base == -1 ? y : l.Emit("Mul", [y, l.Scalar(1 / MathF.Log(p.Base))]));
    }

    private static Value Affine(CaffeLayer l, Value x, float scale, float shift)
    {
        if (scale != 1) x = l.Emit("Mul", [x, l.Scalar(scale)]);
        return shift == 0 ? x : l.Emit("Add", [x, l.Scalar(shift)]);
    }

    [Caffe("Softmax", "SoftmaxWithLoss")]
    private static void Softmax(CaffeLayer l) => l.SetTop(0, l.Emit("Softmax", [l.Bottom()], ("axis", l.Axis(l.Parameter.SoftmaxParam?.Axis ?? 1, l.RankOf(l.Bottom())))));

    [Caffe("Dropout", "Split")]
    private static void Same(CaffeLayer l)
    {
        for (int i = 0; i < l.Parameter.Top.Count; i++) l.SetTop(i, l.Bottom());
    }

    /// <summary>Layers that compute nothing of the result.</summary>
    [Caffe("Silence", "Accuracy")] private static void Nothing(CaffeLayer l) { }

    [Caffe("Concat")]
    private static void Concat(CaffeLayer l)
    {
        ConcatParameter p = l.Parameter.ConcatParam ?? new ConcatParameter();
        int axis = l.Axis(p.HasConcatDim ? (int)p.ConcatDim : p.Axis, l.RankOf(l.Bottom()));
        l.SetTop(0, l.Emit("Concat", [.. Enumerable.Range(0, l.BottomCount).Select(l.Bottom)], ("axis", axis)));
    }

    [Caffe("Slice")]
    private static void Slice(CaffeLayer l)
    {
        SliceParameter p = l.Parameter.SliceParam ?? new SliceParameter();
        Value x = l.Bottom();
        int axis = l.Axis(p.HasSliceDim ? (int)p.SliceDim : p.Axis, l.RankOf(x)), tops = l.Parameter.Top.Count;
        long size = x.Shape[axis];
        if (p.SlicePoint.Count > 0 && p.SlicePoint.Count != tops - 1) throw l.InputError($"{p.SlicePoint.Count} slice points for {tops} tops");
        if (p.SlicePoint.Count == 0) // equal parts
        {
            if (size >= 0 && size % tops != 0) throw l.InputError($"{size} elements cannot be cut into {tops} equal parts");
            Value[] equal = l.EmitMany("Split", tops, [x], ("axis", axis), ("num_outputs", tops));
            for (int i = 0; i < tops; i++) l.SetTop(i, equal[i]);
            return;
        }
        long[] cuts = [0, .. p.SlicePoint.Select(v => (long)v), size >= 0 ? size : long.MaxValue];
        for (int i = 0; i < tops; i++) l.SetTop(i, l.Emit("Slice", [x, l.Ints(cuts[i]), l.Ints(cuts[i + 1]), l.Ints(axis)]));
    }

    [Caffe("Eltwise")]
    private static void Eltwise(CaffeLayer l)
    {
        EltwiseParameter p = l.Parameter.EltwiseParam ?? new EltwiseParameter();
        Value[] terms = [.. Enumerable.Range(0, l.BottomCount).Select(l.Bottom)];
        if (p.Coeff.Count > 0 && p.Coeff.Count != terms.Length) throw l.Error($"{p.Coeff.Count} coefficients for {terms.Length} bottoms");
        string opType = p.Operation switch { EltwiseParameter.Types.EltwiseOp.Prod => "Mul", EltwiseParameter.Types.EltwiseOp.Max => "Max", _ => "Add" };
        for (int i = 0; opType == "Add" && i < p.Coeff.Count; i++)
            if (p.Coeff[i] != 1) terms[i] = l.Emit("Mul", [terms[i], l.Scalar(p.Coeff[i])]);
        l.SetTop(0, terms.Aggregate((a, b) => l.Emit(opType, [a, b])));
    }

    [Caffe("Flatten")]
    private static void Flatten(CaffeLayer l)
    {
        FlattenParameter p = l.Parameter.FlattenParam ?? new FlattenParameter();
        Value x = l.Bottom();
        int rank = l.RankOf(x), axis = l.Axis(p.Axis, rank), end = l.Axis(p.EndAxis, rank);
        l.SetTop(0, axis == 1 && end == rank - 1 ? l.Emit("Flatten", [x], ("axis", 1))
            : l.Emit("Reshape", [x, l.Ints([.. Enumerable.Repeat(0L, axis), -1, .. Enumerable.Range(end + 1, rank - end - 1).Select(d => x.Shape[d])])]));
    }

    /// <summary>0 copies a size, -1 is what remains; only axes [axis, axis + num_axes) are replaced.</summary>
    [Caffe("Reshape")]
    private static void Reshape(CaffeLayer l)
    {
        ReshapeParameter p = l.Parameter.ReshapeParam ?? throw l.Damaged("reshape_param is missing");
        Value x = l.Bottom();
        int rank = l.RankOf(x), axis = p.Axis < 0 ? p.Axis + rank + 1 : p.Axis, end = p.NumAxes < 0 ? rank : axis + p.NumAxes;
        if (axis < 0 || end > rank) throw l.InputError($"axis {p.Axis} is outside a blob of {rank} dimensions");
        long[] given = [.. p.Shape?.Dim.Select((d, i) => d == 0 && axis + i < rank && x.Shape[axis + i] >= 0 ? x.Shape[axis + i] : d) ?? []], replaced = [.. Enumerable.Range(axis, end - axis).Select(d => x.Shape[d])];
        int rest = Array.IndexOf(given, -1);
        if (rest >= 0 && replaced.All(d => d >= 0) && given.Count(d => d <= 0) == 1) given[rest] = Product(replaced) / -Product(given);
        long[] dims = [.. Enumerable.Repeat(0L, axis), .. given, .. Enumerable.Range(end, rank - end).Select(d => Math.Max(x.Shape[d], -1))];
        l.SetTop(0, l.Emit("Reshape", [x, l.Ints(dims)]));
        static long Product(long[] sizes) => sizes.Aggregate(1L, (a, b) => checked(a * b));
    }

    [Caffe("Permute")] private static void Permute(CaffeLayer l)
    {
        int rank = l.RankOf(l.Bottom());
        long[] given = [.. l.Parameter.PermuteParam?.Order.Select(o => (long)o) ?? []];
        l.SetTop(0, l.Emit("Transpose", [l.Bottom()], ("perm", (long[])[.. given, .. Enumerable.Range(0, rank).Select(d => (long)d).Except(given)])));
    }

    /// <summary>x / sqrt(sum of squares over channels (and positions) + eps) * scale</summary>
    [Caffe("Normalize")]
    private static void Normalize(CaffeLayer l)
    {
        NormalizeParameter p = l.Parameter.NormParam ?? new NormalizeParameter();
        Value x = l.Bottom();
        long[] axes = p.AcrossSpatial ? [.. Enumerable.Range(1, l.RankOf(x) - 1).Select(d => (long)d)] : [1];
        Value sum = l.Emit("ReduceSum", [l.Emit("Mul", [x, x]), l.Ints(axes)], ("keepdims", 1));
        Value y = l.Emit("Div", [x, l.Emit("Sqrt", [l.Emit("Add", [sum, l.Scalar(p.Eps)])])]);
        long count = l.WeightCount(0);
        l.SetTop(0, l.Emit("Mul", [y, l.Constant("scale", l.Weights(0, p.ChannelShared ? [1] : [count, .. Enumerable.Repeat(1L, l.RankOf(x) - 2)]))]));
    }

    /// <summary>What comes out has four axes.</summary>
    [Caffe("MVN")]
    private static void Mvn(CaffeLayer l)
    {
        MVNParameter p = l.Parameter.MvnParam ?? new MVNParameter();
        Value x = l.Bottom();
        long[] axes = [.. Enumerable.Range(p.AcrossChannels ? 1 : 2, l.RankOf(x) - (p.AcrossChannels ? 1 : 2)).Select(d => (long)d)];
        Value y = l.Emit("Sub", [x, Mean(x)]);
        if (p.NormalizeVariance)
            y = l.Emit("Div", [y, l.Emit("Add", [l.Emit("Sqrt", [Mean(l.Emit("Mul", [y, y]))]), l.Scalar(p.Eps)])]);
        l.SetTop(0, l.RankOf(x) < 4 ? l.Emit("Unsqueeze", [y, l.Ints([.. Enumerable.Range(l.RankOf(x), 4 - l.RankOf(x)).Select(d => (long)d)])]) : y);
        Value Mean(Value v) => l.Emit("ReduceMean", [v, l.Ints(axes)], ("keepdims", 1), ("noop_with_empty_axes", 1));
    }

    /// <summary>Bottom 0 cut to the sizes of bottom 1 from an axis on.</summary>
    [Caffe("Crop")]
    private static void Crop(CaffeLayer l)
    {
        CropParameter p = l.Parameter.CropParam ?? new CropParameter();
        Value x = l.Bottom();
        int rank = l.RankOf(x), axis = l.Axis(p.Axis, rank), n = rank - axis;
        long[] offsets = p.Offset.Count switch { 0 => new long[n], 1 => [.. Enumerable.Repeat((long)p.Offset[0], n)], var k when k == n => [.. p.Offset.Select(o => (long)o)], var k => throw l.InputError($"{k} offsets for {n} axes") };
        Value starts = l.Ints(offsets), ends = l.Emit("Add", [l.Emit("Shape", [l.Bottom(1)], ("start", axis)), starts]);
        l.SetTop(0, l.Emit("Slice", [x, starts, ends, l.Ints([.. Enumerable.Range(axis, n).Select(d => (long)d)])]));
    }

    [Caffe("Reduction")]
    private static void Reduction(CaffeLayer l)
    {
        ReductionParameter p = l.Parameter.ReductionParam ?? new ReductionParameter();
        Value x = l.Bottom();
        int rank = l.RankOf(x), axis = l.Axis(p.Axis, rank);
        string opType = p.Operation switch { ReductionParameter.Types.ReductionOp.Asum => "ReduceL1", ReductionParameter.Types.ReductionOp.Sumsq => "ReduceSumSquare", ReductionParameter.Types.ReductionOp.Mean => "ReduceMean", _ => "ReduceSum" };
        l.SetTop(0, Affine(l, l.Emit(opType, [x, l.Ints([.. Enumerable.Range(axis, rank - axis).Select(d => (long)d)])], ("keepdims", 0)), p.Coeff, 0));
    }

    /// <summary>Places of the largest elements along an axis or over a whole picture, or their values; without an axis [N, 1, k], or [N, 2, k] of places
    /// and values. Of equal elements the last counts.</summary>
    [Caffe("ArgMax")]
    private static void ArgMax(CaffeLayer l)
    {
        ArgMaxParameter p = l.Parameter.ArgmaxParam ?? new ArgMaxParameter();
        int rank = l.RankOf(l.Bottom()), axis = p.HasAxis ? l.Axis(p.Axis, rank) : 1;
        Value x = p.HasAxis ? l.Bottom() : l.Emit("Flatten", [l.Bottom()], ("axis", 1));
        Value reversed = l.Emit("Slice", [x, l.Ints(-1), l.Ints(long.MinValue), l.Ints(axis), l.Ints(-1)]);
        Value[] best = l.EmitMany("TopK", 2, [reversed, l.Ints(p.TopK)], ("axis", axis));
        Value last = l.Emit("Sub", [l.Emit("Shape", [x], ("start", axis), ("end", axis + 1)), l.Ints(1)]);
        Value places = l.Cast(l.Emit("Sub", [last, best[1]]), DType.Float32);
        if (p.HasAxis) l.SetTop(0, p.OutMaxVal ? best[0] : places);
        else
        {
            Value axes = l.Ints([1, .. Enumerable.Range(3, Math.Max(rank - 3, 0)).Select(d => (long)d)]);
            l.SetTop(0, p.OutMaxVal ? l.Emit("Concat", [l.Emit("Unsqueeze", [places, axes]), l.Emit("Unsqueeze", [best[0], axes])], ("axis", 1)) : l.Emit("Unsqueeze", [places, axes]));
        }
    }

    [Caffe("Tile")]
    private static void Tile(CaffeLayer l)
    {
        TileParameter p = l.Parameter.TileParam ?? throw l.Damaged("tile_param is missing");
        int rank = l.RankOf(l.Bottom()), axis = l.Axis(p.Axis, rank);
        l.SetTop(0, l.Emit("Tile", [l.Bottom(), l.Ints([.. Enumerable.Range(0, rank).Select(d => d == axis ? (long)p.Tiles : 1)])]));
    }

    /// <summary>Tops of a constant each; what else fills them is chance.</summary>
    [Caffe("DummyData", Limits = "fillers other than constant")]
    private static void DummyData(CaffeLayer l)
    {
        DummyDataParameter p = l.Parameter.DummyDataParam ?? throw l.Damaged("dummy_data_param is missing");
        for (int i = 0; i < l.Parameter.Top.Count; i++)
        {
            FillerParameter filler = p.DataFiller.Count == 0 ? new FillerParameter() : p.DataFiller[Math.Min(i, p.DataFiller.Count - 1)];
            if (filler.Type != "constant") throw l.Error($"it is filled by '{filler.Type}', which is chance");
            long Old(IList<uint> sizes) => sizes.Count > 0 ? sizes[Math.Min(i, sizes.Count - 1)] : throw l.Damaged("it has no sizes");
            Shape shape = new(p.Shape.Count > 0 ? [.. p.Shape[Math.Min(i, p.Shape.Count - 1)].Dim] : (long[])[Old(p.Num), Old(p.Channels), Old(p.Height), Old(p.Width)]);
            l.SetTop(i, l.Emit("Expand", [l.Scalar(filler.Value), l.Ints([.. Enumerable.Range(0, shape.Rank).Select(d => shape[d])])]));
        }
    }

    /// <summary>(x.., selector [N]) -> of each x the pictures whose selector is not 0.</summary>
    [Caffe("Filter")]
    private static void Filter(CaffeLayer l)
    {
        int last = l.BottomCount - 1;
        Value chosen = l.Cast(l.Reshape(l.Bottom(last), -1), DType.Bool);
        for (int i = 0; i < last; i++) l.SetTop(i, l.Emit("Compress", [l.Bottom(i), chosen], ("axis", 0)));
    }

    /// <summary>(x, indices) -> those pictures of x.</summary>
    [Caffe("BatchReindex")]
    private static void BatchReindex(CaffeLayer l) => l.SetTop(0, l.Emit("Gather", [l.Bottom(), l.Cast(l.Bottom(1), DType.Int64)], ("axis", 0)));

    /// <summary>A blob of weights as it is.</summary>
    [Caffe("Parameter")]
    private static void Parameter(CaffeLayer l) => l.SetTop(0, l.Constant("parameter", l.Weights(0, [.. l.Parameter.ParameterParam?.Shape?.Dim ?? throw l.Damaged("parameter_param is missing")])));
}
