using System.Text.Json;
using EdgeLite.Converter.Ir;
using EdgeLite.Core;
using EdgeLite.Ops;

namespace EdgeLite.Converter.Importers.Chainer;

/// <summary>Marks a method <c>static Value (ChainerLayer)</c> that converts links or functions of these names.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class ChainerAttribute(params string[] names) : ForeignLayerAttribute(names);

/// <summary>One layer while it is converted.</summary>
internal sealed class ChainerLayer(Graph graph, JsonElement json, int number, Value[] inputs, IReadOnlyDictionary<string, Tensor> parameters)
    : NodeBuilder(graph, ArchitectureFile.NameOf(json, number), $"{ArchitectureFile.TypeOf(json)} '{ArchitectureFile.NameOf(json, number)}'")
{
    public string Type => ArchitectureFile.TypeOf(json);
    public Value[] Inputs { get; } = inputs;
    public Value X => Inputs.Length == 1 ? Inputs[0] : throw Damaged($"it has {Inputs.Length} inputs, expected one");
    public int Rank => RankOf(X);

    public bool Has(string parameter) => parameters.ContainsKey($"{Name}/{parameter}");

    /// <summary>A parameter as float32, of the rank, or of any (-1).</summary>
    public Tensor Parameter(string parameter, int rank)
    {
        Tensor stored = parameters.TryGetValue($"{Name}/{parameter}", out Tensor? t) ? t : throw Damaged($"the .npz has no '{Name}/{parameter}'");
        if (rank >= 0 && stored.Shape.Rank != rank) throw Damaged($"'{parameter}' has shape {stored.Shape}, expected {rank} dimensions");
        return stored.ConvertTo(DType.Float32);
    }

    public float Real(string key, double otherwise) => json.TryField(key, out JsonElement v) ? (float)v.Real() : (float)otherwise;

    /// <summary>A number, or one for each of some axes.</summary>
    public long[] PerAxis(string key, int axes, long otherwise, long least)
    {
        if (axes < 1) throw InputError($"its input has {axes + 2} dimensions, expected 3 or more");
        long[] v = Ints(key) ?? [otherwise];
        if (v.Length == 1) v = [.. Enumerable.Repeat(v[0], axes)];
        return v.Length == axes && v.Min() >= least && v.Max() <= 1 << 20 ? v : throw Damaged($"'{key}' is [{string.Join(", ", v)}], expected {axes} numbers from {least} on");
    }

    public long Int(string key, long otherwise) => Told(key) ? json.Field(key).Whole() : otherwise;

    /// <summary>One number or a list of them; null where there is none, or None.</summary>
    public long[]? Ints(string key) => !Told(key) ? null : json.Field(key) is { ValueKind: JsonValueKind.Array } list ? [.. list.Items().Select(n => n.Whole())] : [json.Field(key).Whole()];

    /// <summary>The list, which must be there.</summary>
    public long[] Needed(string key) => Ints(key) ?? throw Damaged($"'{key}' is missing");

    /// <summary>Axes counted from the front; null: all.</summary>
    public long[]? Axes() => Ints("axis")?.Select(a => (long)Axis(a, Rank)).ToArray();

    public string Text(string key, string otherwise) => Told(key) ? json.Field(key).Text() ?? otherwise : otherwise;
    public bool Flag(string key, bool otherwise) => Told(key) ? json.Field(key).Flag() : otherwise;
    public bool Told(string key) => json.TryField(key, out JsonElement v) && v.ValueKind != JsonValueKind.Null;

    /// <summary>A parameter whose axes are those of the input from <paramref name="axis"/> on.</summary>
    public Value From(string parameter, long axis)
    {
        Tensor p = Parameter(parameter, -1);
        int trailing = Rank - Axis(axis, Rank) - p.Shape.Rank;
        return trailing >= 0 ? Constant(parameter, p.Reshaped(new Shape([.. p.Shape.AsSpan(), .. Enumerable.Repeat(1L, trailing)]))) : throw InputError($"'{parameter}' {p.Shape} does not fit into {X.Shape} from axis {axis} on");
    }
}

/// <summary>Chainer's links (chainer.links): what has parameters.</summary>
internal static class ChainerLinks
{
    public static IReadOnlyDictionary<string, Func<ChainerLayer, Value>> All { get; } = ForeignLayers.Conversions<ChainerAttribute, Func<ChainerLayer, Value>>();

    /// <summary>W is [out, in / groups, sizes..].</summary>
    [Chainer("Convolution2D", "Convolution1D", "Convolution3D", "ConvolutionND", "DilatedConvolution2D")]
    private static Value Convolution(ChainerLayer l) => Conv(l, "Conv", l.Parameter("W", l.Rank), l.Int("groups", 1));

