using EdgeLite.Converter;
using EdgeLite.Converter.Importers.Caffe.Proto;
using EdgeLite.Converter.Importers.Tflite;
using Google.Protobuf;

namespace EdgeLite.Tests.Importers;

/// <summary>Models with several settings of known layers that are refused, some behind others: named at once, without what only follows. Those of
/// TensorFlow, CNTK, Deeplearning4j and Torch7 stand beside their other tests.</summary>
public sealed class RefusedSettingTests
{
    private static string Keras(params string[] layers) => $$$"""
        {"format": "layers-model", "weightsManifest": [], "modelTopology": {"keras_version": "tfjs-layers 4.0.0", "model_config":
          {"class_name": "Sequential", "config": {"name": "m", "layers": [
            {"class_name": "InputLayer", "config": {"name": "x", "batch_input_shape": [null, 4, 4, 2], "dtype": "float32"}}, {{{string.Join(", ", layers)}}}]}
          }
        } }
        """;

    private const string Frob = """{"class_name": "Activation", "config": {"name": "a", "activation": "frob"}}""";
    private const string OddPool = """{"class_name": "MaxPooling2D", "config": {"name": "p", "pool_size": [2, 2], "strides": [2, 2], "padding": "odd"}}""";
    private const string OddUpSampling = """{"class_name": "UpSampling2D", "config": {"name": "u", "size": [2, 2], "interpolation": "odd"}}""";
    private const string Flat = """{"class_name": "Flatten", "config": {"name": "f"}}""";
    private const string NoWeights = """{"class_name": "Dense", "config": {"name": "d", "units": 3, "activation": "linear"}}""";

    [Fact]
    public void Keras_names_all_of_them() =>
        Check(ImportJson(Keras(Frob, OddPool, OddUpSampling, Flat, NoWeights)), "3 layers", "Activation 'a': activation 'frob'", "MaxPooling2D 'p': padding 'odd'", "UpSampling2D 'u': interpolation 'odd'");

    /// <summary>One alone is reported as it is, whatever fails behind it.</summary>
    [Fact]
    public void One_refusal_keeps_its_own_words() =>
        Assert.StartsWith("MaxPooling2D 'p': padding 'odd'", ImportJson(Keras(OddPool, Flat, OddPool.Replace("odd", "same", StringComparison.Ordinal).Replace("\"p\"", "\"q\"", StringComparison.Ordinal), NoWeights)).Message, StringComparison.Ordinal);

    /// <summary>The layer leaves it out when it is computed, whatever the file says (tfjs-layers, convolutional_depthwise.ts).</summary>
    [Fact]
    public void A_dilation_that_TensorFlow_js_ignores_is_refused() => Assert.StartsWith("DepthwiseConv2D 'd': TensorFlow.js computes it without its dilation",
        ImportJson(Keras("""{"class_name": "DepthwiseConv2D", "config": {"name": "d", "kernel_size": [2, 2], "dilation_rate": [2, 1]}}""")).Message, StringComparison.Ordinal);

