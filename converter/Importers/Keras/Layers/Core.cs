using System.Text.Json;
using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.Keras.Layers;

/// <summary>Dense, embedding, shapes, and what does nothing in inference.</summary>
internal static class CoreLayers
{
    /// <summary>y = activation(x W + b) over the last axis; kernel [in, units].</summary>
    [Keras("Dense"), Keras("TimeDistributedDense")]
    private static void Dense(KerasNode n)
    {
        bool hasBias = n.Config.Bool(true, "use_bias", "bias");
        Tensor[] weights = hasBias ? n.Layer.Take("kernel", "bias") : n.Layer.Take("kernel");
        n.RequireRank(weights[0], 2, "kernel");
        Value kernel = n.Constant("kernel", () => Arrays.Float32(weights[0])), x = n.Cast(n.X, DType.Float32);
        Value y = n.Emit("MatMul", [x, kernel]);
        if (hasBias) y = n.Emit("Add", [y, n.Constant("bias", () => weights[1])]);
        n.SetMasked(n.Activate(y));
    }

    [Keras("EinsumDense")]
    private static void EinsumDense(KerasNode n)
    {
        bool hasBias = n.Config.Has("bias_axes");
        Tensor[] weights = hasBias ? n.Layer.Take("kernel", "bias") : n.Layer.Take("kernel");
        string equation = n.Config.Text("equation");
        if (equation.Contains("...", StringComparison.Ordinal) && equation.Split("->")[0].Split(',').Length != 2) throw n.Damaged($"equation '{equation}'");
        Value y = n.Emit("Einsum", [n.X, n.Constant("kernel", () => weights[0])], ("equation", equation));
        if (hasBias) y = n.Emit("Add", [y, n.Constant("bias", () => weights[1])]);
        n.SetMasked(n.Activate(y));
    }

    /// <summary>The layer that it wraps: its kernel is stored as it was normalized in training.</summary>
    [Keras("SpectralNormalization")]
    private static void SpectralNormalization(KerasNode n)
    {
        JsonElement json = n.Config.Get("layer") ?? throw n.Damaged("it has no layer");
        KerasLayer inner = n.Layer.Child("layer", () => new KerasLayer(KerasLayer.ClassOf(json), $"{n.Name}/{KerasLayer.NameOf(json)}", KerasLayer.ConfigOf(json), n.Layer.Weights.Inside("layer")));
        n.Set(n.Importer.Call(inner, n.Inputs));
    }

    [Keras("Activation")]
    private static void Activation(KerasNode n) => n.SetMasked(n.Activate(n.X));

    [Keras("Dropout"), Keras("SpatialDropout1D"), Keras("SpatialDropout2D"), Keras("SpatialDropout3D"), Keras("GaussianDropout"), Keras("GaussianNoise"),
     Keras("AlphaDropout"), Keras("ActivityRegularization"), Keras("RandomFlip"), Keras("RandomRotation"), Keras("RandomZoom"), Keras("RandomTranslation"),
     Keras("RandomContrast"), Keras("RandomBrightness"), Keras("RandomHeight"), Keras("RandomWidth"), Keras("RandomColorDegeneration"), Keras("RandomColorJitter"),
     Keras("RandomElasticTransform"), Keras("RandomErasing"), Keras("RandomGaussianBlur"), Keras("RandomGrayscale"), Keras("RandomHue"), Keras("RandomInvert"),
     Keras("RandomPerspective"), Keras("RandomPosterization"), Keras("RandomSaturation"), Keras("RandomSharpness"), Keras("RandomShear"), Keras("AugMix"),
     Keras("CutMix"), Keras("MixUp"), Keras("RandAugment"), Keras("Solarization"), Keras("Identity"), Keras("FixedDropout", "Custom>FixedDropout")]
    private static void Nothing(KerasNode n) => n.SetMasked(n.X);

