using EdgeLite.Converter;
using EdgeLite.Converter.Importers.Caffe;
using EdgeLite.Converter.Importers.Caffe.Proto;
using EdgeLite.Converter.Ir;
using Google.Protobuf;

namespace EdgeLite.Tests.Importers;

/// <summary>Caffe models of the collection against OpenCV's results; older layer generations and rounding rules by hand; hostile files.</summary>
public class CaffeImporterTests
{
    public static TheoryData<string> Models => ZooModel.Of("caffe");

    [SharedTheory("zoo/caffe")]
    [MemberData(nameof(Models))]
    public void Results_are_those_of_OpenCV(string model) => new ZooModel(model).Check("deploy.prototxt", shaped: true);

    [SharedTheory("zoo/caffe")]
    [InlineData("caffe/mtcnn_onet")]
    public void The_weights_file_finds_its_network(string model) => new ZooModel(model).Check("weights.caffemodel");

    private static T In<T>(string prototxt, byte[] weights, Func<string, T> use) => TemporaryFolder.Use(folder =>
    {
        File.WriteAllText(Path.Combine(folder, "net.prototxt"), prototxt);
        File.WriteAllBytes(Path.Combine(folder, "net.caffemodel"), weights);
        return use(Path.Combine(folder, "net.prototxt"));
    });

    private static Tensor Run(string prototxt, NetParameter weights, Tensor x) => In(prototxt, weights.ToByteArray(), p =>
    {
        (Graph graph, string format) = Pipeline.Import(p, new ConversionOptions());
        Assert.Equal("Caffe", format);
        return new GraphInterpreter(graph).Run(x)[0];
    });

    private static BlobProto Blob(params float[] values)
    {
        var blob = new BlobProto();
        blob.Data.Add(values);
        return blob;
    }

    /// <summary>7 wide, kernel 3, stride 2, pad 1: ceil((7 + 2 - 3) / 2) + 1 = 4; 6 wide: ceil(5 / 2) + 1 = 4, whose last window begins at 5.</summary>
    [Theory]
    [InlineData(7, 4)]
    [InlineData(6, 4)]
    [InlineData(5, 3)]
    public void Pooling_rounds_up(int width, int expected)
    {
        Tensor x = new(DType.Float32, new Shape(1, 1, 1, width));
        for (int i = 0; i < width; i++) x.SetDouble(i, i);
        Tensor y = Run($"input: 'x' input_dim: 1 input_dim: 1 input_dim: 1 input_dim: {width}\nlayer {{ name: 'p' type: 'Pooling' bottom: 'x' top: 'y' pooling_param {{ pool: MAX kernel_h: 1 kernel_w: 3 stride_h: 1 stride_w: 2 pad_h: 0 pad_w: 1 }} }}", new NetParameter(), x);
        Assert.Equal(new Shape(1, 1, 1, expected), y.Shape);
        for (int i = 0; i < expected; i++) Assert.Equal(Math.Min(2 * i + 1, width - 1), y.GetDouble(i));
    }

    [Fact]
    public void The_second_generation_of_layers_is_read()
    {
        var weights = new NetParameter();
        weights.Layers.Add(new V1LayerParameter { Name = "ip", Type = V1LayerParameter.Types.LayerType.InnerProduct, Blobs = { Blob(1, 2, 3, 4), Blob(10, 20) } });
        Tensor y = Run("""
            input: "x" input_dim: 1 input_dim: 2 input_dim: 1 input_dim: 1
            layers { name: "ip" type: INNER_PRODUCT bottom: "x" top: "y" inner_product_param { num_output: 2 } }
            layers { name: "r" type: RELU bottom: "y" top: "y" relu_param { negative_slope: 0.5 } }
            layers { name: "l" type: SOFTMAX_LOSS bottom: "y" bottom: "label" top: "loss" include: { phase: TRAIN } }
            """, weights, Tensor.FromArray<float>([1, -20], new Shape(1, 2, 1, 1)));
        Assert.Equal([(1 - 40 + 10) / 2f, (3 - 80 + 20) / 2f], y.Span<float>().ToArray());
    }

