using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.Keras.Layers;

/// <summary>Pooling over windows and over everything.</summary>
internal static class Pooling
{
    [Keras("MaxPooling1D"), Keras("MaxPooling2D"), Keras("MaxPooling3D"), Keras("MaxPool1D"), Keras("MaxPool2D"), Keras("MaxPool3D")]
    private static void Max(KerasNode n) => Pool(n, "MaxPool");

    /// <summary>Padding does not count.</summary>
    [Keras("AveragePooling1D"), Keras("AveragePooling2D"), Keras("AveragePooling3D"), Keras("AvgPool1D"), Keras("AvgPool2D"), Keras("AvgPool3D")]
    private static void Average(KerasNode n) => Pool(n, "AveragePool");

    private static void Pool(KerasNode n, string opType)
    {
        int axes = n.Layer.ClassName[^2] - '0';
        n.RequireRank(axes + 2);
        long[] kernel = n.Config.PerAxis(axes, 2, "pool_size", "pool_length");
        long[] strides = n.Config.Get("strides", "stride") is { } given && given.ValueKind != System.Text.Json.JsonValueKind.Null ? n.Config.PerAxis(axes, 2, "strides", "stride") : kernel;
        string padding = Convolution.Padding(n);
        n.Set(n.InChannelsFirst(x =>
        {
            (long[]? pads, string auto) = padding == "same" && n.Importer.Origin.IsTheano ? (TheanoPads(n, x.Shape, kernel, strides), "")
                : Convolution.Pads(n, x.Shape, kernel, strides, [.. Enumerable.Repeat(1L, axes)], padding);
            return n.Emit(opType, [x], ("kernel_shape", kernel), ("strides", strides), pads != null ? ("pads", pads) : ("auto_pad", auto));
        }));
    }

    /// <summary>Keras on Theano begins "same" pooling with k - 2 for odd windows above 2, else with k - 1 (theano_backend.py, pool2d),
    /// and cuts the result to ceil(n / stride).</summary>
    private static long[] TheanoPads(KerasNode n, Shape x, long[] kernel, long[] strides)
    {
        int axes = kernel.Length;
        var pads = new long[2 * axes];
        for (int i = 0; i < axes; i++)
        {
            long size = x[i + 2];
            if (size < 0) throw n.InputError("padding 'same' under Theano needs an input of known size");
            pads[i] = kernel[i] > 2 && kernel[i] % 2 == 1 ? kernel[i] - 2 : kernel[i] - 1;
            pads[axes + i] = Math.Max(((size + strides[i] - 1) / strides[i] - 1) * strides[i] + kernel[i] - size - pads[i], 0);
        }
        return pads;
    }

    [Keras("GlobalMaxPooling1D"), Keras("GlobalMaxPooling2D"), Keras("GlobalMaxPooling3D"), Keras("GlobalMaxPool1D"), Keras("GlobalMaxPool2D"), Keras("GlobalMaxPool3D")]
    private static void GlobalMax(KerasNode n) => n.Set(n.Emit("ReduceMax", [n.X, n.Ints(SpatialAxes(n))], ("keepdims", Keep(n))));

    [Keras("GlobalAveragePooling1D"), Keras("GlobalAveragePooling2D"), Keras("GlobalAveragePooling3D"), Keras("GlobalAvgPool1D"), Keras("GlobalAvgPool2D"), Keras("GlobalAvgPool3D")]
    private static void GlobalAverage(KerasNode n)
    {
        if (n.Mask is { } mask && n.Rank == 3)
        {
            Value weights = n.Emit("Unsqueeze", [n.Cast(mask, DType.Float32), n.Ints(2)]);
            Value sum = n.Emit("ReduceSum", [n.Emit("Mul", [n.X, weights]), n.Ints(1)], ("keepdims", Keep(n)));
            n.Set(n.Emit("Div", [sum, n.Emit("ReduceSum", [weights, n.Ints(1)], ("keepdims", Keep(n)))]));
            return;
        }
        n.Set(n.Emit("ReduceMean", [n.X, n.Ints(SpatialAxes(n))], ("keepdims", Keep(n))));
    }

    [Keras("AdaptiveAveragePooling1D", "AdaptiveAveragePooling2D", "AdaptiveAveragePooling3D", "AdaptiveMaxPooling1D", "AdaptiveMaxPooling2D", "AdaptiveMaxPooling3D")]
    private static void Adaptive(KerasNode n)
    {
        long[] axes = SpatialAxes(n), sizes = n.Config.PerAxis(axes.Length, 1, "output_size");
        n.Set(n.AdaptivePool(n.X, axes, sizes, n.Layer.ClassName.Contains("Max", StringComparison.Ordinal)));
    }

    private static long Keep(KerasNode n) => n.Config.Bool(false, "keepdims") ? 1 : 0;

    private static long[] SpatialAxes(KerasNode n)
    {
        int axes = n.Layer.ClassName[^2] - '0';
        n.RequireRank(axes + 2);
        return [.. Enumerable.Range(n.Config.ChannelsFirst() ? 2 : 1, axes).Select(a => (long)a)];
    }
}
