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
        return ImportedRun.Run(graph, x)[0];
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
        Assert.Equal([(1 - 40 + 10) / 2f, (3 - 80 + 20) / 2f], y.ToArray<float>());
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
        Assert.Equal([0.5f, 0.5f, 0.5f, 0.5f, 12.5f, 0.5f, 0.5f, 16.5f, 0.5f, 0.5f, 0.5f, 0.5f], y.ToArray<float>());
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
        Assert.Equal(expected, y.ToArray<float>());
    }

    [Theory]
    [InlineData("layer { name: 'l' type: 'ShuffleChannel' bottom: 'x' top: 'y' shuffle_channel_param { group: 2 } }", new[] { 1f, 3, 2, 4 })]
    [InlineData("layer { name: 'l' type: 'Axpy' bottom: 'x' bottom: 'x' bottom: 'x' top: 'y' }", new[] { 2f, 6, 12, 20 })]
    public void Channels_are_shuffled_and_scaled(string layer, float[] expected)
    {
        Tensor y = Run("input: 'x' input_dim: 1 input_dim: 4 input_dim: 1 input_dim: 1 " + layer, new NetParameter(), Tensor.FromArray<float>([1, 2, 3, 4], new Shape(1, 4, 1, 1)));
        Assert.Equal(expected, y.ToArray<float>());
    }

    private static Tensor Floats(Shape shape, Func<int, float> value) => Tensor.FromArray<float>([.. Enumerable.Range(0, (int)shape.Count).Select(value)], shape);

    /// <summary>What is expected is computed by hand from the layers' definitions. Reorg of stride 2 on 4 channels of 2 x 2 (values 0..15) reads
    /// them as 1 channel of 4 x 4.</summary>
    [Theory]
    [InlineData("type: 'Reorg' reorg_param { stride: 2 }", "1,4,2,2", "1,16,1,1", new float[] { 0, 2, 8, 10, 1, 3, 9, 11, 4, 6, 12, 14, 5, 7, 13, 15 })]
    [InlineData("type: 'CReLU'", "1,1,1,3", "1,2,1,3", new float[] { 0, 1, 2, 0, 0, 0 })]
    [InlineData("type: 'Clip' clip_param { min: 1 max: 2.5 }", "1,1,1,4", "1,1,1,4", new float[] { 1, 1, 2, 2.5f })]
    [InlineData("type: 'SPP' spp_param { pyramid_height: 2 pool: MAX }", "1,1,4,4", "1,5", new float[] { 15, 5, 7, 13, 15 })]
    [InlineData("type: 'SPP' spp_param { pyramid_height: 2 pool: AVE }", "1,1,2,2", "1,5", new float[] { 1.5f, 0, 1, 2, 3 })]
    [InlineData("type: 'MVN' mvn_param { normalize_variance: false }", "1,2,1,2", "1,2,1,2", new float[] { -0.5f, 0.5f, -0.5f, 0.5f })]
    [InlineData("type: 'MVN' mvn_param { across_channels: true }", "1,2,1,1", "1,2,1,1", new float[] { -1, 1 })]
    [InlineData("type: 'BN' bn_param { bn_mode: INFERENCE }", "1,2,1,1", "1,2,1,1", new float[] { 5, 9 }, new float[] { 3, 4 }, new float[] { 5, 5 })]
    [InlineData("type: 'BN' bn_param { eps: 0 frozen: true slope_filler { type: 'constant' } }", "1,2,1,1", "1,2,1,1", new float[] { -1, 5 }, new float[] { 2, 2 }, new float[] { 1, 5 }, new float[] { 2, 1 }, new float[] { 4, 9 })]
    [InlineData("type: 'Normalize' norm_param { across_spatial: false channel_shared: false }", "1,2,1,1", "1,2,1,1", new float[] { 0, 3 }, new float[] { 2, 3 })]
    [InlineData("type: 'Permute' permute_param { order: 0 order: 2 order: 3 order: 1 }", "1,2,1,3", "1,1,3,2", new float[] { 0, 3, 1, 4, 2, 5 })]
    [InlineData("type: 'Reshape' reshape_param { shape { dim: -1 } num_axes: 0 }", "2,3", "1,2,3", new float[] { 0, 1, 2, 3, 4, 5 })]
    [InlineData("type: 'ReLU6'", "1,1,1,9", "1,1,1,9", new float[] { 0, 1, 2, 3, 4, 5, 6, 6, 6 })]
    [InlineData("type: 'ConvolutionDepthwise' convolution_param { num_output: 2 kernel_size: 1 bias_term: false }", "1,2,1,2", "1,2,1,2", new float[] { 0, 2, 6, 9 }, new float[] { 2, 3 })]
    [InlineData("type: 'Embed' embed_param { num_output: 2 input_dim: 3 bias_term: false }", "2", "2,2", new float[] { 1, 2, 3, 4 }, new float[] { 1, 2, 3, 4, 5, 6 })]
    public void Layers_of_forks_compute_what_they_say(string layer, string input, string output, float[] expected, params float[][] blobs)
    {
        long[] from = [.. input.Split(',').Select(long.Parse)], to = [.. output.Split(',').Select(long.Parse)];
        var weights = new NetParameter();
        weights.Layer.Add(new LayerParameter { Name = "l", Type = "x", Blobs = { blobs.Select(b => Blob(b)) } });
        string shape = string.Concat(from.Select(d => $" dim: {d}"));
        Tensor y = Run($"layer {{ name: 'i' type: 'Input' top: 'x' input_param {{ shape {{{shape} }} }} }} layer {{ name: 'l' bottom: 'x' top: 'y' {layer} }}", weights, Floats(new Shape(from), i => i));
        TensorAssert.Close(Tensor.FromArray<float>(expected, new Shape(to)), y, 0, 1e-6, layer);
    }

    /// <summary>SegNet's pair: the largest of 2 x 2 go back to where they were.</summary>
    [Fact]
    public void A_mask_leads_upsampling_back()
    {
        Tensor y = Run("""
            input: "x" input_dim: 1 input_dim: 2 input_dim: 2 input_dim: 2
            layer { name: "p" type: "Pooling" bottom: "x" top: "p" top: "m" pooling_param { pool: MAX kernel_size: 2 stride: 2 } }
            layer { name: "r" type: "Power" bottom: "p" top: "r" power_param { scale: 10 } }
            layer { name: "u" type: "Upsample" bottom: "r" bottom: "m" top: "y" upsample_param { scale: 2 } }
            """, new NetParameter(), Tensor.FromArray<float>([1, 4, 2, 3, 5, 6, 9, 8], new Shape(1, 2, 2, 2)));
        Assert.Equal([0, 40, 0, 0, 0, 0, 90, 0], y.ToArray<float>());
    }

    /// <summary>A map 0..15 of 4 x 4; the region (0, 0, 3, 1) in two parts: rows 0 and 1, columns 0 and 1, 2 and 3.</summary>
    [Fact]
    public void Regions_are_pooled()
    {
        Tensor y = In("""
            layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 1 dim: 1 dim: 4 dim: 4 } } }
            layer { name: "r" type: "Input" top: "rois" input_param { shape { dim: 1 dim: 5 } } }
            layer { name: "l" type: "ROIPooling" bottom: "x" bottom: "rois" top: "y" roi_pooling_param { pooled_h: 1 pooled_w: 2 spatial_scale: 0.5 } }
            """, [], p => ImportedRun.Run(new CaffeImporter().Import(p), Floats(new Shape(1, 1, 4, 4), i => i), Tensor.FromArray<float>([0, 0, 0, 6, 2], new Shape(1, 5)))[0]);
        Assert.Equal(new Shape(1, 1, 1, 2), y.Shape);
        Assert.Equal([5, 7], y.ToArray<float>());
    }

    /// <summary>R-FCN's pooling against its definition, part by part, on random numbers; the last region lies outside the map.</summary>
    [Fact]
    public void Regions_are_pooled_by_position()
    {
        const int G = 3, D = 2, H = 7, W = 9;
        const float Scale = 0.5f;
        var random = new Random(8);
        Tensor x = Floats(new Shape(1, D * G * G, H, W), _ => (float)random.NextDouble());
        float[] regions = [0, 1, 2, 11, 9, 0, 0, 0, 17, 13, 0, 3.5f, 2.5f, 4, 3, 0, 40, 40, 60, 60];
        Tensor y = In($$"""
            layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 1 dim: {{D * G * G}} dim: {{H}} dim: {{W}} } } }
            layer { name: "r" type: "Input" top: "rois" input_param { shape { dim: 4 dim: 5 } } }
            layer { name: "l" type: "PSROIPooling" bottom: "x" bottom: "rois" top: "y" psroi_pooling_param { spatial_scale: 0.5 output_dim: {{D}} group_size: {{G}} } }
            """, [], p => ImportedRun.Run(new CaffeImporter().Import(p, new Dictionary<string, Shape> { ["x"] = x.Shape, ["rois"] = new(4, 5) }), x, Tensor.FromArray<float>(regions, new Shape(4, 5)))[0]);
        var expected = new Tensor(DType.Float32, new Shape(4, D, G, G));
        for (int r = 0, at = 0; r < 4; r++)
        {
            float Edge(int k, float more) => (MathF.Round(regions[r * 5 + k], MidpointRounding.AwayFromZero) + more) * Scale;
            (int, int) Part(float start, float end, int i, int places)
            {
                float part = MathF.Max(end - start, 0.1f) / G;
                return ((int)Math.Clamp(MathF.Floor(i * part + start), 0, places), (int)Math.Clamp(MathF.Ceiling((i + 1) * part + start), 0, places));
            }
            for (int d = 0; d < D; d++)
                for (int i = 0; i < G; i++)
                    for (int j = 0; j < G; j++, at++)
                    {
                        (int top, int bottom) = Part(Edge(2, 0), Edge(4, 1), i, H);
                        (int left, int right) = Part(Edge(1, 0), Edge(3, 1), j, W);
                        double sum = 0;
                        for (int row = top; row < bottom; row++)
                            for (int column = left; column < right; column++) sum += x.GetDouble((((d * G + i) * G + j) * H + row) * W + column);
                        expected.SetDouble(at, bottom > top && right > left ? sum / ((bottom - top) * (right - left)) : 0);
                    }
        }
        TensorAssert.Close(expected, y, 0, 1e-6, "PSROIPooling");
    }

    /// <summary>Against the layers' equations step by step in float64; the second sequence begins anew at step 2.</summary>
    [Theory]
    [InlineData("LSTM", 4)]
    [InlineData("RNN", 1)]
    public void Recurrent_layers_begin_anew_where_cont_is_zero(string type, int gates)
    {
        const int T = 4, N = 2, I = 3, D = 2;
        var random = new Random(5);
        float[] Some(int n) => [.. Enumerable.Range(0, n).Select(_ => (float)(random.NextDouble() * 2 - 1))];
        float[] wx = Some(gates * D * I), b = Some(gates * D), wh = Some(gates * D * D), wo = Some(D * D), bo = Some(D), x = Some(T * N * I);
        float[] cont = [0, 0, 1, 1, 1, 0, 1, 1];
        var weights = new NetParameter();
        weights.Layer.Add(new LayerParameter { Name = "l", Type = type, Blobs = { Blob(wx), Blob(b), Blob(wh) } });
        if (type == "RNN") weights.Layer[0].Blobs.Add([Blob(wo), Blob(bo)]);
        Tensor y = In($$"""
            layer { name: "x" type: "Input" top: "x" input_param { shape { dim: {{T}} dim: {{N}} dim: {{I}} } } }
            layer { name: "c" type: "Input" top: "cont" input_param { shape { dim: {{T}} dim: {{N}} } } }
            layer { name: "l" type: "{{type}}" bottom: "x" bottom: "cont" top: "y" recurrent_param { num_output: {{D}} } }
            """, weights.ToByteArray(), p =>
            {
                Graph graph = new CaffeImporter().Import(p, new Dictionary<string, Shape> { ["x"] = new(T, N, I), ["cont"] = new(T, N) });
                return ImportedRun.Run(graph, Tensor.FromArray<float>(x, new Shape(T, N, I)), Tensor.FromArray<float>(cont, new Shape(T, N)))[0];
            });
        var expected = new Tensor(DType.Float32, new Shape(T, N, D));
        for (int n = 0; n < N; n++)
        {
            double[] h = new double[D], c = new double[D];
            for (int t = 0; t < T; t++)
            {
                double keep = cont[t * N + n];
                double Gate(int g, int d)
                {
                    int row = g * D + d;
                    double sum = b[row];
                    for (int i = 0; i < I; i++) sum += wx[row * I + i] * x[(t * N + n) * I + i];
                    for (int k = 0; k < D; k++) sum += wh[row * D + k] * keep * h[k];
                    return sum;
                }
                double Sigmoid(double v) => 1 / (1 + Math.Exp(-v));
                double[] next = new double[D];
                for (int d = 0; d < D; d++)
                {
                    if (type == "LSTM")
                    {
                        // The cell's next value takes the old hidden state, which the last gate of this step still reads.
                        double cell = keep * Sigmoid(Gate(1, d)) * c[d] + Sigmoid(Gate(0, d)) * Math.Tanh(Gate(3, d));
                        next[d] = Sigmoid(Gate(2, d)) * Math.Tanh(cell);
                        c[d] = cell;
                    }
                    else next[d] = Math.Tanh(Gate(0, d));
                }
                h = next;
                for (int d = 0; d < D; d++) expected.SetDouble((t * N + n) * D + d, type == "LSTM" ? h[d] : Math.Tanh(bo[d] + Enumerable.Range(0, D).Sum(k => wo[d * D + k] * h[k])));
            }
        }
        TensorAssert.Close(expected, y, 0, 1e-5, type);
    }

    /// <summary>Every layer that the oldest generation names, in one network.</summary>
    [Fact]
    public void Layers_of_the_oldest_generation_become_those_of_today()
    {
        var net = new NetParameter();
        foreach ((string type, string bottom, string top) in new[] { ("conv", "x", "a"), ("relu", "a", "a"), ("lrn", "a", "b"), ("pool", "b", "c"), ("dropout", "c", "c"), ("innerproduct", "c", "d"), ("tanh", "d", "e"), ("sigmoid", "e", "f"), ("bnll", "f", "g"), ("flatten", "g", "h"), ("softmax", "h", "y") })
            net.Layers.Add(new V1LayerParameter { Layer = new V0LayerParameter { Name = type, Type = type, NumOutput = 2, Kernelsize = type == "conv" ? 1u : 2u, Stride = type == "pool" ? 2u : 1u, Pool = V0LayerParameter.Types.PoolMethod.Ave, LocalSize = 3, Alpha = 0.5f }, Bottom = { bottom }, Top = { top } });
        LayerParameter[] layers = [.. CaffeUpgrade.Layers(net)];
        Assert.Equal(["Convolution", "ReLU", "LRN", "Pooling", "Dropout", "InnerProduct", "TanH", "Sigmoid", "BNLL", "Flatten", "Softmax"], layers.Select(l => l.Type));
        Assert.All(layers, l => Assert.NotNull(CaffeLayers.Find(l)));
        Assert.Equal(1u, layers[0].ConvolutionParam.KernelSize.Single());
        Assert.Equal((3u, 0.5f), (layers[2].LrnParam.LocalSize, layers[2].LrnParam.Alpha));
        Assert.Equal((PoolingParameter.Types.PoolMethod.Ave, 2u, 2u), (layers[3].PoolingParam.Pool, layers[3].PoolingParam.KernelSize, layers[3].PoolingParam.Stride));
        Assert.Equal(2u, layers[5].InnerProductParam.NumOutput);
    }

    /// <summary>Each number of the second generation has a name of today; those that are no data and no loss have a conversion.</summary>
    [Fact]
    public void Layers_of_the_second_generation_become_those_of_today()
    {
        var net = new NetParameter();
        V1LayerParameter.Types.LayerType[] all = [.. Enum.GetValues<V1LayerParameter.Types.LayerType>().Where(t => t != V1LayerParameter.Types.LayerType.None)];
        foreach (V1LayerParameter.Types.LayerType type in all) net.Layers.Add(new V1LayerParameter { Name = "l", Type = type });
        string[] without = [.. CaffeUpgrade.Layers(net).Where(l => CaffeLayers.Find(l) == null).Select(l => l.Type)];
        Assert.Equal(39, all.Length);
        Assert.All(without, t => Assert.True(t.EndsWith("Loss", StringComparison.Ordinal) || t.EndsWith("Data", StringComparison.Ordinal) || t is "HDF5Output" or "Im2col", t));
    }

    /// <summary>The form that chainer.exporters.caffe writes: enumerations as numbers, "shape: {", normalization as BatchNorm and Scale, layers
    /// named after functions and ranks. Conv doubles and adds (1, 2); (y - 1) / sqrt(4) * 4 + 1; the average of each map; x0 + 2 x1 twice.</summary>
    [Fact]
    public void Exports_of_Chainer_are_read()
    {
        var weights = new NetParameter();
        LayerParameter Layer(string name, string type, params BlobProto[] blobs) => new() { Name = name, Type = type, Blobs = { blobs } };
        weights.Layer.Add([
            Layer("Convolution2DFunction-1-1", "Convolution", Blob(2, 0, 0, 2), Blob(1, 2)), Layer("FixedBatchNormalization-2-1_bn", "BatchNorm", Blob(1, 1), Blob(4, 4), Blob(1)),
            Layer("FixedBatchNormalization-2-1", "Scale", Blob(4, 4), Blob(1, 1)), Layer("LinearFunction-6-1", "InnerProduct", Blob(1, 2)),
        ]);
        Tensor y = Run("""
            name: "Graph"
            layer {
              name: "data"
              type: "Input"
              top: "data"
              input_param { shape: { dim: 1 dim: 2 dim: 2 dim: 2 } }
            }
            layer {
              type: "Convolution"
              name: "Convolution2DFunction-1-1"
              bottom: "data"
              top: "Convolution2DFunction-1-1"
              convolution_param {
                num_output: 2
                bias_term: true
                pad_w: 0
                pad_h: 0
                stride_w: 1
                stride_h: 1
                kernel_w: 1
                kernel_h: 1
                group: 1
              }
            }
            layer { type: "BatchNorm" name: "FixedBatchNormalization-2-1_bn" bottom: "Convolution2DFunction-1-1" top: "FixedBatchNormalization-2-1_bn" batch_norm_param { use_global_stats: true eps: 0 } }
            layer { type: "Scale" name: "FixedBatchNormalization-2-1" bottom: "FixedBatchNormalization-2-1_bn" top: "FixedBatchNormalization-2-1" scale_param { axis: 1 bias_term: true } }
            layer { type: "ReLU" name: "ReLU-3-1" bottom: "FixedBatchNormalization-2-1" top: "ReLU-3-1" }
            layer { type: "LRN" name: "LocalResponseNormalization-4-1" bottom: "ReLU-3-1" top: "LocalResponseNormalization-4-1" lrn_param { norm_region: 0 local_size: 3 k: 1 alpha: 0 beta: 0.75 } }
            layer { type: "Pooling" name: "AveragePooling2D-5-1" bottom: "LocalResponseNormalization-4-1" top: "AveragePooling2D-5-1" pooling_param { pool: 1 pad_w: 0 pad_h: 0 stride_w: 2 stride_h: 2 kernel_w: 2 kernel_h: 2 } }
            layer { type: "InnerProduct" name: "LinearFunction-6-1" bottom: "AveragePooling2D-5-1" top: "LinearFunction-6-1" inner_product_param { num_output: 1 bias_term: false } }
            layer { type: "Eltwise" name: "_ + _-7-1" bottom: "LinearFunction-6-1" bottom: "LinearFunction-6-1" top: "_ + _-7-1" }
            layer { type: "Reshape" name: "Reshape-8-1" bottom: "_ + _-7-1" top: "Reshape-8-1" reshape_param { shape { dim: 1 dim: 1 dim: 1 dim: 1 } } }
            """, weights, Floats(new Shape(1, 2, 2, 2), i => i));
        // Maps 0..3 and 4..7: 2x + 1 and 2x + 2; then 2(y - 1) + 1 = 4x + 1 and 4x + 3; averages 7 and 25; 2 (7 + 50).
        Assert.Equal(new Shape(1, 1, 1, 1), y.Shape);
        Assert.Equal([114], y.ToArray<float>());
    }

    [Fact]
    public void All_unknown_layers_are_named_at_once()
    {
        var python = Assert.Throws<EdgeLiteException>(() => Run("layer { name: 'proposal' type: 'Python' top: 'x' python_param { module: 'rpn.proposal_target_layer' layer: 'ProposalTargetLayer' } }", new NetParameter(), new Tensor(DType.Float32, new Shape(1))));
        foreach (string text in new[] { "'proposal'", "rpn.proposal_target_layer.ProposalTargetLayer", "not in the model" }) Assert.Contains(text, python.Message, StringComparison.Ordinal);
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
