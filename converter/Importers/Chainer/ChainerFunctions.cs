using EdgeLite.Converter.Ir;
using EdgeLite.Core;
using EdgeLite.Ops;

namespace EdgeLite.Converter.Importers.Chainer;

/// <summary>Chainer's functions (chainer.functions): what has no parameters. Settings have the names and defaults of their arguments.</summary>
internal static class ChainerFunctions
{
    /// <summary>Sizes are rounded up (cover_all) unless told.</summary>
    [Chainer("max_pooling_2d", "max_pooling_1d", "max_pooling_3d", "max_pooling_nd")]
    private static Value MaxPool(ChainerLayer l) => Pool(l, "MaxPool", ("ceil_mode", l.Flag("cover_all", true) ? 1 : 0));

    [Chainer("average_pooling_2d", "average_pooling_1d", "average_pooling_3d", "average_pooling_nd")]
    private static Value AveragePool(ChainerLayer l) => Pool(l, "AveragePool", ("count_include_pad", 1));

    private static Value Pool(ChainerLayer l, string opType, (string, AttributeValue) more)
    {
        int places = l.Rank - 2;
        long[] kernel = l.PerAxis("ksize", places, 0, 1), pad = l.PerAxis("pad", places, 0, 0), stride = l.Told("stride") ? l.PerAxis("stride", places, 1, 1) : kernel;
        return l.Emit(opType, [l.X], ("kernel_shape", kernel), ("strides", stride), ("pads", (long[])[.. pad, .. pad]), more);
    }

    /// <summary>Each place repeated; with cover_all (the default) the last one once, s (n - 1) + 1 places in all. Windows that are not the stride overlap
    /// or leave zeros between, as in the gradient of a pooling by sums.</summary>
    [Chainer("unpooling_2d", Limits = "outsize")]
    private static Value Unpool(ChainerLayer l)
    {
        long[] kernel = l.PerAxis("ksize", 2, 0, 1);
        if (l.Told("outsize")) throw l.Error("outsize has no conversion");
        long[] pad = l.PerAxis("pad", 2, 0, 0), stride = l.Told("stride") ? l.PerAxis("stride", 2, 1, 1) : kernel;
        if (pad.Max() > 0 || !stride.SequenceEqual(kernel))
        {
            long channels = l.X.Shape[1] > 0 ? l.X.Shape[1] : throw l.InputError("the number of channels is not known");
            var ones = new Tensor(DType.Float32, new Shape(channels, 1, kernel[0], kernel[1]));
            ones.Span<float>().Fill(1);
            long[] end = [.. pad.Select((p, i) => p + (l.Flag("cover_all", true) ? stride[i] - 1 : 0))];
            return l.Emit("ConvTranspose", [l.X, l.Constant("ones", ones)], ("strides", stride), ("pads", (long[])[.. pad, .. end]), ("group", channels));
        }
        Value y = l.Emit("Resize", [l.X, null, l.Constant("scales", Tensor.FromArray<float>([1, 1, kernel[0], kernel[1]], new Shape(4)))],
            ("mode", "nearest"), ("coordinate_transformation_mode", "asymmetric"), ("nearest_mode", "floor"));
        if (!l.Flag("cover_all", true) || kernel.Max() == 1) return y;
        return l.Emit("Slice", [y, l.Ints(0, 0), l.Ints(kernel[0] == 1 ? long.MaxValue : 1 - kernel[0], kernel[1] == 1 ? long.MaxValue : 1 - kernel[1]), l.Ints(2, 3)]);
    }