    [Fact]
    public void The_first_generation_of_layers_is_read()
    {
        var weights = new NetParameter();
        weights.Layers.Add(new V1LayerParameter { Layer = new V0LayerParameter { Name = "c", Type = "conv", Blobs = { Blob(1, 2, 1), Blob(0.5f) } } });
        Tensor y = Run("""
            input: "x" input_dim: 1 input_dim: 3 input_dim: 2 input_dim: 1
            layers { layer { name: "pad" type: "padding" pad: 1 } bottom: "x" top: "padded" }
            layers { layer { name: "c" type: "conv" num_output: 1 kernelsize: 1 } bottom: "padded" top: "y" }
            """, weights, Tensor.FromArray<float>([1, 2, 3, 4, 5, 6], new Shape(1, 3, 2, 1)));
        Assert.Equal(new Shape(1, 1, 4, 3), y.Shape);
        Assert.Equal([0.5f, 0.5f, 0.5f, 0.5f, 12.5f, 0.5f, 0.5f, 16.5f, 0.5f, 0.5f, 0.5f, 0.5f], y.Span<float>().ToArray());
    }

    /// <summary>Three boxes in the middle of a picture of 4 x 4, side 2 and aspects 1, 2, 1/2: the first overlaps the others by 0.547, those each
    /// other by 1/3.</summary>
    [Theory]
    [InlineData(0.5f, -1, new[] { 0, 1, 0.9f, 0.25f, 0.25f, 0.75f, 0.75f })]
    [InlineData(0.6f, 2, new[] { 0, 1, 0.9f, 0.25f, 0.25f, 0.75f, 0.75f, 0, 1, 0.8f, 0.146447f, 0.323223f, 0.853553f, 0.676777f })]
    public void Boxes_of_SSD_are_decoded_and_suppressed(float overlap, int keep, float[] expected)
    {
        // Offsets of the three boxes, then (background, object) for each.
        float[] x = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0.1f, 0.9f, 0.2f, 0.8f, 0.3f, 0.7f];
        Tensor y = Run(string.Create(System.Globalization.CultureInfo.InvariantCulture, $$"""
            input: "x" input_dim: 1 input_dim: 18 input_dim: 1 input_dim: 1
            layer { name: "p" type: "PriorBox" bottom: "x" bottom: "x" top: "priors" prior_box_param { min_size: 2 aspect_ratio: 2 img_size: 4 variance: 0.1 variance: 0.1 variance: 0.2 variance: 0.2 } }
            layer { name: "f" type: "Flatten" bottom: "x" top: "flat" }
            layer { name: "s" type: "Slice" bottom: "flat" top: "loc" top: "conf" slice_param { slice_point: 12 } }
            layer { name: "d" type: "DetectionOutput" bottom: "loc" bottom: "conf" bottom: "priors" top: "y" detection_output_param { num_classes: 2 code_type: CENTER_SIZE
              keep_top_k: {{keep}} confidence_threshold: 0.01 nms_param { nms_threshold: {{overlap}} top_k: 10 } } }
            """), new NetParameter(), Tensor.FromArray<float>(x, new Shape(1, 18, 1, 1)));
        TensorAssert.Close(Tensor.FromArray<float>(expected, new Shape(1, 1, expected.Length / 7, 7)), y, 0, 1e-5, "detections");
    }

    [Theory]
    [InlineData("type: 'Interp' interp_param { zoom_factor: 2 }", new[] { 0, 0.5f, 1, 1, 1.5f, 2, 2, 2.5f, 3 })]
    [InlineData("type: 'Upsample' upsample_param { scale: 2 }", new[] { 0f, 0, 1, 1, 0, 0, 1, 1, 2, 2, 3, 3, 2, 2, 3, 3 })]
    public void Maps_grow(string layer, float[] expected)
    {
        Tensor y = Run("input: 'x' input_dim: 1 input_dim: 1 input_dim: 2 input_dim: 2 layer { name: 'l' bottom: 'x' top: 'y' " + layer + " }", new NetParameter(), Tensor.FromArray<float>([0, 1, 2, 3], new Shape(1, 1, 2, 2)));
        Assert.Equal(expected, y.Span<float>().ToArray());
    }

    [Theory]
    [InlineData("layer { name: 'l' type: 'ShuffleChannel' bottom: 'x' top: 'y' shuffle_channel_param { group: 2 } }", new[] { 1f, 3, 2, 4 })]
    [InlineData("layer { name: 'l' type: 'Axpy' bottom: 'x' bottom: 'x' bottom: 'x' top: 'y' }", new[] { 2f, 6, 12, 20 })]
    public void Channels_are_shuffled_and_scaled(string layer, float[] expected)
    {
        Tensor y = Run("input: 'x' input_dim: 1 input_dim: 4 input_dim: 1 input_dim: 1 " + layer, new NetParameter(), Tensor.FromArray<float>([1, 2, 3, 4], new Shape(1, 4, 1, 1)));
        Assert.Equal(expected, y.Span<float>().ToArray());
    }

    [Fact]
    public void All_unknown_layers_are_named_at_once()
    {
        var e = Assert.Throws<EdgeLiteException>(() => Run("layer { name: 'd' type: 'Data' top: 'x' }\nlayer { name: 'a' type: 'Frob' bottom: 'x' top: 'y' }\nlayer { name: 'b' type: 'Zap' bottom: 'y' top: 'z' }", new NetParameter(), new Tensor(DType.Float32, new Shape(1))));
        foreach (string text in new[] { "Frob", "'a'", "Zap", "'b'", "deploy" }) Assert.Contains(text, e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("layer { name: 'a' type: 'ReLU' bottom: 'x' top: 'y'")]
    [InlineData("layer { name: 'a' type: 'ReLU' bottom: 'x' top: 'y' }")]
    [InlineData("input: 'x' layer { name: 'a' type: 'ReLU' bottom: 'x' top: 'y' }")]
    [InlineData("input: 'x' input_dim: 1 input_dim: 1 input_dim: 1 input_dim: 1 layer { name: 'a' type: 'InnerProduct' bottom: 'x' top: 'y' inner_product_param { num_output: 4000000000 } }")]
    [InlineData("input: 'x' input_dim: 1 input_dim: 1 input_dim: 1 input_dim: 1 layer { name: 'a' type: 'Convolution' bottom: 'x' top: 'y' convolution_param { num_output: 3 kernel_size: 0 group: 0 } }")]
    [InlineData("input: 'x' input_dim: 1 input_dim: 1 input_dim: 1 input_dim: 1 layer { name: 'a' type: 'Pooling' bottom: 'x' top: 'y' pooling_param { kernel_size: 0 stride: 0 } }")]
    [InlineData("input: 'x' input_dim: 1 input_dim: 1 input_dim: 1 input_dim: 1 layer { name: 'a' type: 'Concat' bottom: 'x' top: 'y' concat_param { axis: 9 } }")]
    public void Damaged_networks_give_a_clear_error(string prototxt) =>
        Assert.Throws<EdgeLiteException>(() => Run(prototxt, new NetParameter(), new Tensor(DType.Float32, new Shape(1, 1, 1, 1))));

    [Fact]
    public void Deeply_nested_text_gives_a_clear_error() =>
        Assert.Throws<EdgeLiteException>(() => Run("layer { top: 'x' } " + string.Concat(Enumerable.Repeat("a { ", 50_000)), new NetParameter(), new Tensor(DType.Float32, new Shape(1))));

    [SharedTheory("zoo/caffe")]
    [InlineData("caffe/wechat_sr")]
    public void Weights_cut_anywhere_give_a_clear_error(string model)
    {
        var zoo = new ZooModel(model);
        byte[] bytes = File.ReadAllBytes(zoo.PathOf("weights.caffemodel"));
        string prototxt = File.ReadAllText(zoo.PathOf("deploy.prototxt"));
        for (int length = 0; length < bytes.Length - 1; length += bytes.Length / 20)
            Assert.Throws<EdgeLiteException>(() => In(prototxt, bytes[..length], p => new CaffeImporter().Import(p)));
    }
}
