using System.Text.Json;
using EdgeLite.Converter.Ir;
using EdgeLite.Core;
using EdgeLite.Ops;

namespace EdgeLite.Converter.Importers.Keras.Layers;

/// <summary>Layers that prepare pictures and categories (keras.layers, preprocessing). Augmentation does nothing in inference.</summary>
internal static class Preprocessing
{
    [Keras("Resizing", Limits = "interpolation other than bilinear, nearest and bicubic")]
    private static void Resizing(KerasNode n)
    {
        string mode = n.Config.Text("interpolation", "bilinear") switch
        {
            "bilinear" => "linear",
            "nearest" => "nearest",
            "bicubic" => "cubic",
            var other => throw n.Error($"interpolation '{other}' is not supported"),
        };
        n.RequireRank(4);
        n.Set(n.Config.Bool(false, "crop_to_aspect_ratio") ? SmartResize(n, mode)
            : Resize(n, n.Config.Bool(false, "pad_to_aspect_ratio") ? Framed(n) : n.Cast(n.X, DType.Float32), mode));
    }

    /// <summary>The picture in the middle of a frame of the target's proportions.</summary>
    private static Value Framed(KerasNode n)
    {
        (long height, long width) = SizeOf(n);
        long targetHeight = n.Config.RequiredInt("height"), targetWidth = n.Config.RequiredInt("width");
        if (targetHeight <= 0 || targetWidth <= 0) throw n.Damaged($"its size is {targetHeight} x {targetWidth}");
        long rows = Math.Max(0, width * targetHeight / targetWidth - height) / 2, columns = Math.Max(0, height * targetWidth / targetHeight - width) / 2;
        var pads = new long[8];
        int first = n.Config.ChannelsFirst() ? 2 : 1;
        (pads[first], pads[first + 1], pads[first + 4], pads[first + 5]) = (rows, columns, rows, columns);
        return n.Emit("Pad", [n.Cast(n.X, DType.Float32), n.Ints(pads), n.Scalar(n.Config.Real(0, "fill_value"))]);
    }

    /// <summary>The middle of the picture; of one that is smaller, the largest window of the same proportions, enlarged.</summary>
    [Keras("CenterCrop")]
    private static void CenterCrop(KerasNode n)
    {
        n.RequireRank(4);
        (long height, long width) = SizeOf(n);
        long down = height - n.Config.RequiredInt("height"), right = width - n.Config.RequiredInt("width");
        n.Set(down >= 0 && right >= 0 ? Window(n, n.X, down / 2, right / 2, height - down, width - right) : SmartResize(n, "linear"));
    }

    /// <summary>In inference: the largest window of the proportions wanted, resized.</summary>
    [Keras("RandomCrop")]
    private static void RandomCrop(KerasNode n)
    {
        n.RequireRank(4);
        n.Set(SmartResize(n, "linear"));
    }

    /// <summary>Keras's smart_resize: a window of the target's proportions in the middle, as large as the picture allows, then resized.</summary>
    private static Value SmartResize(KerasNode n, string mode)
    {
        (long height, long width) = SizeOf(n);
        long targetHeight = n.Config.RequiredInt("height"), targetWidth = n.Config.RequiredInt("width");
        if (targetHeight <= 0 || targetWidth <= 0) throw n.Damaged($"its size is {targetHeight} x {targetWidth}");
        long cropHeight = Math.Min(height, width * targetHeight / targetWidth), cropWidth = Math.Min(width, height * targetWidth / targetHeight);
        Value y = Window(n, n.Cast(n.X, DType.Float32), (height - cropHeight) / 2, (width - cropWidth) / 2, cropHeight, cropWidth);
        return (cropHeight, cropWidth) == (targetHeight, targetWidth) ? y : Resize(n, y, mode);
    }

    private static (long Height, long Width) SizeOf(KerasNode n)
    {
        int first = n.Config.ChannelsFirst() ? 2 : 1;
        return n.X.Shape[first] > 0 && n.X.Shape[first + 1] > 0 ? (n.X.Shape[first], n.X.Shape[first + 1])
            : throw n.InputError($"its input has the shape {n.X.Shape}, whose height and width must be known; give them with --shape");
    }