    [Fact]
    public void Damage_in_front_of_a_refusal_stops_at_once()
    {
        EdgeLiteException e = ImportJson(Keras(Flat, NoWeights, Frob));
        Assert.NotEqual(Status.Unsupported, e.Status);
        Assert.DoesNotContain("frob", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Of_one_kind_eight_are_named()
    {
        string message = ImportJson(Keras([.. Enumerable.Range(0, 11).Select(i => Frob.Replace("\"a\"", $"\"a{i}\"", StringComparison.Ordinal))])).Message;
        Assert.Contains("11 layers", message, StringComparison.Ordinal);
        Assert.Contains("'a7'", message, StringComparison.Ordinal);
        Assert.DoesNotContain("'a8'", message, StringComparison.Ordinal);
        Assert.Contains("and 3 more of Activation", message, StringComparison.Ordinal);
    }

    private const string CaffeInput = "input: 'x' input_dim: 1 input_dim: 2 input_dim: 8 input_dim: 8\n";
    private const string Stochastic = "layer { name: 'p' type: 'Pooling' bottom: 'x' top: 'p' pooling_param { pool: STOCHASTIC kernel_size: 2 } }\n";

    /// <summary>The axis of 'c' is outside what a placeholder has, 'r' has too few elements: neither says a thing about the file.</summary>
    [Fact]
    public void Caffe_names_all_of_them() => Check(ImportCaffe(CaffeInput + Stochastic + """
        layer { name: 'c' type: 'Concat' bottom: 'p' bottom: 'p' top: 'c' concat_param { axis: 7 } }
        layer { name: 'b' type: 'Interp' bottom: 'c' top: 'b' interp_param { pad_beg: 1 } }
        layer { name: 'w' type: 'InnerProduct' bottom: 'b' top: 'w' inner_product_param { num_output: 3 } }
        layer { name: 'm' type: 'Reorg' bottom: 'w' top: 'm' reorg_param { reverse: true } }
        """), "3 layers", "'p' (Pooling): stochastic pooling", "'b' (Interp): padding", "'m' (Reorg): reverse");

    [Fact]
    public void Damage_of_a_Caffe_layer_beside_a_refusal_stops_at_once()
    {
        EdgeLiteException e = ImportCaffe(CaffeInput + Stochastic + "layer { name: 'w' type: 'InnerProduct' bottom: 'x' top: 'w' inner_product_param { num_output: 3 } }");
        Assert.Equal(Status.Corrupt, e.Status);
        Assert.Contains("'w' (InnerProduct)", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Caffe2_names_all_of_them() => Check(Refused("predict_net.pbtxt", ("predict_net.pbtxt", """
        op { input: 'x' input: 's' input: 's' input: 's' input: 's' output: 'n' type: 'SpatialBN' arg { name: 'is_test' i: 0 } }
        op { input: 'n' input: 'n' output: 'c' output: 'sizes' type: 'Concat' arg { name: 'axis' i: 9 } }
        op { input: 'c' input: 's' output: 'r' type: 'ResizeNearest' }
        op { input: 'r' output: 'p' type: 'PadImage' arg { name: 'mode' s: 'odd' } }
        external_input: 'x' external_output: 'p'
        """), ("init_net.pbtxt", "op { output: 's' type: 'GivenTensorFill' arg { name: 'shape' ints: 2 } arg { name: 'values' floats: 1 floats: 1 } }")),
        "3 layers", "'n' (SpatialBN): is_test is 0", "'r' (ResizeNearest): scales as an input", "'p' (PadImage): mode 'odd'");

    /// <summary>The layers behind the first take weights of which nobody knows where they lie.</summary>
    [Fact]
    public void Darknet_names_all_of_them() => Check(Refused("net.cfg", ("net.cfg", """
        [net]
        channels=1
        height=4
        width=4
        [convolutional]
        filters=2
        activation=frob
        [convolutional]
        filters=3
        size=3
        [maxpool]
        maxpool_depth=1
        [shortcut]
        from=-2
        weights_type=per_channel
        """), ("net.weights", "0000000000000000000000000000" + new string('\0', 400))),
        "3 layers", "[convolutional] in line 5: activation 'frob'", "[maxpool] in line 11: maxpool_depth", "[shortcut] in line 13: weights_type");

    [Fact]
    public void Chainer_names_all_of_them() => Check(Refused("model.json", Parameters, ("model.json", """
        {"format": "chainer", "parameters": "p.npz", "input": {"shape": [null, 3, 4, 4]}, "layers": [
          {"type": "unpooling_2d", "name": "a", "ksize": 2, "outsize": 9}, {"type": "Linear", "name": "b"}, {"type": "unpooling_2d", "name": "c", "ksize": 2, "outsize": 9}]}
        """)), "2 layers", "unpooling_2d 'a': outsize", "unpooling_2d 'c': outsize");

    [Fact]
    public void Lasagne_names_all_of_them() => Check(Refused("model.json", Parameters, ("model.json", """
        {"format": "lasagne", "parameters": "p.npz", "layers": [{"type": "InputLayer", "shape": [null, 3, 4, 4]}, {"type": "Pool2DLayer", "pool_size": 2, "mode": "odd"},
          {"type": "Conv2DLayer", "name": "c", "pad": "half"}, {"type": "DenseLayer", "name": "d", "nonlinearity": "frob"}]}
        """)), "3 layers", "Pool2DLayer 'layer1': mode 'odd'", "Conv2DLayer 'c': pad 'half'", "DenseLayer 'd': nonlinearity 'frob'");

    /// <summary>An archive of nothing.</summary>
    private static readonly (string Name, string Text) Parameters = ("p.npz", "PK\x05\x06" + new string('\0', 18));

    private const int Add = 0, Mul = 18, Transpose = 39;
    private const sbyte SignBit = 5;

    /// <summary>The order of a transpose is the result of a refused operator: that it is no constant only follows.</summary>
    [Fact]
    public void TensorFlow_Lite_names_all_of_them()
    {
        var file = new TfliteFileBuilder();
        int x = file.Tensor("x", TfliteFileBuilder.Float32, [2, 3]), i = file.Tensor("i", TfliteFileBuilder.Int32, [2]);
        int order = file.Tensor("order", TfliteFileBuilder.Int32, [2]), turned = file.Tensor("turned", TfliteFileBuilder.Float32, [3, 2]);
        int product = file.Tensor("product", TfliteFileBuilder.Float32, [3, 2]), sum = file.Tensor("sum", TfliteFileBuilder.Float32, [3, 2]);
        file.TypedOp(Add, 11, [i, i], [order], SignBit);
        file.TypedOp(Transpose, 26, [x, order], [turned]);
        file.TypedOp(Mul, 21, [turned, turned], [product], SignBit);
        file.TypedOp(Add, 11, [product, turned], [sum], (sbyte)0);
        file.Border([x, i], [sum]);
        Check(Assert.Throws<EdgeLiteException>(() => TfliteImporter.Import(file.Finish(), "m")), "2 layers", "ADD 'order': fused activation 5", "MUL 'product': fused activation 5");
    }

    [Fact]
    public void A_custom_operator_of_TensorFlow_Lite_is_said_to_have_no_way_in()
    {
        var file = new TfliteFileBuilder();
        int x = file.Tensor("x", TfliteFileBuilder.Float32, [2]), y = file.Tensor("y", TfliteFileBuilder.Float32, [2]);
        file.CustomOp("Frobnicate", [x], [y], []);
        file.Border([x], [y]);
        Assert.Contains("--allow-custom keeps operators of ONNX files alone", Assert.Throws<EdgeLiteException>(() => TfliteImporter.Import(file.Finish(), "m")).Message, StringComparison.Ordinal);
    }

    /// <summary>A heading, a line for each refusal, and what to do.</summary>
    internal static void Check(EdgeLiteException e, string count, params string[] refusals)
    {
        Assert.True(e.Status == Status.Unsupported, e.ToString());
        string[] lines = e.Message.Split('\n');
        Assert.True(lines[0].StartsWith(count, StringComparison.Ordinal), e.Message);
        foreach (string refusal in refusals) Assert.Contains(refusal, e.Message, StringComparison.Ordinal);
        Assert.Equal(refusals.Length + 2, lines.Length);
    }

    /// <summary>What the import of the first file says of a folder of these.</summary>
    private static EdgeLiteException Refused(string model, params (string Name, string Text)[] files) => TemporaryFolder.Use(folder =>
    {
        foreach ((string name, string text) in files) File.WriteAllText(Path.Combine(folder, name), text, System.Text.Encoding.Latin1);
        return Assert.Throws<EdgeLiteException>(() => Pipeline.Import(Path.Combine(folder, model), new ConversionOptions()));
    });

    private static EdgeLiteException ImportJson(string json) => TemporaryFolder.Use(folder =>
    {
        string path = Path.Combine(folder, "model.json");
        File.WriteAllText(path, json);
        return Assert.Throws<EdgeLiteException>(() => Pipeline.Import(path, new ConversionOptions()));
    });

    private static EdgeLiteException ImportCaffe(string prototxt) => TemporaryFolder.Use(folder =>
    {
        string path = Path.Combine(folder, "net.prototxt");
        File.WriteAllText(path, prototxt);
        File.WriteAllBytes(Path.Combine(folder, "net.caffemodel"), new NetParameter().ToByteArray());
        return Assert.Throws<EdgeLiteException>(() => Pipeline.Import(path, new ConversionOptions()));
    });
}
