using System.Text.Json;
using EdgeLite.Converter.Ir;
using EdgeLite.Core;
using EdgeLite.Ops;

namespace EdgeLite.Converter.Importers.Lasagne;

/// <summary>Lasagne's layers (lasagne.readthedocs.io, modules/layers): convolution, dense, normalization, and nonlinearities.</summary>
internal static partial class LasagneLayers
{
    public static IReadOnlyDictionary<string, Func<LasagneLayer, Value>> All { get; } = ForeignLayers.Conversions<LasagneAttribute, Func<LasagneLayer, Value>>();

    [Lasagne("InputLayer")]
    private static Value Input(LasagneLayer l)
    {
        long[] dims = [.. l.Json.Field("shape").Items().Select((d, i) => d.ValueKind == JsonValueKind.Null ? l.Graph.SymbolDim(i == 0 ? "N" : $"size{i}") : d.Whole() is > 0 and <= 1 << 24 and long n ? n : throw l.Damaged($"size {d} is not one of an input"))];
        if (dims.Length is 0 or > Shape.MaxRank) throw l.Damaged($"{dims.Length} dimensions are not supported");
        return l.Graph.AddInput(l.Name, new TensorType(DType.Float32, new Shape(dims)));
    }

    /// <summary>W is [filters, in / groups, sizes..]; with flip_filters (the default, but not of cuDNN's layers) W is that of a true convolution.</summary>
    [Lasagne("Conv1DLayer", "Conv2DLayer", "Conv3DLayer", "Conv2DDNNLayer", "Conv3DDNNLayer")]
    private static Value Convolution(LasagneLayer l)
    {
        int places = l.Rank - 2;
        Tensor w = l.Parameter("W", l.Rank);
        if (l.Flag("flip_filters", !l.Type.Contains("DNN", StringComparison.Ordinal))) w = Flipped(w);
        long[] kernel = [.. w.Shape.AsSpan()[2..]];
        long[] pads = !l.Told("pad") || l.Json.Field("pad").ValueKind != JsonValueKind.String ? l.Sizes("pad", places, 0, 0) : l.Text("pad", "") switch
        {
            "valid" => new long[places],
            "full" => [.. kernel.Select(k => k - 1)],
            "same" => [.. kernel.Select(k => k % 2 == 1 ? k / 2 : throw l.Error("pad 'same' needs odd filters"))],
            string other => throw l.Error($"pad '{other}' is not known"),
        };
        return Biased(l, "Conv", w, ("strides", l.Sizes("stride", places, 1, 1)), ("pads", (long[])[.. pads, .. pads]), ("group", l.Integer("num_groups", 1)));
    }

    /// <summary>The gradient of a convolution: W is [in, filters, h, w]. Without flip_filters (the default) it is that of a true convolution,
    /// so its filters are turned for ONNX, whose ConvTranspose is the gradient of a correlation.</summary>
    [Lasagne("TransposedConv2DLayer", "Deconv2DLayer", Limits = "output_size")]
    private static Value TransposedConvolution(LasagneLayer l)
    {
        l.Refuse("output_size");
        Tensor w = l.Parameter("W", 4);
        if (!l.Flag("flip_filters", false)) w = Flipped(w);
        long[] kernel = [w.Shape[2], w.Shape[3]];
        long[] crop = !l.Told("crop") || l.Json.Field("crop").ValueKind != JsonValueKind.String ? l.Sizes("crop", 2, 0, 0) : l.Text("crop", "") switch
        {
            "valid" => [0, 0],
            "full" => [.. kernel.Select(k => k - 1)],
            "same" => [.. kernel.Select(k => k / 2)],
            string other => throw l.Error($"crop '{other}' is not known"),
        };
        return Biased(l, "ConvTranspose", w, ("strides", l.Sizes("stride", 2, 1, 1)), ("pads", (long[])[.. crop, .. crop]));
    }

    private static Value Biased(LasagneLayer l, string opType, Tensor w, params ReadOnlySpan<(string, AttributeValue)> attributes)
    {
        Value weights = l.Constant("W", w);
        if (l.IsNone("b")) return Activated(l, l.Emit(opType, [l.X, weights], attributes));
        Tensor b = l.Parameter("b", -1);
        if (b.Shape.Rank == 1) return Activated(l, l.Emit(opType, [l.X, weights, l.Constant("b", b)], attributes));
        // untie_biases: one for each channel and place.
        if (b.Shape.Rank != l.Rank - 1) throw l.Damaged($"the array for 'b' has shape {b.Shape}");
        return Activated(l, l.Emit("Add", [l.Emit(opType, [l.X, weights], attributes), l.Constant("b", b)]));
    }

