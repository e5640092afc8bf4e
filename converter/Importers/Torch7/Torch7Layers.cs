using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.Torch7;

/// <summary>What each layer of nn computes, as ONNX operators (source: nn's Lua files and THNN). Maps are [N,C,H,W], the batch may be
/// absent.</summary>
internal static class Torch7Layers
{
    [Torch7("Linear")]
    private static object Linear(Torch7Module m)
    {
        long[] w = m.SizesOf("weight");
        m.Refine(-1, w[1]);
        Value weight = m.Weight("weight", w);
        Value?[] bias = m.Has("bias") ? [m.Weight("bias", w[0])] : [];
        return m.Batched(2, x => m.Emit("Gemm", [x, weight, .. bias], ("transB", 1)));
    }

    /// <summary>Row o of the weight is v_o g_o / |v_o|.</summary>
    [Torch7("LinearWeightNorm")]
    private static object LinearWeightNorm(Torch7Module m)
    {
        long[] w = m.SizesOf("v");
        m.Refine(-1, w[1]);
        Tensor weight = m.Weights("v", w), g = m.Weights("g", w[0]);
        for (long o = 0; o < w[0]; o++)
        {
            double square = 0;
            for (long i = 0; i < w[1]; i++) square += weight.GetDouble(o * w[1] + i) * weight.GetDouble(o * w[1] + i);
            double scale = g.GetDouble(o) / Math.Max(Math.Sqrt(square), m.Number("eps", 1e-16));
            for (long i = 0; i < w[1]; i++) weight.SetDouble(o * w[1] + i, weight.GetDouble(o * w[1] + i) * scale);
        }
        Value?[] bias = m.Has("bias") ? [m.Weight("bias", w[0])] : [];
        return m.Batched(2, x => m.Emit("Gemm", [x, m.Constant("weight", weight), .. bias], ("transB", 1)));
    }

    [Torch7("SpatialConvolution", "SpatialConvolutionMM", "SpatialDilatedConvolution")]
    private static object Convolution(Torch7Module m)
    {
        long outputs = m.Int("nOutputPlane"), inputs = m.Int("nInputPlane"), groups = m.Int("groups", 1), kh = m.Int("kH"), kw = m.Int("kW");
        if (groups <= 0 || inputs % groups != 0) throw m.Damaged($"{groups} groups for {inputs} planes");
        return Conv(m, m.Weight("weight", outputs, inputs / groups, kh, kw), outputs, inputs, groups);
    }

    internal static Value Conv(Torch7Module m, Value weight, long outputs, long inputs, long groups)
    {
        m.Refine(-1, inputs, -1, -1);
        long ph = m.Int("padH", m.Int("padding", 0)), pw = m.Int("padW", m.Int("padding", 0));
        Value?[] bias = m.Has("bias") ? [m.Weight("bias", outputs)] : [];
        return m.Batched(4, x => m.Emit("Conv", [x, weight, .. bias], ("strides", (long[])[m.Int("dH", 1), m.Int("dW", 1)]), ("pads", (long[])[ph, pw, ph, pw]),
            ("dilations", (long[])[m.Int("dilationH", 1), m.Int("dilationW", 1)]), ("group", groups)));
    }

    [Torch7("SpatialFullConvolution")]
    private static object FullConvolution(Torch7Module m)
    {
        long outputs = m.Int("nOutputPlane"), inputs = m.Int("nInputPlane"), groups = m.Int("groups", 1), ph = m.Int("padH", 0), pw = m.Int("padW", 0);
        m.Refine(-1, inputs, -1, -1);
        Value weight = m.Weight("weight", inputs, outputs / groups, m.Int("kH"), m.Int("kW"));
        Value?[] bias = m.Has("bias") ? [m.Weight("bias", outputs)] : [];
        return m.Batched(4, x => m.Emit("ConvTranspose", [x, weight, .. bias], ("strides", (long[])[m.Int("dH", 1), m.Int("dW", 1)]), ("pads", (long[])[ph, pw, ph, pw]),
            ("output_padding", (long[])[m.Int("adjH", 0), m.Int("adjW", 0)]), ("group", groups)));
    }

