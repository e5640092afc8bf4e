using System.Text.Json;
using EdgeLite.Converter.Importers.TensorFlow;
using EdgeLite.Converter.Importers.TensorFlow.Proto;
using EdgeLite.Converter.Ir;
using EdgeLite.Core;
using Google.Protobuf;

namespace EdgeLite.Converter.Importers.Keras.Functions;

/// <summary>Functions on pictures, and TensorFlow's operators as layers.</summary>
internal static class Images
{
    /// <summary>With half pixels, as tf.image.resize of TensorFlow 2 has it; [N, h, w, C] or [h, w, C].</summary>
    [Keras("tf.image.resize", "keras.ops.resize", Limits = "antialias, preserve_aspect_ratio, methods other than bilinear, nearest, bicubic and area")]
    private static void Resize(KerasNode n)
    {
        if (n.Flag(false, -1, "antialias") || n.Flag(false, -1, "preserve_aspect_ratio", "crop_to_aspect_ratio", "pad_to_aspect_ratio")) throw n.Error("antialias and preserve_aspect_ratio are not supported");
        Value x = n.Operand(0, "images", "image");
        Value size = n.ShapeVector(n.Argument(1, "size"));
        string method = n.Word("bilinear", 2, "method", "interpolation");
        bool isFirst = n.Word("channels_last", -1, "data_format") == "channels_first", isSingle = n.RankOf(x) == 3;
        if (isSingle) x = n.Emit("Unsqueeze", [x, n.Ints(0)]);
        if (isFirst) x = n.ToChannelsLast(x);
        x = method switch
        {
            "bilinear" => n.TensorFlow("ResizeBilinear", [x, size], ("half_pixel_centers", true)),
            "nearest" => n.TensorFlow("ResizeNearestNeighbor", [x, size], ("half_pixel_centers", true)),
            "bicubic" => n.TensorFlow("ResizeBicubic", [x, size], ("half_pixel_centers", true)),
            "area" => n.TensorFlow("ResizeArea", [x, size]),
            _ => throw n.Error($"method '{method}' is not supported"),
        };
        if (isFirst) x = n.ToChannelsFirst(x);
        n.Set(isSingle ? n.Emit("Squeeze", [x, n.Ints(0)]) : x);
    }

    /// <summary>Each picture as often as the factors say.</summary>
    [Keras("keras.backend.resize_images")]
    private static void ResizeImages(KerasNode n)
    {
        Value x = Elementwise.First(n);
        bool isFirst = n.Word("channels_last", -1, "data_format") == "channels_first";
        float rows = n.Whole(1, -1, "height_factor"), columns = n.Whole(1, -1, "width_factor");
        float[] scales = isFirst ? [1, 1, rows, columns] : [1, rows, columns, 1];
        Value factors = n.Constant("scales", Tensor.FromArray<float>(scales, new Shape(4)));
        n.Set(n.Word("nearest", -1, "interpolation") switch
        {
            "nearest" => n.Emit("Resize", [x, null, factors], ("mode", "nearest"), ("coordinate_transformation_mode", "asymmetric"), ("nearest_mode", "floor")),
            "bilinear" => n.Emit("Resize", [x, null, factors], ("mode", "linear"), ("coordinate_transformation_mode", "half_pixel")),
            var other => throw n.Error($"interpolation '{other}' is not supported"),
        });
    }

    /// <summary>0.2989 R + 0.587 G + 0.114 B.</summary>
    [Keras("tf.image.rgb_to_grayscale", "keras.ops.rgb_to_grayscale")]
    private static void Grayscale(KerasNode n)
    {
        if (n.Word("channels_last", -1, "data_format") == "channels_first") throw n.Error("channels_first is not supported");
        Value weights = n.Constant("weights", Tensor.FromArray<float>([0.2989f, 0.587f, 0.114f], new Shape(3, 1)));
        n.Set(n.Emit("MatMul", [n.Operand(0, "images"), weights]));
    }

    [Keras("tf.nn.depth_to_space", "keras.ops.depth_to_space", Operator = "DepthToSpace")]
    [Keras("tf.nn.space_to_depth", "tf.space_to_depth", "keras.ops.space_to_depth", Operator = "SpaceToDepth")]
    private static void Blocks(KerasNode n) =>
        n.Set(n.TensorFlow(KerasImporter.OperatorOf(n.Layer.ClassName), [Elementwise.First(n)], ("block_size", n.Whole(2, 1, "block_size")), ("data_format", Layout(n))));

    private static string Layout(KerasNode n) => n.Word("NHWC", -1, "data_format") switch { "channels_last" => "NHWC", "channels_first" => "NCHW", var layout => layout };