    /// <summary>All axes behind the first two reversed.</summary>
    private static Tensor Flipped(Tensor w)
    {
        var flipped = new Tensor(DType.Float32, w.Shape);
        long size = w.Shape.Product(2, w.Shape.Rank);
        ReadOnlySpan<float> from = w.Span<float>();
        Span<float> to = flipped.Span<float>();
        for (int i = 0; i < from.Length; i++)
        {
            int place = (int)(i % size);
            to[i - place + (int)size - 1 - place] = from[i];
        }
        return flipped;
    }

    /// <summary>W is [in, out]; everything behind the leading axes (one unless told) is one row.</summary>
    [Lasagne("DenseLayer")]
    private static Value Dense(LasagneLayer l)
    {
        Value w = l.Constant("W", l.Parameter("W", 2));
        Value? b = l.IsNone("b") ? null : l.Constant("b", l.Parameter("b", 1));
        long leading = l.Integer("num_leading_axes", 1);
        if (leading < 0) leading += l.Rank;
        if (leading < 1 || leading >= l.Rank) throw l.InputError($"num_leading_axes {leading} does not fit {l.X.Shape}");
        if (leading == 1)
        {
            Value x = l.Rank == 2 ? l.X : l.Emit("Flatten", [l.X], ("axis", 1));
            return Activated(l, b == null ? l.Emit("MatMul", [x, w]) : l.Emit("Gemm", [x, w, b]));
        }
        Value rows = leading == l.Rank - 1 ? l.X : l.Reshape(l.X, [.. Enumerable.Repeat(0L, (int)leading), -1]);
        Value y = l.Emit("MatMul", [rows, w]);
        return Activated(l, b == null ? y : l.Emit("Add", [y, b]));
    }

    /// <summary>The same over other axes: arrays have the axes that remain.</summary>
    private static Value Normalized(LasagneLayer l, int[] axes)
    {
        Value? beta = l.IsNone("beta") ? null : Along("beta"), gamma = l.IsNone("gamma") ? null : Along("gamma");
        Value y = l.Emit("Sub", [l.X, Along("mean")]);
        y = l.Emit("Mul", [y, Along("inv_std")]);
        if (gamma != null) y = l.Emit("Mul", [y, gamma]);
        return beta == null ? y : l.Emit("Add", [y, beta]);

        Value Along(string role)
        {
            Tensor stored = l.Parameter(role, l.Rank - axes.Length);
            int next = 0;
            return l.Constant(role, stored.Reshaped(new Shape([.. Enumerable.Range(0, l.Rank).Select(a => axes.Contains(a) ? 1 : stored.Shape[next++])])));
        }
    }

    /// <summary>(x - mean) * gamma * inv_std + beta: the stored inv_std holds epsilon already.</summary>
    [Lasagne("BatchNormLayer", "BatchNormDNNLayer", Notes = "\"beta\": null and \"gamma\": null where there are none")]
    private static Value BatchNorm(LasagneLayer l)
    {
        if (l.Told("axes") && l.Json.Field("axes").ValueKind != JsonValueKind.String)
        {
            JsonElement told = l.Json.Field("axes");
            IEnumerable<long> given = told.ValueKind == JsonValueKind.Number ? [told.Whole()] : told.Items().Select(a => a.Whole());
            int[] axes = [.. given.Select(a => l.Axis(a, l.Rank)).Distinct().Order()];
            if (!axes.SequenceEqual(Enumerable.Range(0, l.Rank).Where(a => a != 1))) return Normalized(l, axes);
        }
        Tensor? beta = l.IsNone("beta") ? null : l.Parameter("beta", 1), gamma = l.IsNone("gamma") ? null : l.Parameter("gamma", 1);
        Tensor mean = l.Parameter("mean", 1), inverse = l.Parameter("inv_std", 1);
        if (new[] { beta, gamma, inverse }.Any(t => t != null && t.Shape != mean.Shape)) throw l.Damaged("its arrays differ in size");
        Tensor scale = new(DType.Float32, mean.Shape), shift = new(DType.Float32, mean.Shape), one = new(DType.Float32, mean.Shape);
        for (long i = 0; i < mean.Count; i++)
        {
            scale.SetDouble(i, inverse.GetDouble(i) * (gamma?.GetDouble(i) ?? 1));
            shift.SetDouble(i, beta?.GetDouble(i) ?? 0);
            one.SetDouble(i, 1);
        }
        return l.Emit("BatchNormalization", [l.X, l.Constant("scale", scale), l.Constant("beta", shift), l.Constant("mean", mean), l.Constant("var", one)], ("epsilon", 0f));
    }