    /// <summary>Indices count from 1.</summary>
    [Torch7("LookupTable")]
    private static object LookupTable(Torch7Module m)
    {
        Value x = m.X;
        if (!x.Shape.IsRanked) m.Refine(-1, -1);
        if (x.Producer == null && x.DType == DType.Float32) x.Type = new TensorType(DType.Int64, x.Shape);
        Value index = x.DType == DType.Int64 ? x : m.Emit("Cast", [x], ("to", (long)DType.Int64));
        return m.Emit("Gather", [m.Weight("weight", m.SizesOf("weight")), m.Emit("Sub", [index, m.Constant("one", Tensor.FromScalar(1L))])], ("axis", 0));
    }

    /// <summary>Old files hold running_std = 1 / sqrt(variance + eps) instead of running_var.</summary>
    [Torch7("SpatialBatchNormalization", "BatchNormalization", "VolumetricBatchNormalization", "TemporalBatchNormalization")]
    private static object BatchNormalization(Torch7Module m)
    {
        long n = m.CountOf("running_mean");
        double eps = m.Number("eps", 1e-5);
        Tensor one = new(DType.Float32, new Shape(n));
        one.Span<float>().Fill(1);
        Tensor variance = m.Has("running_var") ? m.Weights("running_var", n) : m.Weights("running_std", n);
        if (!m.Has("running_var"))
            for (long i = 0; i < n; i++) variance.SetDouble(i, 1 / Math.Pow(variance.GetDouble(i), 2) - eps);
        int rank = m.Lua.Type.Contains("Spatial", StringComparison.Ordinal) ? 4 : m.Lua.Type.Contains("Volumetric", StringComparison.Ordinal) ? 5 : 2;
        if (rank == 4) m.Refine(-1, n, -1, -1);
        else if (rank == 2) m.Refine(-1, n);
        Value[] rest = [m.Has("weight") ? m.Weight("weight", n) : m.Constant("weight", one), m.Has("bias") ? m.Weight("bias", n) : m.Constant("bias", new Tensor(DType.Float32, new Shape(n))), m.Weight("running_mean", n), m.Constant("running_var", variance)];
        // An input without a batch comes out as a batch of one.
        Value x = m.RankOf(m.X) == rank - 1 ? m.Emit("Unsqueeze", [m.X, m.Ints(0)]) : m.X;
        if (m.RankOf(x) != rank) throw m.InputError($"its input has {m.RankOf(x)} dimensions; expected {rank} or {rank - 1}");
        return m.Emit("BatchNormalization", [x, .. rest], ("epsilon", (float)eps));
    }

    /// <summary>Of every picture by itself (fast-neural-style).</summary>
    [Torch7("InstanceNormalization")]
    private static object InstanceNormalization(Torch7Module m)
    {
        long n = m.CountOf("weight");
        m.Refine(-1, n, -1, -1);
        Value weight = m.Weight("weight", n), bias = m.Weight("bias", n);
        return m.Batched(4, x => m.Emit("InstanceNormalization", [x, weight, bias], ("epsilon", (float)m.Number("eps", 1e-5))));
    }

    [Torch7("SpatialMaxPooling", "SpatialDilatedMaxPooling")] private static object MaxPooling(Torch7Module m) => Pool(m, "MaxPool");

    [Torch7("SpatialAveragePooling")]
    private static object AveragePooling(Torch7Module m)
    {
        Value y = Pool(m, "AveragePool");
        return m.Bool("divide", true) ? y : m.Emit("Mul", [y, m.Scalar(m.Int("kW") * m.Int("kH"))]);
    }

