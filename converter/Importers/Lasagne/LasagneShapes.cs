using System.Text.Json;
using EdgeLite.Converter.Ir;
using EdgeLite.Core;
using EdgeLite.Ops;

namespace EdgeLite.Converter.Importers.Lasagne;

/// <summary>Lasagne's layers that pool, merge, and move numbers.</summary>
internal static partial class LasagneLayers
{
    private const long MaxScale = 1024;

    [Lasagne("MaxPool1DLayer", "MaxPool2DLayer", "MaxPool2DDNNLayer")]
    private static Value MaxPool(LasagneLayer l) => Pooled(l, "max");

    [Lasagne("Pool1DLayer", "Pool2DLayer", "Pool2DDNNLayer", Limits = "mode sum with ignore_border false")]
    private static Value Pool(LasagneLayer l) => Pooled(l, l.Text("mode", "max"));

    /// <summary>Strides are the window's unless told. Without ignore_border, windows that start within the input but end outside count too;
    /// their average is over what is inside.</summary>
    private static Value Pooled(LasagneLayer l, string mode)
    {
        int places = l.Rank - 2;
        long[] kernel = l.Sizes("pool_size", places, 0, 1), pad = l.Sizes("pad", places, 0, 0), stride = l.Told("stride") ? l.Sizes("stride", places, 1, 1) : kernel;
        bool ceil = !l.Flag("ignore_border", true), padded = pad.Any(p => p > 0);
        if (ceil && padded) throw l.Error("ignore_border = false allows no pad");
        string opType = mode switch
        {
            "max" => "MaxPool",
            "average_inc_pad" or "average_exc_pad" => "AveragePool",
            "sum" when !ceil => "AveragePool",
            _ => throw l.Error($"mode '{mode}' has no conversion"),
        };
        var all = new List<(string, AttributeValue)> { ("kernel_shape", kernel), ("strides", stride), ("pads", (long[])[.. pad, .. pad]), ("ceil_mode", ceil ? 1 : 0) };
        if (opType == "AveragePool") all.Add(("count_include_pad", padded && mode is "average_inc_pad" or "sum" ? 1 : 0));
        Value y = l.Emit(opType, [l.X], [.. all]);
        return mode == "sum" ? l.Emit("Mul", [y, l.Scalar(new Shape(kernel).Count)]) : y;
    }

    /// <summary>Everything behind the channels becomes one number.</summary>
    [Lasagne("GlobalPoolLayer", Notes = "pool_function mean, max, min or sum")]
    private static Value GlobalPool(LasagneLayer l)
    {
        string opType = l.Text("pool_function", "mean") switch
        {
            "mean" => "ReduceMean",
            "max" => "ReduceMax",
            "min" => "ReduceMin",
            "sum" => "ReduceSum",
            string other => throw l.Error($"pool_function '{other}' has no conversion"),
        };
        return l.Emit(opType, [l.X, l.Ints([.. Enumerable.Range(2, l.Rank - 2).Select(a => (long)a)])], ("keepdims", 0));
    }

    [Lasagne("FlattenLayer", "flatten")]
    private static Value Flatten(LasagneLayer l)
    {
        long rank = l.Integer("outdim", 2);
        if (rank < 1 || rank > l.Rank) throw l.InputError($"outdim {rank} does not fit {l.X.Shape}");
        return rank == 2 ? l.Emit("Flatten", [l.X], ("axis", 1)) : l.Reshape(l.X, [.. Enumerable.Repeat(0L, (int)rank - 1), -1]);
    }

    /// <summary>[i] in the shape is the size of the input's axis i, -1 what is left.</summary>
    [Lasagne("ReshapeLayer", "reshape", Limits = "[i] of a free size at another place than i")]
    private static Value Reshape(LasagneLayer l)
    {
        long[] shape = [.. l.Json.Field("shape").Items().Select((e, i) =>
        {
            if (e.ValueKind != JsonValueKind.Array) return e.Whole() is -1 or > 0 ? e.Whole() : throw l.Damaged($"shape has {e}");
            int axis = checked((int)e.Item(0).Whole());
            if (axis < 0 || axis >= l.Rank) throw l.InputError($"shape has [{axis}], the input is {l.X.Shape}");
            return axis == i ? 0 : l.X.Shape[axis] > 0 ? l.X.Shape[axis] : throw l.InputError($"the size of axis {axis} is not known");
        })];
        return l.Reshape(l.X, shape);
    }

    /// <summary>"x" in the pattern is a new axis of size 1.</summary>
    [Lasagne("DimshuffleLayer", "dimshuffle", Limits = "axes left out")]
    private static Value Dimshuffle(LasagneLayer l)
    {
        JsonElement[] pattern = [.. l.Json.Field("pattern").Items()];
        long[] order = [.. pattern.Where(p => p.ValueKind == JsonValueKind.Number).Select(p => p.Whole())];
        long[] added = [.. pattern.Select((p, i) => (p, i)).Where(p => p.p.ValueKind == JsonValueKind.String).Select(p => (long)p.i)];
        if (order.Length + added.Length != pattern.Length || !order.Order().SequenceEqual(Enumerable.Range(0, l.Rank).Select(a => (long)a))) throw l.InputError($"the pattern does not name every axis of {l.X.Shape} once");
        Value y = l.Transpose(l.X, order);
        return added.Length == 0 ? y : l.Emit("Unsqueeze", [y, l.Ints(added)]);
    }

