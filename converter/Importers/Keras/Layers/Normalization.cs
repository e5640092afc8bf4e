using System.Text.Json;
using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.Keras.Layers;

/// <summary>Normalizations.</summary>
internal static class Normalization
{
    /// <summary>gamma (x - mean) / sqrt(variance + epsilon) + beta along one axis. Keras 1: mode 0 and 2 are this in inference.</summary>
    [Keras("BatchNormalization"), Keras("BatchNormalizationV1"), Keras("BatchNormalizationV2"), Keras("SyncBatchNormalization")]
    private static void BatchNormalization(KerasNode n)
    {
        if (n.Importer.Origin.Major < 2 && n.Config.Int(0, "mode") == 1) throw n.Error("mode 1 (statistics of each sample) is not supported");
        bool scale = n.Config.Bool(true, "scale"), center = n.Config.Bool(true, "center");
        List<string> names = [];
        if (scale) names.Add("gamma");
        if (center) names.Add("beta");
        Tensor[] weights = n.Layer.Take([.. names, "moving_mean", "moving_variance"]);
        Tensor mean = weights[^2], variance = weights[^1];
        Value g = n.Constant("gamma", () => scale ? weights[0] : Arrays.Filled(mean.Shape, 1)), b = n.Constant("beta", () => center ? weights[scale ? 1 : 0] : Arrays.Filled(mean.Shape, 0));
        Value m = n.Constant("mean", () => mean), v = n.Constant("variance", () => variance);
        int rank = n.Rank, axis = n.Axis(n.Config.Ints("axis") is { Length: 1 } given ? given[0] : n.Config.Has("axis") ? throw n.Error("several axes are not supported") : -1, rank);
        float epsilon = (float)n.Config.Real(1e-3, "epsilon");
        Value x = n.X;
        if (axis == 1 || rank == 2)
        {
            n.SetMasked(n.Emit("BatchNormalization", [x, g, b, m, v], ("epsilon", epsilon)));
            return;
        }
        long[] order = [0, axis, .. Enumerable.Range(1, rank - 1).Where(i => i != axis).Select(i => (long)i)];
        long[] back = [.. Enumerable.Range(0, rank).Select(i => (long)Array.IndexOf(order, i))];
        n.SetMasked(n.Transpose(n.Emit("BatchNormalization", [n.Transpose(x, order), g, b, m, v], ("epsilon", epsilon)), back));
    }

    /// <summary>Over the axes given, which must be the last ones.</summary>
    [Keras("LayerNormalization")]
    private static void LayerNormalization(KerasNode n)
    {
        int rank = n.Rank;
        int[] axes = [.. (n.Config.Ints("axis") ?? [-1]).Select(a => n.Axis(a, rank)).Order()];
        if (n.Config.Bool(false, "rms_scaling")) throw n.Error("rms_scaling is not supported");
        bool scale = n.Config.Bool(true, "scale"), center = n.Config.Bool(true, "center");
        Tensor[] weights = scale && center ? n.Layer.Take("gamma", "beta") : scale ? n.Layer.Take("gamma") : center ? n.Layer.Take("beta") : [];
        var shape = new Shape([.. axes.Select(a => n.X.Shape[a])]);
        if (!shape.IsKnown) throw n.InputError("the normalized axes must have known sizes");
        Value g = n.Constant("gamma", () => scale ? weights[0] : Arrays.Filled(shape, 1));
        float epsilon = (float)n.Config.Real(1e-3, "epsilon");
        // Axes that are not the last ones are while it computes.
        long[] order = [.. Enumerable.Range(0, rank).Except(axes).Concat(axes).Select(a => (long)a)];
        bool isLast = order.SequenceEqual(Enumerable.Range(0, rank).Select(a => (long)a));
        Value x = isLast ? n.X : n.Transpose(n.X, order);
        Value y = n.Emit("LayerNormalization", center ? [x, g, n.Constant("beta", () => weights[^1])] : [x, g], ("axis", rank - axes.Length), ("epsilon", epsilon));
        n.SetMasked(isLast ? y : n.Transpose(y, [.. Enumerable.Range(0, rank).Select(a => (long)Array.IndexOf(order, (long)a))]));
    }

    /// <summary>Those of TensorFlow Addons compute the same.</summary>
    [Keras("GroupNormalization", "Addons>GroupNormalization", "Addons>InstanceNormalization")]
    private static void GroupNormalization(KerasNode n)
    {
        int rank = n.Rank, axis = n.Axis(n.Config.Int(-1, "axis"), rank);
        long channels = n.X.Shape[axis], groups = n.Config.Int(32, "groups");
        if (groups == -1 || n.Layer.ClassName.EndsWith(">InstanceNormalization", StringComparison.Ordinal)) groups = channels;
        if (channels < 1 || groups < 1 || channels % groups != 0) throw n.Damaged($"{channels} channels in {groups} groups");
        bool scale = n.Config.Bool(true, "scale"), center = n.Config.Bool(true, "center");
        Tensor[] weights = scale && center ? n.Layer.Take("gamma", "beta") : scale ? n.Layer.Take("gamma") : center ? n.Layer.Take("beta") : [];
        Value g = n.Constant("gamma", () => scale ? weights[0] : Arrays.Filled(new Shape(channels), 1)), b = n.Constant("beta", () => center ? weights[^1] : Arrays.Filled(new Shape(channels), 0));
        Value Apply(Value x) => n.Emit("GroupNormalization", [x, g, b], ("num_groups", groups), ("epsilon", (float)n.Config.Real(1e-3, "epsilon")));
        if (axis == 1) n.SetMasked(Apply(n.X));
        else if (axis == rank - 1) n.SetMasked(n.ToChannelsLast(Apply(n.ToChannelsFirst(n.X))));
        else throw n.InputError($"axis {axis} is neither the first nor the last after the batch");
    }