    /// <summary>channels_first: Keras moves the channels to the end before it flattens, so that weights fit both layouts.</summary>
    [Keras("Flatten")]
    private static void Flatten(KerasNode n)
    {
        Value x = n.X;
        if (n.Config.ChannelsFirst() && n.Rank > 2) x = n.ToChannelsLast(x);
        n.Set(n.Rank == 1 ? n.Reshape(x, -1, 1) : n.Reshape(x, 0, -1));
    }

    [Keras("Reshape")]
    private static void Reshape(KerasNode n)
    {
        long[] target = n.Config.Ints("target_shape", "dims") ?? throw n.Damaged("target_shape is missing");
        if (target.Length + 1 > Shape.MaxRank) throw n.Error($"a shape of {target.Length + 1} dimensions");
        n.Set(n.Reshape(n.X, [0, .. target]));
    }

    [Keras("Permute")]
    private static void Permute(KerasNode n)
    {
        long[] dims = n.Config.Ints("dims") ?? throw n.Damaged("dims is missing");
        if (!dims.Order().SequenceEqual(Enumerable.Range(1, n.Rank - 1).Select(i => (long)i))) throw n.Damaged($"dims [{string.Join(", ", dims)}] do not fit an input of {n.Rank} dimensions");
        n.Set(n.Transpose(n.X, [0, .. dims]));
    }

    /// <summary>[batch, f] to [batch, n, f].</summary>
    [Keras("RepeatVector")]
    private static void RepeatVector(KerasNode n)
    {
        n.RequireRank(2);
        n.Set(n.Emit("Expand", [n.Emit("Unsqueeze", [n.X, n.Ints(1)]), n.Ints(1, n.Config.RequiredInt("n"), 1)]));
    }

    [Keras("Embedding")]
    private static void Embedding(KerasNode n)
    {
        Tensor[] weights = n.Layer.Take("embeddings");
        n.RequireRank(weights[0], 2, "table");
        Value indices = n.Cast(n.X, DType.Int64);
        Value? mask = n.Config.Bool(false, "mask_zero") ? n.Emit("Not", [n.Emit("Equal", [indices, n.Graph.AddConstant("zero", Tensor.FromScalar(0L))])]) : null;
        n.Set(new KerasTensor(n.Emit("Gather", [n.Constant("embeddings", () => Arrays.Float32(weights[0])), indices], ("axis", 0)), mask));
    }

    /// <summary>A step all of whose values are mask_value is not there; its values become 0.</summary>
    [Keras("Masking")]
    private static void Masking(KerasNode n)
    {
        Value other = n.Emit("Not", [n.Emit("Equal", [n.X, n.Scalar(n.Config.Real(0, "mask_value"))])]);
        Value any = n.Emit("ReduceMax", [n.Cast(other, DType.Float32), n.Ints(-1)], ("keepdims", 1));
        Value mask = n.Emit("Squeeze", [n.Cast(any, DType.Bool), n.Ints(n.Rank - 1)]);
        n.Set(new KerasTensor(n.Emit("Mul", [n.X, any]), mask));
    }

    [Keras("Rescaling")]
    private static void Rescaling(KerasNode n)
    {
        Value y = n.Emit("Mul", [n.Cast(n.X, DType.Float32), PerChannel(n, "scale", 1)]);
        n.Set(n.Emit("Add", [y, PerChannel(n, "offset", 0)]));
    }

    private static Value PerChannel(KerasNode n, string key, double otherwise)
    {
        if (n.Config.Get(key) is not { ValueKind: JsonValueKind.Array } list) return n.Scalar(n.Config.Real(otherwise, key));
        float[] values = [.. list.EnumerateArray().Select(v => (float)v.GetDouble())];
        return n.Graph.AddConstant($"{n.Name}/{key}", Tensor.FromArray<float>(values, new Shape(values.Length)));
    }

    [Keras("ZeroPadding1D"), Keras("ZeroPadding2D"), Keras("ZeroPadding3D")]
    private static void ZeroPadding(KerasNode n)
    {
        (long[] before, long[] after) = Margins(n, "padding");
        int rank = n.Rank, first = n.Config.ChannelsFirst() ? 2 : 1;
        var pads = new long[2 * rank];
        for (int i = 0; i < before.Length; i++) (pads[first + i], pads[rank + first + i]) = (before[i], after[i]);
        n.Set(n.Emit("Pad", [n.X, n.Ints(pads), n.Scalar(0)], ("mode", "constant")));
    }