    private static Value Window(KerasNode n, Value x, long top, long left, long height, long width)
    {
        long first = n.Config.ChannelsFirst() ? 2 : 1;
        return n.Emit("Slice", [x, n.Ints(top, left), n.Ints(top + height, left + width), n.Ints(first, first + 1)]);
    }

    private static Value Resize(KerasNode n, Value x, string mode)
    {
        if (mode == "cubic")
        {
            Value y = n.TensorFlow("ResizeBicubic", [n.Config.ChannelsFirst() ? n.ToChannelsLast(x) : x, n.Ints(n.Config.RequiredInt("height"), n.Config.RequiredInt("width"))], ("half_pixel_centers", true));
            return n.Config.ChannelsFirst() ? n.ToChannelsFirst(y) : y;
        }
        long first = n.Config.ChannelsFirst() ? 2 : 1;
        return n.Emit("Resize", [x, null, null, n.Ints(n.Config.RequiredInt("height"), n.Config.RequiredInt("width"))],
            ("axes", (long[])[first, first + 1]), ("mode", mode), ("coordinate_transformation_mode", "half_pixel"), ("nearest_mode", "floor"));
    }

    /// <summary>Each channel of each picture spread over all of value_range; one of a single value stays as it is.</summary>
    [Keras("AutoContrast")]
    private static void AutoContrast(KerasNode n)
    {
        n.RequireRank(4);
        (double from, double to) = n.Config.Get("value_range") is { ValueKind: JsonValueKind.Array } range && range.GetArrayLength() == 2 ? (range[0].GetDouble(), range[1].GetDouble()) : (0, 255);
        Value x = n.Cast(n.X, DType.Float32), axes = n.Ints(1, 2);
        Value low = n.Emit("ReduceMin", [x, axes], ("keepdims", 1)), span = n.Emit("Sub", [n.Emit("ReduceMax", [x, axes], ("keepdims", 1)), low]);
        Value y = n.Emit("Add", [n.Emit("Mul", [n.Emit("Div", [n.Emit("Sub", [x, low]), span]), n.Scalar(to - from)]), n.Scalar(from)]);
        n.Set(n.Emit("Where", [n.Emit("Equal", [span, n.Scalar(0)]), x, y]));
    }

    /// <summary>Whole numbers from 0 on as vectors of num_tokens: one for each (one_hot), or all of a row together, as 1 where one is there
    /// (multi_hot) or how often (count).</summary>
    [Keras("CategoryEncoding", Limits = "count_weights")]
    private static void CategoryEncoding(KerasNode n)
    {
        if (n.Named.ContainsKey("count_weights")) throw n.Error("count_weights are not supported");
        n.Set(Encoded(n, n.X, n.Config.RequiredInt("num_tokens", "max_tokens"), n.Config.Text("output_mode", "multi_hot")));
    }

    /// <summary>Numbers of categories as vectors of <paramref name="depth"/> entries: one for each, or one for a row.</summary>
    private static Value Encoded(KerasNode n, Value indices, long depth, string mode)
    {
        string? together = mode switch { "one_hot" => null, "multi_hot" or "binary" => "ReduceMax", "count" => "ReduceSum", _ => throw n.Error($"output_mode '{mode}' is not supported") };
        int rank = n.RankOf(indices);
        Value x = n.Cast(indices, DType.Int64);
        if (together == null && rank > 1 && x.Shape[rank - 1] == 1) x = n.Emit("Squeeze", [x, n.Ints(rank - 1)]);
        Value hot = n.Emit("OneHot", [x, n.Ints(depth), n.Constant("values", () => Tensor.FromArray<float>([0, 1], new Shape(2)))], ("axis", -1));
        return together == null || rank == 1 ? hot : n.Emit(together, [hot, n.Ints(rank - 1)], ("keepdims", 0));
    }

