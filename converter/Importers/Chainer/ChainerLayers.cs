using System.Text.Json;
using EdgeLite.Converter.Ir;
using EdgeLite.Core;
using EdgeLite.Ops;

namespace EdgeLite.Converter.Importers.Chainer;

/// <summary>Marks a method <c>static Value (ChainerLayer)</c> that converts links or functions of these names.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class ChainerAttribute(params string[] names) : ForeignLayerAttribute(names);

/// <summary>One layer while it is converted.</summary>
internal sealed class ChainerLayer(Graph graph, JsonElement json, int number, Value input, IReadOnlyDictionary<string, Tensor> parameters)
    : NodeBuilder(graph, ArchitectureFile.NameOf(json, number), $"{ArchitectureFile.TypeOf(json)} '{ArchitectureFile.NameOf(json, number)}'")
{
    public Value X { get; } = input;

    public bool Has(string parameter) => parameters.ContainsKey($"{Name}/{parameter}");

    /// <summary>A parameter as float32.</summary>
    public Tensor Parameter(string parameter, int rank)
    {
        Tensor stored = parameters.TryGetValue($"{Name}/{parameter}", out Tensor? t) ? t : throw Damaged($"the .npz has no '{Name}/{parameter}'");
        if (stored.Shape.Rank != rank) throw Damaged($"'{parameter}' has shape {stored.Shape}, expected {rank} dimensions");
        return ToFloat32(stored);
    }

    public float Real(string key, double otherwise) => json.TryGetProperty(key, out JsonElement v) ? (float)v.GetDouble() : (float)otherwise;

    /// <summary>A number, or one for each of two axes.</summary>
    public long[] Pair(string key, long otherwise, long least)
    {
        long[] v = json.TryGetProperty(key, out JsonElement e) ? e.ValueKind == JsonValueKind.Array ? [.. e.EnumerateArray().Select(n => n.GetInt64())] : [e.GetInt64(), e.GetInt64()] : [otherwise, otherwise];
        return v.Length == 2 && v.Min() >= least && v.Max() <= 1 << 20 ? v : throw Damaged($"'{key}' is [{string.Join(", ", v)}]");
    }

    public bool Flag(string key, bool otherwise) => json.TryGetProperty(key, out JsonElement v) ? v.GetBoolean() : otherwise;
    public bool Told(string key) => json.TryGetProperty(key, out _);
}

/// <summary>Chainer's links (chainer.links) and functions (chainer.functions).</summary>
internal static class ChainerLayers
{
    public static IReadOnlyDictionary<string, Func<ChainerLayer, Value>> All { get; } = ForeignLayers.Conversions<ChainerAttribute, Func<ChainerLayer, Value>>();

    [Chainer("Convolution2D")]
    private static Value Convolution(ChainerLayer l)
    {
        Tensor w = l.Parameter("W", 4);
        return Conv(l, "Conv", w, l.Pair("groups", 1, 1)[0]);
    }

    [Chainer("Deconvolution2D", Limits = "outsize")]
    private static Value Deconvolution(ChainerLayer l) => l.Told("outsize") ? throw l.Error("outsize has no conversion") : Conv(l, "ConvTranspose", l.Parameter("W", 4), l.Pair("groups", 1, 1)[0]);

    /// <summary>W is [multiplier, in, h, w]; output c * multiplier + m is filter m over channel c.</summary>
    [Chainer("DepthwiseConvolution2D")]
    private static Value Depthwise(ChainerLayer l)
    {
        Tensor stored = l.Parameter("W", 4);
        long multiplier = stored.Shape[0], channels = stored.Shape[1], size = stored.Shape[2] * stored.Shape[3];
        var w = new Tensor(DType.Float32, new Shape(channels * multiplier, 1, stored.Shape[2], stored.Shape[3]));
        for (long m = 0; m < multiplier; m++)
            for (long c = 0; c < channels; c++)
                for (long k = 0; k < size; k++) w.SetDouble((c * multiplier + m) * size + k, stored.GetDouble((m * channels + c) * size + k));
        return Conv(l, "Conv", w, channels);
    }