    /// <summary>x / (k + alpha * sum of squares of n channels)^beta; ONNX divides alpha by n.</summary>
    [Lasagne("LocalResponseNormalization2DLayer")]
    private static Value LocalResponse(LasagneLayer l)
    {
        long n = l.Integer("n", 5);
        if (n < 1 || n % 2 == 0) throw l.Error($"n is {n}, expected an odd number");
        return l.Emit("LRN", [l.X], ("size", n), ("alpha", l.Real("alpha", 1e-4) * n), ("beta", l.Real("beta", 0.75)), ("bias", l.Real("k", 2)));
    }

    [Lasagne("NonlinearityLayer")]
    private static Value Nonlinearity(LasagneLayer l) => Activated(l, l.X);

    /// <summary>alpha is one slope for each channel, or one for all.</summary>
    [Lasagne("ParametricRectifierLayer", Limits = "slopes that differ between places")]
    private static Value ParametricRectifier(LasagneLayer l)
    {
        Tensor alpha = l.Parameter("alpha", -1);
        if (alpha.Shape.Rank > 1) throw l.Error($"alpha has shape {alpha.Shape}");
        return l.Emit("PRelu", [l.X, l.Constant("alpha", alpha.Shape.Rank == 0 ? alpha : alpha.Reshaped(new Shape([alpha.Count, .. Enumerable.Repeat(1L, l.Rank - 2)])))]);
    }

    [Lasagne("DropoutLayer", "SpatialDropoutLayer", "GaussianNoiseLayer", "dropout", Notes = "nothing outside training")]
    private static Value Dropout(LasagneLayer l) => l.X;

    /// <summary>The layer's "nonlinearity", rectify where none is told.</summary>
    private static Value Activated(LasagneLayer l, Value x)
    {
        if (l.IsNone("nonlinearity")) return x;
        JsonElement given = l.Told("nonlinearity") ? l.Json.Field("nonlinearity") : default;
        bool settings = given.ValueKind == JsonValueKind.Object;
        string type = settings ? given.Field("type").Text()! : l.Text("nonlinearity", "rectify");
        float Setting(string key, double otherwise) => (float)(settings && given.TryField(key, out JsonElement v) ? v.Real() : otherwise);
        switch (type)
        {
            case "rectify": return l.Emit("Relu", [x]);
            case "sigmoid": return l.Emit("Sigmoid", [x]);
            case "tanh": return l.Emit("Tanh", [x]);
            case "softplus": return l.Emit("Softplus", [x]);
            case "elu": return l.Emit("Elu", [x], ("alpha", 1f));
            case "selu" or "SELU": return l.Emit("Selu", [x], ("alpha", Setting("scale_neg", 1.6732632423543772)), ("gamma", Setting("scale", 1.0507009873554805)));
            case "leaky_rectify" or "LeakyRectify": return l.Emit("LeakyRelu", [x], ("alpha", Setting("leakiness", 0.01)));
            case "very_leaky_rectify": return l.Emit("LeakyRelu", [x], ("alpha", 1f / 3));
            case "linear" or "identity": return x;
            case "softmax": return x.Shape.Rank == 2 ? l.Emit("Softmax", [x], ("axis", 1)) : throw l.InputError($"softmax is one of matrices, not of {x.Shape}");
            case "scaled_tanh" or "ScaledTanH": return l.Emit("Mul", [l.Emit("Tanh", [l.Emit("Mul", [x, l.Scalar(Setting("scale_in", 1))])]), l.Scalar(Setting("scale_out", 1))]);
            default: throw l.Error($"nonlinearity '{type}' has no conversion");
        }
    }
}