    [Chainer("resize_images")]
    private static Value Resize(ChainerLayer l)
    {
        long[] size = l.Needed("output_shape");
        if (size.Length != 2) throw l.Damaged("'output_shape' is not two numbers");
        Value sizes = l.Emit("Concat", [l.Emit("Shape", [l.X], ("start", 0), ("end", 2)), l.Ints(size)], ("axis", 0));
        return l.Text("mode", "bilinear") switch
        {
            "bilinear" => l.Emit("Resize", [l.X, null, null, sizes], ("mode", "linear"), ("coordinate_transformation_mode", l.Flag("align_corners", true) ? "align_corners" : "half_pixel")),
            "nearest" => l.Emit("Resize", [l.X, null, null, sizes], ("mode", "nearest"), ("coordinate_transformation_mode", "asymmetric"), ("nearest_mode", "floor")),
            var mode => throw l.Error($"mode '{mode}' is not known"),
        };
    }

    /// <summary>x / (k + alpha * sum of squares of the channel and n / 2 on either side)^beta; ONNX divides alpha by their number.</summary>
    [Chainer("local_response_normalization")]
    private static Value LocalResponse(ChainerLayer l)
    {
        long n = l.Int("n", 5) / 2 * 2 + 1;
        return l.Emit("LRN", [l.X], ("size", n), ("alpha", l.Real("alpha", 1e-4) * n), ("beta", l.Real("beta", 0.75)), ("bias", l.Real("k", 2)));
    }

    /// <summary>x / (its Euclidean length + eps).</summary>
    [Chainer("normalize")]
    private static Value Normalize(ChainerLayer l) =>
        l.Emit("Div", [l.X, l.Emit("Add", [l.Emit("ReduceL2", [l.X, l.Ints(l.Axes() ?? [1])]), l.Scalar(l.Real("eps", 1e-5))])]);

    [Chainer("relu")] private static Value Relu(ChainerLayer l) => l.Emit("Relu", [l.X]);
    [Chainer("relu6")] private static Value Relu6(ChainerLayer l) => l.Emit("Clip", [l.X, l.Scalar(0), l.Scalar(6)]);
    [Chainer("clipped_relu")] private static Value ClippedRelu(ChainerLayer l) => l.Emit("Clip", [l.X, l.Scalar(0), l.Scalar(l.Real("z", 20))]);
    [Chainer("clip")] private static Value Clip(ChainerLayer l) => l.Emit("Clip", [l.X, l.Scalar(l.Real("x_min", float.MinValue)), l.Scalar(l.Real("x_max", float.MaxValue))]);
    [Chainer("crelu")] private static Value CRelu(ChainerLayer l) => l.Emit("Concat", [l.Emit("Relu", [l.X]), l.Emit("Relu", [l.Emit("Neg", [l.X])])], ("axis", l.Int("axis", 1)));
    [Chainer("leaky_relu")] private static Value LeakyRelu(ChainerLayer l) => l.Emit("LeakyRelu", [l.X], ("alpha", l.Real("slope", 0.2)));
    [Chainer("rrelu")] private static Value RRelu(ChainerLayer l) => l.Emit("LeakyRelu", [l.X], ("alpha", (l.Real("l", 1.0 / 8) + l.Real("u", 1.0 / 3)) / 2));
    [Chainer("elu")] private static Value Elu(ChainerLayer l) => l.Emit("Elu", [l.X], ("alpha", l.Real("alpha", 1)));
    [Chainer("selu")] private static Value Selu(ChainerLayer l) => l.Emit("Selu", [l.X], ("alpha", l.Real("alpha", 1.6732632423543772)), ("gamma", l.Real("scale", 1.0507009873554805)));
    [Chainer("sigmoid")] private static Value Sigmoid(ChainerLayer l) => l.Emit("Sigmoid", [l.X]);
    [Chainer("hard_sigmoid")] private static Value HardSigmoid(ChainerLayer l) => l.Emit("HardSigmoid", [l.X], ("alpha", 0.2f), ("beta", 0.5f));
    [Chainer("softplus")] private static Value Softplus(ChainerLayer l) => l.Emit("Div", [l.Emit("Softplus", [l.Emit("Mul", [l.X, l.Scalar(l.Real("beta", 1))])]), l.Scalar(l.Real("beta", 1))]);
    [Chainer("tanh")] private static Value Tanh(ChainerLayer l) => l.Emit("Tanh", [l.X]);
    [Chainer("softmax")] private static Value Softmax(ChainerLayer l) => l.Emit("Softmax", [l.X], ("axis", l.Int("axis", 1)));
    [Chainer("log_softmax")] private static Value LogSoftmax(ChainerLayer l) => l.Emit("LogSoftmax", [l.X], ("axis", l.Int("axis", 1)));
    [Chainer("absolute")] private static Value Abs(ChainerLayer l) => l.Emit("Abs", [l.X]);
    [Chainer("exp")] private static Value Exp(ChainerLayer l) => l.Emit("Exp", [l.X]);
    [Chainer("log")] private static Value Log(ChainerLayer l) => l.Emit("Log", [l.X]);
    [Chainer("sqrt")] private static Value Sqrt(ChainerLayer l) => l.Emit("Sqrt", [l.X]);
    [Chainer("square")] private static Value Square(ChainerLayer l) => l.Emit("Mul", [l.X, l.X]);