    /// <summary>Kernels [h, w, in, out].</summary>
    [Keras("tf.nn.conv2d", "keras.ops.conv", Limits = "other than two dimensions with channels last")]
    private static void Convolve(KerasNode n)
    {
        Value x = Elementwise.First(n);
        if (n.RankOf(x) != 4 || Layout(n) != "NHWC") throw n.Error("other than two dimensions with channels last is not supported");
        n.Set(n.TensorFlow("Conv2D", [x, n.Operand(1, "filters", "kernel")], ("strides", Window(n, "strides")), ("dilations", n.Argument(-1, "dilations", "dilation_rate") == null ? [1, 1, 1, 1] : Window(n, n.Argument(-1, "dilations") == null ? "dilation_rate" : "dilations")),
            ("padding", n.Word("VALID", -1, "padding").ToUpperInvariant())));
    }

    [Keras("tf.nn.max_pool2d", "tf.nn.max_pool", Operator = "MaxPool")]
    [Keras("tf.nn.avg_pool2d", "tf.nn.avg_pool", Operator = "AvgPool")]
    private static void Pool(KerasNode n) =>
        n.Set(n.TensorFlow(KerasImporter.OperatorOf(n.Layer.ClassName), [Elementwise.First(n)], ("ksize", Window(n, "ksize")), ("strides", Window(n, "strides")),
            ("padding", n.Word("VALID", -1, "padding")), ("data_format", Layout(n))));

    private static long[] Window(KerasNode n, string name) => n.Wholes(-1, name) switch
    {
        [var both] => [1, both, both, 1],
        [var rows, var columns] => [1, rows, columns, 1],
        { Length: 4 } all => all,
        _ => throw n.Damaged($"its {name} is not of 1, 2 or 4 numbers"),
    };

    [Keras("keras.ops.max_pool", "keras.ops.average_pool")]
    private static void PoolOps(KerasNode n)
    {
        if (n.Rank != 4 || n.Word("channels_last", -1, "data_format") == "channels_first") throw n.Error("other than two dimensions and channels_last is not supported");
        long[] size = n.Wholes(-1, "pool_size") ?? throw n.Damaged("pool_size is missing"), strides = n.Wholes(-1, "strides") ?? size;
        n.Set(n.TensorFlow(n.Layer.ClassName == "keras.ops.max_pool" ? "MaxPool" : "AvgPool", [n.X], ("ksize", new[] { 1, size[0], size[^1], 1 }), ("strides", new[] { 1, strides[0], strides[^1], 1 }),
            ("padding", n.Word("valid", -1, "padding").ToUpperInvariant())));
    }

    /// <summary>An operator of TensorFlow 2.0 to 2.3: a node, and those of its inputs that are constants by their numbers.</summary>
    [Keras("TensorFlowOpLayer", Notes = "TensorFlow's operators by the name of this layer")]
    private static void OperatorLayer(KerasNode n)
    {
        NodeDef node = NodeOf(n);
        var constants = new Dictionary<int, Value>();
        if (n.Config.Get("constants") is { ValueKind: JsonValueKind.Object } given)
            foreach (JsonProperty constant in given.EnumerateObject())
                constants[int.TryParse(constant.Name, out int at) ? at : throw n.Damaged($"constant '{constant.Name}' is not numbered")] = n.ValueOf(KerasArguments.OfConfig(constant.Value));
        DType type = node.Attr.TryGetValue("T", out AttrValue? t) ? TfTensors.Type(t.Type) : DType.Undefined;
        var inputs = new Queue<Value>(n.Inputs.Select(i => i.Value));
        var all = new Value[inputs.Count + constants.Count];
        for (int i = 0; i < all.Length; i++)
            if (!constants.TryGetValue(i, out Value? constant)) all[i] = inputs.TryDequeue(out Value? input) ? input : throw n.Damaged($"input {i} is missing");
            // The file tells whole numbers from others; of those, sizes and axes may be wider than they were.
            else all[i] = (constant.DType.IsFloat() ? type.IsFloat() : type is DType.Int32 or DType.Int64) ? n.Cast(constant, type) : constant;
        int outputs = (int)(node.Attr.GetValueOrDefault(node.Op == "Unpack" ? "num" : "num_split")?.I ?? 1);
        if (outputs is < 1 or > 1 << 16) throw n.Damaged($"it gives {outputs} results");
        n.Set([.. n.TensorFlow(node, outputs, all).Select(v => new KerasTensor(v))]);
    }

    /// <summary>As JSON of protobuf or its text form.</summary>
    private static NodeDef NodeOf(KerasNode n)
    {
        JsonElement given = n.Config.Get("node_def") ?? throw n.Damaged("it has no node_def");
        try
        {
            return given.ValueKind == JsonValueKind.String && !given.GetString()!.AsSpan().TrimStart().StartsWith("{") ? ProtoText.Parse<NodeDef>(n.Name, given.GetString()!)
                : new JsonParser(JsonParser.Settings.Default.WithIgnoreUnknownFields(true)).Parse<NodeDef>(given.ValueKind == JsonValueKind.String ? given.GetString()! : given.GetRawText());
        }
        catch (Exception e) when (e is InvalidProtocolBufferException or InvalidJsonException)
        {
            throw n.Damaged($"its node_def cannot be read ({e.Message})");
        }
    }
}