    private static Value Pool(Torch7Module m, string opType)
    {
        m.Refine(-1, -1, -1, -1);
        long ph = m.Int("padH", 0), pw = m.Int("padW", 0);
        var attributes = new List<(string, Ops.AttributeValue)>
        {
            ("kernel_shape", (long[])[m.Int("kH"), m.Int("kW")]), ("strides", (long[])[m.Int("dH", m.Int("kH")), m.Int("dW", m.Int("kW"))]), ("pads", (long[])[ph, pw, ph, pw]), ("ceil_mode", m.Bool("ceil_mode", false) ? 1 : 0),
        };
        if (opType == "MaxPool") attributes.Add(("dilations", (long[])[m.Int("dilationH", 1), m.Int("dilationW", 1)]));
        if (opType == "AveragePool") attributes.Add(("count_include_pad", m.Bool("count_include_pad", true) ? 1 : 0));
        return m.Batched(4, x => m.Emit(opType, [x], [.. attributes]));
    }

    /// <summary>weight_c * (sum over the window) + bias_c</summary>
    [Torch7("SpatialSubSampling")]
    private static object SubSampling(Torch7Module m)
    {
        long n = m.Int("nInputPlane"), kh = m.Int("kH"), kw = m.Int("kW"), stored = m.CountOf("weight");
        if (stored < n) throw m.Damaged($"its weight has {stored} numbers for {n} planes");
        // Files of old versions hold more numbers than planes; as Torch does now, the first ones count.
        Tensor all = m.Weights("weight", stored), factors = new(DType.Float32, new Shape(n, 1, 1));
        for (long i = 0; i < n; i++) factors.SetDouble(i, all.GetDouble(i) * kh * kw);
        return m.Batched(4, x => m.Emit("Add", [m.Emit("Mul", [m.Emit("AveragePool", [x], ("kernel_shape", (long[])[kh, kw]), ("strides", (long[])[m.Int("dH", 1), m.Int("dW", 1)])), m.Constant("weight", factors)]), m.Weight("bias", n, 1, 1)]));
    }

    [Torch7("SpatialAdaptiveAveragePooling", "SpatialAdaptiveMaxPooling")]
    private static object AdaptivePooling(Torch7Module m)
    {
        m.Refine(-1, -1, -1, -1);
        bool isMax = m.Lua.Type.Contains("Max", StringComparison.Ordinal);
        if (m.Int("H") == 1 && m.Int("W") == 1) return m.Batched(4, x => m.Emit(isMax ? "GlobalMaxPool" : "GlobalAveragePool", [x]));
        int rank = m.RankOf(m.X);
        return m.AdaptivePool(m.X, [rank - 2, rank - 1], [m.Int("H"), m.Int("W")], isMax);
    }

    [Torch7("SpatialZeroPadding", "SpatialReflectionPadding", "SpatialReplicationPadding")]
    private static object SpatialPadding(Torch7Module m)
    {
        string mode = m.Lua.Type.Contains("Zero", StringComparison.Ordinal) ? "constant" : m.Lua.Type.Contains("Reflection", StringComparison.Ordinal) ? "reflect" : "edge";
        m.Refine(-1, -1, -1, -1);
        int rank = m.RankOf(m.X);
        long[] pads = new long[2 * rank];
        (pads[rank - 2], pads[rank - 1], pads[^2], pads[^1]) = (m.Int("pad_t"), m.Int("pad_l"), m.Int("pad_b"), m.Int("pad_r"));
        // Torch7 does not look: it reflects once, and reads what lies outside the plane.
        for (int i = rank - 2; i < rank && mode == "reflect"; i++)
            if (m.X.Shape[i] >= 0 && Math.Max(pads[i], pads[i + rank]) >= m.X.Shape[i]) throw m.InputError($"it reflects {Math.Max(pads[i], pads[i + rank])} places of a dimension that has {m.X.Shape[i]}; it must be larger");
        return m.Emit("Pad", [m.X, m.Ints(pads)], ("mode", mode));
    }