    [Chainer("floor", "ceil", "sign", "sin", "cos", "tan", "sinh", "cosh", "erf", "softsign")]
    private static Value Unary(ChainerLayer l) => l.Emit(l.Type switch { "softsign" => "Softsign", var name => char.ToUpperInvariant(name[0]) + name[1..] }, [l.X]);

    [Chainer("arcsin", "arccos", "arctan")] private static Value Arc(ChainerLayer l) => l.Emit("A" + l.Type[3..], [l.X]);
    [Chainer("rsqrt")] private static Value Rsqrt(ChainerLayer l) => l.Emit("Reciprocal", [l.Emit("Sqrt", [l.X])]);
    [Chainer("mish")] private static Value Mish(ChainerLayer l) => l.Emit("Mish", [l.X]);
    [Chainer("logsumexp")] private static Value LogSumExp(ChainerLayer l) => Reduce(l, "ReduceLogSumExp");

    /// <summary>Along one axis; without it over all elements in their order.</summary>
    [Chainer("cumsum")]
    private static Value CumSum(ChainerLayer l) => l.Told("axis") ? l.Emit("CumSum", [l.X, l.Constant("axis", Tensor.FromScalar((long)l.Axis(l.Int("axis", 0), l.Rank)))])
        : l.Emit("CumSum", [l.Reshape(l.X, -1), l.Constant("axis", Tensor.FromScalar(0L))]);

    [Chainer("flip")]
    private static Value Flip(ChainerLayer l) => l.Emit("Slice", [l.X, l.Ints(-1), l.Ints(long.MinValue), l.Ints(l.Axis(l.Needed("axis")[0], l.Rank)), l.Ints(-1)]);

    [Chainer("dropout", "identity", "gaussian", "zoneout", Notes = "nothing outside training")] private static Value Same(ChainerLayer l) => l.X;

    /// <summary>The largest of pool_size numbers that lie side by side along an axis.</summary>
    [Chainer("maxout")]
    private static Value Maxout(ChainerLayer l)
    {
        int axis = l.Axis(l.Int("axis", 1), l.Rank);
        long pool = l.Needed("pool_size")[0];
        if (pool < 1 || l.X.Shape[axis] % pool != 0) throw l.InputError($"axis {axis} of {l.X.Shape} cannot be cut into pieces of {pool}");
        long[] dims = [.. Enumerable.Range(0, axis).Select(_ => 0L), l.X.Shape[axis] / pool, pool, .. l.X.Shape.AsSpan()[(axis + 1)..]];
        return l.Emit("ReduceMax", [l.Reshape(l.X, dims), l.Ints(axis + 1)], ("keepdims", 0));
    }