    [Keras("Cropping1D"), Keras("Cropping2D"), Keras("Cropping3D")]
    private static void Cropping(KerasNode n)
    {
        (long[] before, long[] after) = Margins(n, "cropping");
        int first = n.Config.ChannelsFirst() ? 2 : 1;
        long[] ends = [.. after.Select(a => a == 0 ? long.MaxValue : -a)], axes = [.. Enumerable.Range(first, before.Length).Select(a => (long)a)];
        n.Set(n.Emit("Slice", [n.X, n.Ints(before), n.Ints(ends), n.Ints(axes)]));
    }

    /// <summary>n; [h, w]; [[top, bottom], [left, right]]; for one axis [left, right]. Keras 1: [top, bottom, left, right].</summary>
    private static (long[] Before, long[] After) Margins(KerasNode n, string key)
    {
        int axes = n.Layer.ClassName[^2] - '0';
        n.RequireRank(axes + 2);
        var before = new long[axes];
        var after = new long[axes];
        JsonElement json = n.Config.Get(key) ?? JsonDocument.Parse("1").RootElement;
        if (json.ValueKind == JsonValueKind.Number) json = JsonDocument.Parse($"[{string.Join(',', Enumerable.Repeat(json.GetInt64(), axes))}]").RootElement;
        JsonElement[] items = [.. json.EnumerateArray()];
        if (axes == 1 && items.Length == 2 && items[0].ValueKind == JsonValueKind.Number) (before[0], after[0]) = (items[0].GetInt64(), items[1].GetInt64());
        else if (axes == 2 && items.Length == 4) (before[0], after[0], before[1], after[1]) = (items[0].GetInt64(), items[1].GetInt64(), items[2].GetInt64(), items[3].GetInt64());
        else if (items.Length != axes) throw n.Damaged($"{key} has {items.Length} entries");
        else
            for (int i = 0; i < axes; i++)
                (before[i], after[i]) = items[i].ValueKind == JsonValueKind.Array ? (items[i][0].GetInt64(), items[i][1].GetInt64()) : (items[i].GetInt64(), items[i].GetInt64());
        if (before.Concat(after).Any(m => m is < 0 or > 1 << 24)) throw n.Damaged($"{key} is out of range");
        return (before, after);
    }

    [Keras("UpSampling1D"), Keras("UpSampling2D"), Keras("UpSampling3D")]
    private static void UpSampling(KerasNode n)
    {
        int axes = n.Layer.ClassName[^2] - '0';
        n.RequireRank(axes + 2);
        long[] size = n.Config.PerAxis(axes, 2, "size", "length");
        bool first = n.Config.ChannelsFirst();
        float[] scales = [1, .. first ? [1f] : Array.Empty<float>(), .. size.Select(s => (float)s), .. first ? [] : new[] { 1f }];
        string mode = n.Config.Text("interpolation", "nearest");
        Value values = n.Graph.AddConstant($"{n.Name}/scales", Tensor.FromArray<float>(scales, new Shape(scales.Length)));
        n.Set(mode switch
        {
            "nearest" => n.Emit("Resize", [n.X, null, values], ("mode", "nearest"), ("coordinate_transformation_mode", "asymmetric"), ("nearest_mode", "floor")),
            "bilinear" => n.Emit("Resize", [n.X, null, values], ("mode", "linear"), ("coordinate_transformation_mode", n.Importer.Origin.ResizesFromCorner ? "asymmetric" : "half_pixel")),
            "bicubic" => n.Emit("Resize", [n.X, null, values], ("mode", "cubic"), ("coordinate_transformation_mode", "half_pixel"), ("cubic_coeff_a", -0.5f), ("exclude_outside", 1)),
            _ => throw n.Error($"interpolation '{mode}' is not supported (nearest, bilinear and bicubic are)"),
        });
    }
}