    private static Value Conv(ChainerLayer l, string opType, Tensor w, long groups)
    {
        long[] pad = l.Pair("pad", 0, 0);
        Value weights = l.Constant("W", w);
        return l.Emit(opType, l.Has("b") ? [l.X, weights, l.Constant("b", l.Parameter("b", 1))] : [l.X, weights],
            ("strides", l.Pair("stride", 1, 1)), ("pads", (long[])[.. pad, .. pad]), ("dilations", l.Pair("dilate", 1, 1)), ("group", groups));
    }

    /// <summary>Statistics are those of training; eps 2e-5 unless told.</summary>
    [Chainer("BatchNormalization")]
    private static Value BatchNorm(ChainerLayer l)
    {
        Tensor mean = l.Parameter("avg_mean", 1), variance = l.Parameter("avg_var", 1);
        Tensor Filled(string name, double value)
        {
            if (l.Has(name)) return l.Parameter(name, 1);
            var filled = new Tensor(DType.Float32, mean.Shape);
            for (long i = 0; i < filled.Count; i++) filled.SetDouble(i, value);
            return filled;
        }
        return l.Emit("BatchNormalization", [l.X, l.Constant("gamma", Filled("gamma", 1)), l.Constant("beta", Filled("beta", 0)), l.Constant("mean", mean), l.Constant("var", variance)], ("epsilon", l.Real("eps", 2e-5)));
    }

    /// <summary>W is [out, in]; everything behind the batch is one row.</summary>
    [Chainer("Linear")]
    private static Value Linear(ChainerLayer l)
    {
        Value x = l.X.Shape.Rank == 2 ? l.X : l.Emit("Flatten", [l.X], ("axis", 1)), w = l.Constant("W", l.Parameter("W", 2));
        return l.Emit("Gemm", l.Has("b") ? [x, w, l.Constant("b", l.Parameter("b", 1))] : [x, w], ("transB", 1));
    }

    /// <summary>Sizes are rounded up (cover_all) unless told.</summary>
    [Chainer("max_pooling_2d")] private static Value MaxPool(ChainerLayer l) => Pool(l, "MaxPool", ("ceil_mode", l.Flag("cover_all", true) ? 1 : 0));
    [Chainer("average_pooling_2d")] private static Value AveragePool(ChainerLayer l) => Pool(l, "AveragePool", ("count_include_pad", 1));

    private static Value Pool(ChainerLayer l, string opType, (string, AttributeValue) more)
    {
        long[] kernel = l.Pair("ksize", 0, 1), pad = l.Pair("pad", 0, 0), stride = l.Told("stride") ? l.Pair("stride", 1, 1) : kernel;
        return l.Emit(opType, [l.X], ("kernel_shape", kernel), ("strides", stride), ("pads", (long[])[.. pad, .. pad]), more);
    }

    [Chainer("relu")] private static Value Relu(ChainerLayer l) => l.Emit("Relu", [l.X]);
    [Chainer("leaky_relu")] private static Value LeakyRelu(ChainerLayer l) => l.Emit("LeakyRelu", [l.X], ("alpha", l.Real("slope", 0.2)));
    [Chainer("elu")] private static Value Elu(ChainerLayer l) => l.Emit("Elu", [l.X], ("alpha", l.Real("alpha", 1)));
    [Chainer("sigmoid")] private static Value Sigmoid(ChainerLayer l) => l.Emit("Sigmoid", [l.X]);
    [Chainer("tanh")] private static Value Tanh(ChainerLayer l) => l.Emit("Tanh", [l.X]);
    [Chainer("softmax")] private static Value Softmax(ChainerLayer l) => l.Emit("Softmax", [l.X], ("axis", 1));
    [Chainer("dropout", Notes = "nothing outside training")] private static Value Dropout(ChainerLayer l) => l.X;
}