    /// <summary>Takes size places off every side.</summary>
    [Torch7("ShaveImage")]
    private static object Shave(Torch7Module m)
    {
        m.Refine(-1, -1, -1, -1);
        long size = m.Int("size");
        return size == 0 ? m.X : m.Emit("Slice", [m.X, m.Ints(size, size), m.Ints(-size, -size), m.Ints(-2, -1)]);
    }

    [Torch7("PixelShuffle")] private static object PixelShuffle(Torch7Module m) => m.Batched(4, x => m.Emit("DepthToSpace", [x], ("blocksize", m.Int("upscaleFactor")), ("mode", "CRD")));

    /// <summary>Places before the index-th of a dimension, counted from its end where pad is above 0.</summary>
    [Torch7("Padding")]
    private static object Padding(Torch7Module m)
    {
        int rank = m.RankOf(m.X), axis = m.Dimension(m.Int("dim"), rank, m.Int("nInputDim", 0));
        long pad = m.Int("pad"), index = m.Int("index", 1);
        Value Padded(Value x, int at)
        {
            long[] pads = new long[2 * rank];
            pads[at * rank + axis] = Math.Abs(pad);
            return m.Emit("Pad", [x, m.Ints(pads), m.Scalar(m.Number("value", 0))]);
        }
        if (index == 1) return Padded(m.X, pad < 0 ? 0 : 1);
        long size = m.X.Shape[axis], before = pad > 0 ? size - index + 1 : index - 1;
        if (size < 0) throw m.InputError("the size that it pads must be known; give the inputs a size with --shape");
        if (before < 0 || before > size) throw m.InputError($"place {index} is outside a dimension of {size}");
        Value Part(long from, long to) => m.Emit("Slice", [m.X, m.Ints(from), m.Ints(to), m.Ints(axis)]);
        return m.Emit("Concat", [Padded(Part(0, before), 1), Part(before, size)], ("axis", axis));
    }

    [Torch7("SpatialUpSamplingNearest", "SpatialUpSamplingBilinear", "UpSampling")]
    private static object UpSampling(Torch7Module m)
    {
        if (m.Lua.Type != "nn.UpSampling") m.Refine(-1, -1, -1, -1);
        int rank = m.RankOf(m.X), places = m.Lua.Type == "nn.UpSampling" ? rank - 2 : 2;
        bool isLinear = m.Lua.Type.Contains("Bilinear", StringComparison.Ordinal) || m.Lua["mode"] is "linear";
        string coordinates = isLinear ? "align_corners" : "asymmetric", mode = isLinear ? "linear" : "nearest";
        if (m.Lua["scale_factor"] is double scale)
        {
            float[] scales = [.. Enumerable.Repeat(1f, rank - places), .. Enumerable.Repeat((float)scale, places)];
            return m.Emit("Resize", [m.X, null, m.Constant("scales", Tensor.FromArray<float>(scales, new Shape(rank)))], ("mode", mode), ("coordinate_transformation_mode", coordinates), ("nearest_mode", "floor"));
        }
        long[] sizes = places == 3 ? [m.Int("odepth"), m.Int("oheight"), m.Int("owidth")] : [m.Int("oheight"), m.Int("owidth")];
        Value all = m.Emit("Concat", [m.Sizes(m.X, 0, rank - places), m.Ints(sizes)], ("axis", 0));
        return m.Emit("Resize", [m.X, null, null, all], ("mode", mode), ("coordinate_transformation_mode", coordinates), ("nearest_mode", "floor"));
    }

    [Torch7("SpatialCrossMapLRN")]
    private static object Lrn(Torch7Module m) => m.Batched(4, x => m.Emit("LRN", [x], ("size", m.Int("size")), ("alpha", (float)m.Number("alpha", 1e-4)), ("beta", (float)m.Number("beta", 0.75)), ("bias", (float)m.Number("k", 1))));