    [Chainer("add")] private static Value Add(ChainerLayer l) => Fold(l, "Add");
    [Chainer("multiply")] private static Value Multiply(ChainerLayer l) => Fold(l, "Mul");
    [Chainer("maximum")] private static Value Maximum(ChainerLayer l) => Fold(l, "Max");
    [Chainer("minimum")] private static Value Minimum(ChainerLayer l) => Fold(l, "Min");
    [Chainer("subtract")] private static Value Subtract(ChainerLayer l) => Fold(l, "Sub");
    [Chainer("divide")] private static Value Divide(ChainerLayer l) => Fold(l, "Div");

    private static Value Fold(ChainerLayer l, string opType) => l.Inputs.Length > 1 ? l.Inputs.Aggregate((a, b) => l.Emit(opType, [a, b])) : throw l.Damaged("it has one input, expected two or more (\"inputs\")");

    [Chainer("matmul")]
    private static Value MatMul(ChainerLayer l)
    {
        if (l.Inputs.Length != 2) throw l.Damaged($"it has {l.Inputs.Length} inputs, expected 2");
        return l.Emit("MatMul", [Turned(0, "transa"), Turned(1, "transb")]);

        Value Turned(int i, string flag)
        {
            if (!l.Flag(flag, false)) return l.Inputs[i];
            int rank = l.RankOf(l.Inputs[i]);
            return l.Transpose(l.Inputs[i], [.. Enumerable.Range(0, rank - 2).Select(d => (long)d), rank - 1, rank - 2]);
        }
    }

    [Chainer("concat")] private static Value Concat(ChainerLayer l) => l.Emit("Concat", l.Inputs, ("axis", l.Int("axis", 1)));
    [Chainer("stack")] private static Value Stack(ChainerLayer l) => l.Emit("Concat", [.. l.Inputs.Select(x => l.Emit("Unsqueeze", [x, l.Ints(l.Int("axis", 0))]))], ("axis", l.Int("axis", 0)));

    [Chainer("sum")] private static Value Sum(ChainerLayer l) => Reduce(l, "ReduceSum");
    [Chainer("mean", "average", Limits = "weights")] private static Value Mean(ChainerLayer l) => l.Told("weights") ? throw l.Error("weights have no conversion") : Reduce(l, "ReduceMean");
    [Chainer("max")] private static Value Max(ChainerLayer l) => Reduce(l, "ReduceMax");
    [Chainer("min")] private static Value Min(ChainerLayer l) => Reduce(l, "ReduceMin");

    private static Value Reduce(ChainerLayer l, string opType) =>
        l.Emit(opType, l.Axes() is { } axes ? [l.X, l.Ints(axes)] : [l.X], ("keepdims", l.Flag("keepdims", false) ? 1 : 0));

    [Chainer("reshape")] private static Value Reshape(ChainerLayer l) => l.Reshape(l.X, l.Needed("shape"));
    [Chainer("flatten")] private static Value Flatten(ChainerLayer l) => l.Reshape(l.X, -1);
    [Chainer("expand_dims")] private static Value ExpandDims(ChainerLayer l) => l.Emit("Unsqueeze", [l.X, l.Ints(l.Needed("axis"))]);
    [Chainer("squeeze")] private static Value Squeeze(ChainerLayer l) => l.Emit("Squeeze", l.Axes() is { } axes ? [l.X, l.Ints(axes)] : [l.X]);
    [Chainer("transpose")] private static Value Transpose(ChainerLayer l) => l.Transpose(l.X, l.Ints("axes")?.Select(a => (long)l.Axis(a, l.Rank)).ToArray() ?? [.. Enumerable.Range(0, l.Rank).Reverse().Select(d => (long)d)]);
    [Chainer("depth2space")] private static Value DepthToSpace(ChainerLayer l) => l.Emit("DepthToSpace", [l.X], ("blocksize", l.Needed("r")[0]));
    [Chainer("space2depth")] private static Value SpaceToDepth(ChainerLayer l) => l.Emit("SpaceToDepth", [l.X], ("blocksize", l.Needed("r")[0]));
}