    /// <summary>
    /// The place of a word or number in the vocabulary, behind the mask (0) and the numbers for what it does not hold; turned round (invert) what
    /// stands at a place.
    /// </summary>
    [Keras("IntegerLookup", "StringLookup", Limits = "a vocabulary that is not in the configuration, num_oov_indices above 1, output_mode tf_idf")]
    private static void Lookup(KerasNode n)
    {
        bool isWords = n.Layer.ClassName == "StringLookup", isMode = n.Config.Text("output_mode", "int") != "int";
        if (n.Config.Get("vocabulary") is not { ValueKind: JsonValueKind.Array } list) throw n.Error("its vocabulary is not in the configuration; make the layer with vocabulary=[..], or look up in the application and make the numbers an input of the model");
        long unknown = n.Config.Int(1, "num_oov_indices");
        if (unknown is < 0 or > 1) throw n.Error("num_oov_indices above 1 is not supported");
        string[] words = [.. list.EnumerateArray().Select(w => w.ValueKind == JsonValueKind.String ? w.GetString()! : w.GetRawText())];
        string? mask = n.Config.Get("mask_token")?.ToString();
        string outside = n.Config.Get("oov_token")?.ToString() ?? (isWords ? "[UNK]" : "-1");
        // A vocabulary may begin with what stands for the mask and for unknown words itself.
        string[] special = [.. mask != null ? new[] { mask } : [], .. unknown == 1 ? new[] { outside } : []];
        if (special.Length > 0 && words.AsSpan().StartsWith(special)) words = words[special.Length..];
        bool hasMask = mask != null && !isMode;
        long first = unknown + (hasMask ? 1 : 0), other = unknown == 1 ? hasMask ? 1 : 0 : -1;
        List<string> keys = [.. words];
        List<long> places = [.. words.Select((_, i) => first + i)];
        if (hasMask)
        {
            keys.Add(mask!);
            places.Add(0);
        }
        Tensor content = isWords ? Tensor.FromStrings([.. keys], new Shape(keys.Count)) : Tensor.FromArray<long>([.. keys.Select(k => long.TryParse(k, out long number) ? number : throw n.Damaged($"'{k}' in its vocabulary is no number"))], new Shape(keys.Count));
        Tensor numbers = Tensor.FromArray<long>([.. places], new Shape(places.Count));
        bool isInverted = n.Config.Bool(false, "invert");
        Tensor missing = !isInverted ? Tensor.FromArray<long>([other], new Shape(1)) : isWords ? Tensor.FromStrings([outside], new Shape(1)) : Tensor.FromArray<long>([long.TryParse(outside, out long o) ? o : -1], new Shape(1));
        Value x = isInverted || !isWords ? n.Cast(n.X, DType.Int64) : n.X;
        Value found = n.Graph.NewValue(n.Graph.FreshName(n.Name + "/LabelEncoder"), default);
        ShapeInference.Infer(n.Graph.AddNode("ai.onnx.ml", "LabelEncoder", found.Name, [x], [found],
            AttributeSet.Of(("keys_tensor", isInverted ? numbers : content), ("values_tensor", isInverted ? content : numbers), ("default_tensor", missing))));
        n.Set(isMode ? Encoded(n, found, first + words.Length, n.Config.Text("output_mode")) : found);
    }

    /// <summary>The number of boundaries that are not above x.</summary>
    [Keras("Discretization", Limits = "boundaries that are not in the configuration")]
    private static void Discretization(KerasNode n)
    {
        if (n.Config.Get("bin_boundaries") is not { ValueKind: JsonValueKind.Array } list) throw n.Error("its bin_boundaries were learned (adapt) and are not in the configuration; make the layer with bin_boundaries");
        float[] bounds = [.. list.EnumerateArray().Select(b => (float)b.GetDouble())];
        Value above = n.Emit("GreaterOrEqual", [n.Emit("Unsqueeze", [n.Cast(n.X, DType.Float32), n.Ints(-1)]), n.Constant("bin_boundaries", () => Tensor.FromArray<float>(bounds, new Shape(bounds.Length)))]);
        Value bins = n.Emit("ReduceSum", [n.Cast(above, DType.Int64), n.Ints(-1)], ("keepdims", 0));
        n.Set(n.Config.Text("output_mode", "int") is var mode and not "int" ? Encoded(n, bins, bounds.Length + 1, mode) : bins);
    }
}