    [Chainer("Deconvolution2D", "Deconvolution1D", "Deconvolution3D", "DeconvolutionND")]
    private static Value Deconvolution(ChainerLayer l) => Conv(l, "ConvTranspose", l.Parameter("W", l.Rank), l.Int("groups", 1));

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
        int places = w.Shape.Rank - 2;
        long[] pad = l.PerAxis("pad", places, 0, 0);
        long[] stride = l.PerAxis("stride", places, 1, 1), dilate = l.PerAxis("dilate", places, 1, 1);
        Value weights = l.Constant("W", w);
        var attributes = new List<(string, AttributeValue)> { ("strides", stride), ("pads", (long[])[.. pad, .. pad]), ("dilations", dilate), ("group", groups) };
        if (l.Told("outsize"))
        {
            // Places beyond those that the input reaches hold the bias alone.
            long[] asked = l.PerAxis("outsize", places, 0, 1), more = [.. asked.Select((size, i) => l.X.Shape[i + 2] < 0 ? throw l.InputError("outsize needs an input of known size")
                : size - ((l.X.Shape[i + 2] - 1) * stride[i] + (w.Shape[i + 2] - 1) * dilate[i] + 1 - 2 * pad[i]))];
            if (more.Where((m, i) => m < 0 || m >= stride[i]).Any()) throw l.Error($"outsize [{string.Join(", ", asked)}] does not fit {l.X.Shape}");
            attributes.Add(("output_padding", more));
        }
        return l.Emit(opType, l.Has("b") ? [l.X, weights, l.Constant("b", l.Parameter("b", 1))] : [l.X, weights], [.. attributes]);
    }

    /// <summary>Statistics are those of training; eps 2e-5 unless told.</summary>
    [Chainer("BatchNormalization")]
    private static Value BatchNorm(ChainerLayer l)
    {
        Tensor mean = l.Parameter("avg_mean", 1), variance = l.Parameter("avg_var", 1);
        return l.Emit("BatchNormalization", [l.X, l.Constant("gamma", Filled(l, "gamma", 1, mean.Count)), l.Constant("beta", Filled(l, "beta", 0, mean.Count)), l.Constant("mean", mean), l.Constant("var", variance)], ("epsilon", l.Real("eps", 2e-5)));
    }

    private static Tensor Filled(ChainerLayer l, string name, double value, long count)
    {
        if (l.Has(name)) return l.Parameter(name, 1);
        var filled = new Tensor(DType.Float32, new Shape(count));
        for (long i = 0; i < count; i++) filled.SetDouble(i, value);
        return filled;
    }

    /// <summary>Over the second axis of [batch, units].</summary>
    [Chainer("LayerNormalization")]
    private static Value LayerNorm(ChainerLayer l) =>
        l.Emit("LayerNormalization", [l.X, l.Constant("gamma", l.Parameter("gamma", 1)), l.Constant("beta", l.Parameter("beta", 1))], ("axis", 1), ("epsilon", l.Real("eps", 1e-6)));

    [Chainer("GroupNormalization")]
    private static Value GroupNorm(ChainerLayer l) => l.Emit("GroupNormalization",
        [l.X, l.Constant("gamma", l.Parameter("gamma", 1)), l.Constant("beta", l.Parameter("beta", 1))], ("num_groups", l.Needed("groups")[0]), ("epsilon", l.Real("eps", 1e-5)));

    /// <summary>W is [out, in]; everything behind the batch axes (n_batch_axes, one unless told) is one row.</summary>
    [Chainer("Linear")]
    private static Value Linear(ChainerLayer l)
    {
        long batch = l.Int("n_batch_axes", 1);
        if (batch < 1 || batch >= l.Rank) throw l.InputError($"n_batch_axes {batch} does not fit {l.X.Shape}");
        if (batch > 1) return Rows(l, l.Rank == batch + 1 ? l.X : l.Reshape(l.X, [.. Enumerable.Repeat(0L, (int)batch), -1]));
        Value x = l.Rank == 2 ? l.X : l.Emit("Flatten", [l.X], ("axis", 1)), w = l.Constant("W", l.Parameter("W", 2));
        return l.Emit("Gemm", l.Has("b") ? [x, w, l.Constant("b", l.Parameter("b", 1))] : [x, w], ("transB", 1));
    }

    private static Value Rows(ChainerLayer l, Value x)
    {
        Value y = l.Emit("MatMul", [x, l.Transpose(l.Constant("W", l.Parameter("W", 2)), 1, 0)]);
        return l.Has("b") ? l.Emit("Add", [y, l.Constant("b", l.Parameter("b", 1))]) : y;
    }

    /// <summary>Rows of W; ignore_label gives rows of zeros.</summary>
    [Chainer("EmbedID")]
    private static Value Embed(ChainerLayer l)
    {
        Value at = l.Cast(l.X, DType.Int64), w = l.Constant("W", l.Parameter("W", 2));
        if (!l.Told("ignore_label")) return l.Emit("Gather", [w, at], ("axis", 0));
        Value isIgnored = l.Emit("Equal", [at, l.Constant("ignored", Tensor.FromScalar(l.Int("ignore_label", 0)))]);
        Value rows = l.Emit("Gather", [w, l.Emit("Where", [isIgnored, l.Constant("first", Tensor.FromScalar(0L)), at])], ("axis", 0));
        return l.Emit("Where", [l.Emit("Unsqueeze", [isIgnored, l.Ints(-1)]), l.Scalar(0), rows]);
    }

    [Chainer("Bias")] private static Value Bias(ChainerLayer l) => l.Emit("Add", [l.X, l.From("b", l.Int("axis", 1))]);

    [Chainer("Scale")]
    private static Value Scale(ChainerLayer l)
    {
        Value y = l.Emit("Mul", [l.X, l.From("W", l.Int("axis", 1))]);
        return l.Has("bias/b") ? l.Emit("Add", [y, l.From("bias/b", l.Int("axis", 1))]) : y;
    }

    [Chainer("PReLU")] private static Value PRelu(ChainerLayer l) => l.Emit("PRelu", [l.X, l.From("W", 1)]);

    [Chainer("Swish")] private static Value Swish(ChainerLayer l) => l.Emit("Mul", [l.X, l.Emit("Sigmoid", [l.Emit("Mul", [l.X, l.From("beta", 1)])])]);
}