    [Torch7("Tanh")] private static object Tanh(Torch7Module m) => m.Emit("Tanh", [m.X]);
    [Torch7("Sigmoid")] private static object Sigmoid(Torch7Module m) => m.Emit("Sigmoid", [m.X]);
    [Torch7("ReLU")] private static object Relu(Torch7Module m) => m.Emit("Relu", [m.X]);
    [Torch7("ReLU6")] private static object Relu6(Torch7Module m) => m.Emit("Clip", [m.X, m.Scalar(0), m.Scalar(6)]);
    [Torch7("HardTanh", "Clamp")] private static object HardTanh(Torch7Module m) => m.Emit("Clip", [m.X, m.Scalar(m.Number("min_val", -1)), m.Scalar(m.Number("max_val", 1))]);
    [Torch7("Threshold")] private static object Threshold(Torch7Module m) => m.Emit("Where", [m.Emit("Greater", [m.X, m.Scalar(m.Number("threshold", 0))]), m.X, m.Scalar(m.Number("val", 0))]);
    [Torch7("LeakyReLU")] private static object LeakyRelu(Torch7Module m) => m.Emit("LeakyRelu", [m.X], ("alpha", (float)m.Number("negval", 0.01)));
    [Torch7("ELU")] private static object Elu(Torch7Module m) => m.Emit("Elu", [m.X], ("alpha", (float)m.Number("alpha", 1)));
    [Torch7("RReLU")] private static object RRelu(Torch7Module m) => m.Emit("LeakyRelu", [m.X], ("alpha", (float)((m.Number("lower", 1.0 / 8) + m.Number("upper", 1.0 / 3)) / 2)));
    [Torch7("HardShrink")] private static object HardShrink(Torch7Module m) => m.Emit("Shrink", [m.X], ("lambd", (float)m.Number("lambda", 0.5)), ("bias", 0f));
    [Torch7("SoftShrink")] private static object SoftShrink(Torch7Module m) => m.Emit("Shrink", [m.X], ("lambd", (float)m.Number("lambda", 0.5)), ("bias", (float)m.Number("lambda", 0.5)));
    [Torch7("TanhShrink")] private static object TanhShrink(Torch7Module m) => m.Emit("Sub", [m.X, m.Emit("Tanh", [m.X])]);
    [Torch7("SoftSign")] private static object SoftSign(Torch7Module m) => m.Emit("Softsign", [m.X]);
    [Torch7("LogSigmoid")] private static object LogSigmoid(Torch7Module m) => m.Emit("Log", [m.Emit("Sigmoid", [m.X])]);
    [Torch7("Abs")] private static object Abs(Torch7Module m) => m.Emit("Abs", [m.X]);
    [Torch7("Square")] private static object Square(Torch7Module m) => m.Emit("Mul", [m.X, m.X]);
    [Torch7("Sqrt")] private static object Sqrt(Torch7Module m) => m.Emit("Sqrt", [m.X]);
    [Torch7("Exp")] private static object Exp(Torch7Module m) => m.Emit("Exp", [m.X]);
    [Torch7("Log")] private static object Log(Torch7Module m) => m.Emit("Log", [m.X]);
    [Torch7("Power")] private static object Power(Torch7Module m) => m.Emit("Pow", [m.X, m.Scalar(m.Number("pow"))]);
    [Torch7("MulConstant")] private static object MulConstant(Torch7Module m) => m.Emit("Mul", [m.X, m.Scalar(m.Number("constant_scalar"))]);
    [Torch7("AddConstant")] private static object AddConstant(Torch7Module m) => m.Emit("Add", [m.X, m.Scalar(m.Number("constant_scalar"))]);
    [Torch7("Mul")] private static object Mul(Torch7Module m) => m.Emit("Mul", [m.X, m.Weight("weight", 1)]);
    [Torch7("Add")] private static object Add(Torch7Module m) => m.Emit("Add", [m.X, m.Weight("bias", m.CountOf("bias"))]);
    [Torch7("CMul")] private static object CMul(Torch7Module m) => m.Emit("Mul", [m.X, m.Weight("weight", m.SizesOf("weight"))]);
    [Torch7("CAdd")] private static object CAdd(Torch7Module m) => m.Emit("Add", [m.X, m.Weight("bias", m.SizesOf("bias"))]);