    /// <summary>repeat: every number scale_factor times; dilate: zeros between.</summary>
    [Lasagne("Upscale1DLayer", "Upscale2DLayer", "Upscale3DLayer")]
    private static Value Upscale(LasagneLayer l)
    {
        int places = l.Rank - 2;
        long[] scale = l.Sizes("scale_factor", places, 0, 1);
        if (scale.Max() > MaxScale) throw l.Damaged($"scale_factor [{string.Join(", ", scale)}] is larger than {MaxScale}");
        switch (l.Text("mode", "repeat"))
        {
            case "repeat":
                return l.Emit("Resize", [l.X, null, l.Constant("scales", Tensor.FromArray<float>([1, 1, .. scale.Select(s => (float)s)], new Shape(l.Rank)))],
                    ("mode", "nearest"), ("coordinate_transformation_mode", "asymmetric"), ("nearest_mode", "floor"));
            case "dilate":
                long channels = l.X.Shape[1] > 0 ? l.X.Shape[1] : throw l.InputError("the number of channels is not known");
                var one = new Tensor(DType.Float32, new Shape([channels, 1, .. Enumerable.Repeat(1L, places)]));
                for (long i = 0; i < channels; i++) one.SetDouble(i, 1);
                return l.Emit("ConvTranspose", [l.X, l.Constant("one", one)], ("strides", scale), ("output_padding", scale.Select(s => s - 1).ToArray()), ("group", channels));
            default: throw l.Error($"mode '{l.Text("mode", "")}' has no conversion");
        }
    }

    /// <summary>width: one number, or for each axis behind the batch_ndim first ones a number or [before, after].</summary>
    [Lasagne("PadLayer", "pad")]
    private static Value Pad(LasagneLayer l)
    {
        int first = (int)l.Integer("batch_ndim", 2), count = l.Rank - first;
        if (first < 0 || count < 1) throw l.InputError($"batch_ndim {first} does not fit {l.X.Shape}");
        JsonElement width = l.Json.Field("width");
        JsonElement[] each = width.ValueKind == JsonValueKind.Array ? [.. width.Items()] : [.. Enumerable.Repeat(width, count)];
        if (each.Length != count) throw l.InputError($"width has {each.Length} entries, expected {count}");
        var pads = new long[2 * l.Rank];
        for (int i = 0; i < count; i++)
        {
            bool two = each[i].ValueKind == JsonValueKind.Array;
            pads[first + i] = two ? each[i].Item(0).Whole() : each[i].Whole();
            pads[l.Rank + first + i] = two ? each[i].Item(1).Whole() : each[i].Whole();
        }
        if (pads.Min() < 0 || pads.Max() > 1 << 16) throw l.Damaged("width is negative or too large");
        return l.Emit("Pad", [l.X, l.Ints(pads), l.Scalar(l.Real("val", 0))], ("mode", "constant"));
    }

    [Lasagne("ConcatLayer", "concat")]
    private static Value Concat(LasagneLayer l) => l.Emit("Concat", Cropped(l), ("axis", l.Integer("axis", 1)));

    /// <summary>cropping: for each axis null, or which part of the larger inputs stays as they are cut to the smallest: the first ("lower"), the last ("upper"), the middle.</summary>
    private static Value[] Cropped(LasagneLayer l)
    {
        Value[] inputs = [.. l.Inputs];
        if (!l.Told("cropping")) return inputs;
        string?[] modes = [.. l.Json.Field("cropping").Items().Select(m => m.ValueKind == JsonValueKind.Null ? null : m.Text())];
        for (int axis = 0; axis < Math.Min(modes.Length, inputs.Min(x => l.RankOf(x))); axis++)
        {
            if (modes[axis] is not { } mode || mode == "none") continue;
            if (inputs.Any(x => x.Shape[axis] < 0)) throw l.InputError($"cropping axis {axis} needs inputs of known size");
            long least = inputs.Min(x => x.Shape[axis]);
            for (int i = 0; i < inputs.Length; i++)
            {
                long more = inputs[i].Shape[axis] - least, from = mode switch { "lower" => 0, "upper" => more, "center" => more / 2, _ => throw l.Error($"cropping '{mode}' is not known") };
                if (more > 0) inputs[i] = l.Emit("Slice", [inputs[i], l.Ints(from), l.Ints(from + least), l.Ints(axis)]);
            }
        }
        return inputs;
    }

    /// <summary>coeffs: one factor for all, or one for each.</summary>
    [Lasagne("ElemwiseSumLayer")]
    private static Value ElemwiseSum(LasagneLayer l)
    {
        float[] factors = [.. Enumerable.Repeat(1f, l.Inputs.Count)];
        if (l.Told("coeffs"))
        {
            JsonElement e = l.Json.Field("coeffs");
            factors = e.ValueKind == JsonValueKind.Array ? [.. e.Items().Select(f => (float)f.Real())] : [.. Enumerable.Repeat((float)e.Real(), l.Inputs.Count)];
        }
        if (factors.Length != l.Inputs.Count) throw l.Damaged($"there are {factors.Length} coeffs for {l.Inputs.Count} layers");
        Value[] terms = [.. Cropped(l).Select((x, i) => factors[i] == 1 ? x : l.Emit("Mul", [x, l.Scalar(factors[i])]))];
        return terms.Skip(1).Aggregate(terms[0], (a, b) => l.Emit("Add", [a, b]));
    }

    [Lasagne("ElemwiseMergeLayer", Notes = "merge_function add, mul, maximum or minimum")]
    private static Value ElemwiseMerge(LasagneLayer l)
    {
        string opType = l.Text("merge_function", "") switch
        {
            "add" => "Add",
            "mul" => "Mul",
            "maximum" => "Max",
            "minimum" => "Min",
            string other => throw l.Error($"merge_function '{other}' has no conversion"),
        };
        return Cropped(l).Aggregate((a, b) => l.Emit(opType, [a, b]));
    }
}