    /// <summary>keras-contrib's: (x - mean) / (deviation + epsilon) over all but the batch and the axis, scaled and moved along it.</summary>
    [Keras("InstanceNormalization", Notes = "of keras-contrib")]
    private static void InstanceNormalization(KerasNode n)
    {
        int rank = n.Rank, axis = n.Config.Has("axis") ? n.Axis(n.Config.RequiredInt("axis"), rank) : 0;
        Value axes = n.Ints([.. Enumerable.Range(1, rank - 1).Where(a => a != axis).Select(a => (long)a)]);
        Value d = n.Emit("Sub", [n.X, n.Emit("ReduceMean", [n.X, axes], ("keepdims", 1))]);
        Value deviation = n.Emit("Sqrt", [n.Emit("ReduceMean", [n.Emit("Mul", [d, d]), axes], ("keepdims", 1))]);
        Value y = n.Emit("Div", [d, n.Emit("Add", [deviation, n.Scalar(n.Config.Real(1e-3, "epsilon"))])]);
        bool scale = n.Config.Bool(true, "scale"), center = n.Config.Bool(true, "center");
        Tensor[] weights = scale && center ? n.Layer.Take("gamma", "beta") : scale ? n.Layer.Take("gamma") : center ? n.Layer.Take("beta") : [];
        Value Along(string role, Tensor w) => n.Constant(role, () => axis == 0 ? Arrays.Shaped(w, Shape.Scalar) : Arrays.Shaped(w, new Shape([w.Count, .. Enumerable.Repeat(1L, rank - 1 - axis)])));
        if (scale) y = n.Emit("Mul", [y, Along("gamma", weights[0])]);
        n.SetMasked(center ? n.Emit("Add", [y, Along("beta", weights[^1])]) : y);
    }

    /// <summary>x / max(|x|, 1e-6), the length taken over the axes (keras.utils.normalize: epsilon 1e-12 under the root).</summary>
    [Keras("UnitNormalization")]
    private static void UnitNormalization(KerasNode n)
    {
        long[] axes = n.Config.Ints("axis") ?? [-1];
        Value square = n.Emit("ReduceSum", [n.Emit("Mul", [n.X, n.X]), n.Ints(axes)], ("keepdims", 1));
        n.SetMasked(n.Emit("Div", [n.X, n.Emit("Sqrt", [n.Emit("Max", [square, n.Scalar(1e-12)])])]));
    }

    /// <summary>x * scale / sqrt(mean of squares along an axis + epsilon).</summary>
    [Keras("RMSNormalization", Limits = "an axis other than the last")]
    private static void RootMeanSquare(KerasNode n)
    {
        long[] axes = n.Config.Ints("axis") ?? [-1];
        if (axes.Length != 1 || n.Axis(axes[0], n.Rank) != n.Rank - 1) throw n.InputError("an axis other than the last one is not supported");
        Tensor scale = n.Layer.Take("scale")[0];
        n.SetMasked(n.Emit("RMSNormalization", [n.X, n.Constant("scale", () => scale)], ("axis", -1), ("epsilon", (float)n.Config.Real(1e-6, "epsilon"))));
    }

    /// <summary>(x - mean) / max(sqrt(variance), 1e-7) with numbers from the configuration or adapted ones.</summary>
    [Keras("Normalization")]
    private static void Standardize(KerasNode n)
    {
        if (n.Config.Bool(false, "invert")) throw n.Error("invert is not supported");
        (Tensor mean, Tensor variance) = n.Config.Has("mean") ? (List(n, "mean"), List(n, "variance")) : (n.Layer.Take("mean", "variance") is var w ? (w[0], w[1]) : default);
        int rank = n.Rank;
        long[] axes = n.Config.Ints("axis") ?? [-1];
        if (mean.Count > 1 && (axes.Length != 1 || n.Axis(axes[0], rank) != rank - 1)) throw n.InputError("an axis other than the last one is not supported");
        Value m = n.Constant("mean", () => mean.Count == 1 ? Arrays.Shaped(mean, Shape.Scalar) : Arrays.Shaped(mean, new Shape(mean.Count)));
        Value d = n.Constant("deviation", () =>
        {
            var deviation = new Tensor(DType.Float32, variance.Count == 1 ? Shape.Scalar : new Shape(variance.Count));
            for (long i = 0; i < variance.Count; i++) deviation.SetDouble(i, Math.Max(Math.Sqrt(variance.GetDouble(i)), 1e-7));
            return deviation;
        });
        n.Set(n.Emit("Div", [n.Emit("Sub", [n.Cast(n.X, DType.Float32), m]), d]));
    }

    private static Tensor List(KerasNode n, string key)
    {
        var values = new List<float>();
        Collect(n.Config.Get(key) ?? throw n.Damaged($"{key} is missing"), 0);
        return Tensor.FromArray<float>(values.ToArray(), new Shape(values.Count));

        void Collect(JsonElement json, int depth)
        {
            if (json.ValueKind == JsonValueKind.Number) values.Add((float)json.GetDouble());
            else if (json.ValueKind == JsonValueKind.Array && depth < 8) foreach (JsonElement item in json.EnumerateArray()) Collect(item, depth + 1);
            else throw n.Damaged($"{key} is no list of numbers");
        }
    }
}