    [Torch7("SoftPlus")]
    private static object SoftPlus(Torch7Module m)
    {
        double beta = m.Number("beta", 1);
        return m.Emit("Div", [m.Emit("Softplus", [m.Emit("Mul", [m.X, m.Scalar(beta)])]), m.Scalar(beta)]);
    }

    [Torch7("PReLU")]
    private static object PRelu(Torch7Module m)
    {
        long n = m.CountOf("weight");
        int rank = m.RankOf(m.X);
        // One slope for each plane, the first dimension of an unbatched map and the second of a batch.
        int trailing = rank is 3 or 1 ? rank - 1 : rank - 2;
        return m.Emit("PRelu", [m.X, m.Weight("weight", n == 1 ? [1] : [n, .. Enumerable.Repeat(1L, trailing)])]);
    }

    [Torch7("SoftMax", "SpatialSoftMax")] private static object SoftMax(Torch7Module m) => m.Emit("Softmax", [m.X], ("axis", Classes(m)));
    [Torch7("LogSoftMax", "SpatialLogSoftMax")] private static object LogSoftMax(Torch7Module m) => m.Emit("LogSoftmax", [m.X], ("axis", Classes(m)));

    [Torch7("SoftMin")] private static object SoftMin(Torch7Module m) => m.Emit("Softmax", [m.Emit("Neg", [m.X])], ("axis", Classes(m)));

    /// <summary>Of class numbers from 1 on.</summary>
    [Torch7("OneHot")]
    private static object OneHot(Torch7Module m) => m.Emit("OneHot", [m.Emit("Sub", [m.Cast(m.X, DType.Int64), m.Constant("one", Tensor.FromScalar(1L))]), m.Constant("depth", Tensor.FromScalar(m.Int("outputSize"))), m.Constant("values", Tensor.FromArray<float>([0, 1], new Shape(2)))], ("axis", -1));

    /// <summary>The same whatever the input, repeated for each of its batch.</summary>
    [Torch7("Constant")]
    private static object Constant(Torch7Module m)
    {
        Value value = m.Weight("value", m.SizesOf("value"));
        if (m.Lua["nInputDim"] is not double || m.RankOf(m.X) <= m.Int("nInputDim")) return value;
        return m.Emit("Expand", [value, m.Emit("Concat", [m.Emit("Shape", [m.X], ("start", 0), ("end", 1)), m.Ints(m.SizesOf("value"))], ("axis", 0))]);
    }

    /// <summary>One half of a dimension times the logistic function of the other.</summary>
    [Torch7("GatedLinearUnit")]
    private static object GatedLinearUnit(Torch7Module m)
    {
        Value[] halves = m.EmitMany("Split", 2, [m.X], ("axis", m.Dimension(m.Int("dim", 1), m.RankOf(m.X))), ("num_outputs", 2));
        return m.Emit("Mul", [halves[0], m.Emit("Sigmoid", [halves[1]])]);
    }

    /// <summary>A new dimension along which the input is repeated.</summary>
    [Torch7("Replicate")]
    private static object Replicate(Torch7Module m)
    {
        int rank = m.RankOf(m.X);
        long inputDims = m.Int("ndim", 0), axis = m.Int("dim", 1) - 1 + (inputDims > 0 && rank > inputDims ? rank - inputDims : 0);
        if (axis < 0 || axis > rank) throw m.InputError($"dimension {axis + 1} is outside a tensor of {rank + 1} dimensions");
        long[] times = [.. Enumerable.Repeat(1L, rank + 1)];
        times[axis] = m.Int("nfeatures");
        return m.Emit("Tile", [m.Emit("Unsqueeze", [m.X, m.Ints(axis)]), m.Ints(times)]);
    }

    /// <summary>The first dimension of 1 and 3, the second of 2 and 4.</summary>
    private static int Classes(Torch7Module m) => m.RankOf(m.X) switch { 1 or 3 => 0, 2 or 4 => 1, var r => throw m.InputError($"its input has {r} dimensions") };

    /// <summary>Sizes without the batch. The batch is what numInputDims leaves, or what remains of the elements; a batch of one is dropped
    /// when numInputDims is not set, as Torch does.</summary>
    [Torch7("View", Limits = "free sizes that it mixes")]
    private static object View(Torch7Module m)
    {
        long[] size = m.Sizes("size");
        Value x = m.X;
        long inputDims = m.Int("numInputDims", 0), elements = size.Where(s => s > 0).Aggregate(1L, (a, b) => checked(a * b));
        bool hasFree = size.Contains(-1);
        if (inputDims > 0)
        {
            int rank = m.RankOf(x);
            if (rank <= inputDims && !x.Shape.IsKnown || x.Shape.IsKnown && rank <= inputDims && (hasFree || x.Shape.Count == elements)) return m.Emit("Reshape", [x, m.Ints(size)]);
            if (hasFree && x.Shape[0] < 0) return rank == inputDims + 1 ? m.Emit("Reshape", [x, m.Ints([0, .. size])]) : throw m.InputError("the size of its input must be known");
            return m.Emit("Reshape", [x, m.Ints([hasFree ? x.Shape.Product(0, rank - (int)inputDims) : -1, .. size])]);
        }
        if (hasFree || x.Shape.IsKnown && x.Shape.Count == elements) return m.Emit("Reshape", [x, m.Ints(size)]);
        return m.Emit("Reshape", [x, m.Ints([-1, .. size])]);
    }

    /// <summary>Like View; without batchMode, an input of as many elements whose first size is not 1 is no batch.</summary>
    [Torch7("Reshape")]
    private static object Reshape(Torch7Module m)
    {
        long[] size = m.Sizes("size");
        Value x = m.X;
        long elements = size.Aggregate(1L, (a, b) => checked(a * b));
        bool? batch = m.Lua["batchMode"] as bool?;
        bool whole = batch == false || batch == null && x.Shape.IsKnown && x.Shape.Count == elements && x.Shape[0] != 1;
        return m.Emit("Reshape", [x, m.Ints(whole ? size : [-1, .. size])]);
    }

    [Torch7("Collapse")] private static object Collapse(Torch7Module m) => m.RankOf(m.X) > m.Int("nInputDim") ? m.Reshape(m.X, 0, -1) : m.Reshape(m.X, -1);

    /// <summary>A dimension other than 1 stays; without a dimension all that are 1 go, but for the batch of numInputDims.</summary>
    [Torch7("Squeeze")]
    private static object Squeeze(Torch7Module m)
    {
        int rank = m.RankOf(m.X);
        bool isBatched = m.Int("numInputDims", -1) == rank - 1;
        long[] dims = m.Lua["dim"] is double ? [m.Dimension(m.Int("dim"), rank, m.Int("numInputDims", 0))] : [.. Enumerable.Range(isBatched ? 1 : 0, rank - (isBatched ? 1 : 0)).Select(d => (long)d)];
        if (dims.FirstOrDefault(d => m.X.Shape[(int)d] < 0, -1) is >= 0 and var free) throw m.InputError($"the size of dimension {free + 1} must be known; give the inputs a size with --shape");
        dims = [.. dims.Where(d => m.X.Shape[(int)d] == 1)];
        // Of a tensor of one element one dimension stays.
        if (dims.Length == rank) dims = dims[1..];
        return dims.Length == 0 ? m.X : m.Emit("Squeeze", [m.X, m.Ints(dims)]);
    }

    [Torch7("Unsqueeze")]
    private static object Unsqueeze(Torch7Module m)
    {
        long inputDims = m.Int("numInputDims", 0);
        return m.Emit("Unsqueeze", [m.X, m.Ints(m.Int("pos") - 1 + (inputDims > 0 && m.RankOf(m.X) > inputDims ? m.RankOf(m.X) - inputDims : 0))]);
    }

    [Torch7("Transpose")]
    private static object Transpose(Torch7Module m)
    {
        int rank = m.RankOf(m.X);
        long[] order = [.. Enumerable.Range(0, rank).Select(d => (long)d)];
        foreach (object? pair in (m.Lua["permutations"] as LuaTable)?.Sequence() ?? [])
        {
            if (pair is not LuaTable p || p.Sequence().ToArray() is not [double a, double b]) throw m.Damaged("its permutations are not pairs");
            int i = m.Dimension((long)a, rank, m.Int("numInputDims", 0)), j = m.Dimension((long)b, rank, m.Int("numInputDims", 0));
            (order[i], order[j]) = (order[j], order[i]);
        }
        return m.Emit("Transpose", [m.X], ("perm", order));
    }

    [Torch7("Select")]
    private static object Select(Torch7Module m)
    {
        long i = m.Int("index");
        return m.Emit("Gather", [m.X, m.Constant("index", Tensor.FromScalar(i > 0 ? i - 1 : i))], ("axis", m.Dimension(m.Int("dimension"), m.RankOf(m.X))));
    }

    /// <summary>A length below 0 leaves out so many less one at the end; a first place below 0 means all but so many at the end.</summary>
    [Torch7("Narrow")]
    private static object Narrow(Torch7Module m)
    {
        long from = m.Int("index") - 1, length = m.Int("length", 1), end = length < 0 ? (length == -1 ? long.MaxValue : length + 1) : from + length;
        int axis = m.Dimension(m.Int("dimension"), m.RankOf(m.X));
        if (from < -1)
        {
            long size = m.X.Shape[axis];
            if (size < 0) throw m.InputError("the size of which it takes a part must be known; give the inputs a size with --shape");
            end = size - (length < 0 ? size - from + length + 1 : length);
            from = 0;
        }
        return m.Emit("Slice", [m.X, m.Ints(from), m.Ints(end), m.Ints(axis)]);
    }

    [Torch7("Max")] private static object Max(Torch7Module m) => Reduce(m, "ReduceMax", "dimension");
    [Torch7("Min")] private static object Min(Torch7Module m) => Reduce(m, "ReduceMin", "dimension");
    [Torch7("Sum")] private static object Sum(Torch7Module m) => Reduce(m, m.Bool("sizeAverage", false) ? "ReduceMean" : "ReduceSum", "dimension");
    [Torch7("Mean")] private static object Mean(Torch7Module m) => Reduce(m, "ReduceMean", "dimension");

    private static Value Reduce(Torch7Module m, string opType, string field)
    {
        int rank = m.RankOf(m.X);
        return m.Emit(opType, [m.X, m.Ints(m.Dimension(m.Int(field, 1), rank, m.Int("nInputDims", 0)))], ("keepdims", rank > 1 && m.Bool("squeeze", true) ? 0 : 1));
    }

    /// <summary>x / (sum |x|^p + eps)^(1/p) over the last dimension.</summary>
    [Torch7("Normalize")]
    private static object Normalize(Torch7Module m)
    {
        double p = m.Number("p", 2);
        if (double.IsPositiveInfinity(p)) return m.Emit("Div", [m.X, m.Emit("Add", [m.Emit("ReduceMax", [m.Emit("Abs", [m.X]), m.Ints(-1)], ("keepdims", 1)), m.Scalar(m.Number("eps", 1e-10))])]);
        Value power = p == 2 ? m.Emit("Mul", [m.X, m.X]) : m.Emit("Pow", [m.Emit("Abs", [m.X]), m.Scalar(p)]);
        Value sum = m.Emit("Add", [m.Emit("ReduceSum", [power, m.Ints(-1)], ("keepdims", 1)), m.Scalar(m.Number("eps", 1e-10))]);
        return m.Emit("Div", [m.X, m.Emit("Pow", [sum, m.Scalar(1 / p)])]);
    }
}
