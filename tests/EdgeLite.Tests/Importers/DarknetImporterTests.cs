using EdgeLite.Converter;
using EdgeLite.Converter.Importers.Darknet;
using EdgeLite.Converter.Ir;

namespace EdgeLite.Tests.Importers;

/// <summary>Darknet's networks: a genuine one against OpenCV, layers against numbers worked out by hand, hostile files.</summary>
public class DarknetImporterTests
{
    public static TheoryData<string> Models => ZooModel.Of("darknet");

    [SharedTheory("zoo/darknet")]
    [MemberData(nameof(Models))]
    public void Results_are_those_of_OpenCV(string model)
    {
        new ZooModel(model).Check("net.cfg");
        new ZooModel(model).Check("net.weights");
    }

    private static T In<T>(string cfg, byte[] weights, Func<string, T> use) => TemporaryFolder.Use(folder =>
    {
        File.WriteAllText(Path.Combine(folder, "net.cfg"), cfg);
        File.WriteAllBytes(Path.Combine(folder, "net.weights"), weights);
        return use(Path.Combine(folder, "net.cfg"));
    });

    /// <summary>Version 0.2: three int32, an int64, then the numbers.</summary>
    private static byte[] Weights(params float[] values) =>
        [.. new[] { 0, 2, 0, 7, 0 }.SelectMany(BitConverter.GetBytes), .. values.SelectMany(BitConverter.GetBytes)];

    private static Tensor[] Run(string cfg, byte[] weights, Tensor x) => In(cfg, weights, path =>
    {
        (Graph graph, string format) = Pipeline.Import(path, new ConversionOptions());
        Assert.Equal("Darknet", format);
        return ImportedRun.Run(graph, x);
    });

    private static Tensor Counting(params long[] dims)
    {
        var x = new Tensor(DType.Float32, new Shape(dims));
        for (long i = 0; i < x.Count; i++) x.SetDouble(i, i);
        return x;
    }

    private static string Net(int c, int h, int w) => $"# a comment\n[net]\nchannels={c}\nheight={h} # rows\nwidth={w}\n";

    [Fact]
    public void Normalization_comes_before_the_bias()
    {
        // bias 5, scale 2, mean 1, variance 4, weight 3: 2 * (3x - 1) / 2 + 5
        Tensor y = Run(Net(1, 1, 2) + "[convolutional]\nbatch_normalize=1\nactivation=linear\n", Weights(5, 2, 1, 4, 3), Counting(1, 1, 1, 2))[0];
        TensorAssert.Close(Tensor.FromArray<float>([4, 7], new Shape(1, 1, 1, 2)), y, 1e-5, 1e-5, "convolution");
    }

    /// <summary>Layers that Darknet itself runs on GPUs only. scale 2, mean 1, variance 4: 2 (x - 1) / 2; logistic of the first channel alone.</summary>
    [Theory]
    [InlineData("[batchnorm]\n", 1, new float[] { 2, 1, 4 }, new[] { -1f, 0 })]
    [InlineData("[iseg]\nclasses=1\nids=1\n", 2, new float[0], new[] { 0.5f, 1 })]
    public void Layers_without_an_activation(string layer, int channels, float[] weights, float[] expected)
    {
        var shape = new Shape(1, channels, 1, 2 / channels);
        Tensor y = Run(Net(channels, 1, 2 / channels) + layer, Weights(weights), Counting(1, channels, 1, 2 / channels))[0];
        TensorAssert.Close(Tensor.FromArray<float>(expected, shape), y, 1e-5, 1e-5, layer);
    }

    [Theory]
    [InlineData("size=2\nstride=2", 5, new float[] { 1, 3, 4 })]
    [InlineData("size=2\nstride=1", 4, new float[] { 1, 2, 3, 3 })]
    [InlineData("size=3\nstride=1", 3, new float[] { 1, 2, 2 })]
    [InlineData("size=2\nstride=2\npadding=0", 5, new float[] { 1, 3 })]
    public void Maximum_pools_pad_both_sides_together(string options, int width, float[] expected)
    {
        Tensor x = Counting(1, 1, 2, width);
        for (int i = 0; i < width; i++) x.SetDouble(width + i, i);
        float[] y = Run(Net(1, 2, width) + $"[maxpool]\n{options}\n", Weights(), x)[0].ToArray<float>();
        Assert.Equal(expected, y[..expected.Length]);
    }

    [Fact]
    public void Routes_take_groups_and_shortcuts_add()
    {
        Tensor y = Run(Net(4, 1, 1) + "[activation]\nactivation=linear\n[route]\nlayers=-1\ngroups=2\ngroup_id=1\n[route]\nlayers=0,1\n[shortcut]\nfrom=0\nactivation=relu\n", Weights(), Counting(1, 4, 1, 1))[0];
        Assert.Equal([0f, 2, 4, 6, 2, 3], y.ToArray<float>());
    }

    /// <summary>By the loops of blas.c: out[in_index] = x[out_index].</summary>
    [Fact]
    public void Reorganisation_is_Darknets_own()
    {
        const int s = 2, c = 8, h = 4, w = 6, outC = c / (s * s);
        Tensor x = Counting(1, c, h, w);
        var expected = new float[c * h * w];
        for (int k = 0; k < c; k++)
            for (int j = 0; j < h; j++)
                for (int i = 0; i < w; i++)
                {
                    int offset = k / outC, w2 = i * s + offset % s, h2 = j * s + offset / s;
                    expected[i + w * (j + h * k)] = (float)x.GetDouble(w2 + w * s * (h2 + h * s * (k % outC)));
                }
        Tensor y = Run(Net(c, h, w) + "[reorg]\nstride=2\n", Weights(), x)[0];
        Assert.Equal(new Shape(1, c * s * s, h / s, w / s), y.Shape);
        Assert.Equal(expected, y.ToArray<float>());
    }

    [Fact]
    public void Detections_are_activated_but_sizes_are_not()
    {
        Tensor y = Run(Net(7, 1, 1) + "[yolo]\nmask=1\nclasses=2\nnum=3\n", Weights(), Counting(1, 7, 1, 1))[0];
        double S(double v) => 1 / (1 + Math.Exp(-v));
        TensorAssert.Close(Tensor.FromArray<float>([(float)S(0), (float)S(1), 2, 3, (float)S(4), (float)S(5), (float)S(6)], y.Shape), y, 1e-6, 1e-6, "yolo");
    }

    [Fact]
    public void All_unknown_layers_are_named_at_once()
    {
        var e = Assert.Throws<EdgeLiteException>(() => Run(Net(1, 1, 1) + "[conv_lstm]\noutput=3\n[zap]\n", Weights(), Counting(1)));
        foreach (string text in new[] { "[conv_lstm]", "[zap]", "line 6", "line 8" }) Assert.Contains(text, e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("[net]\nchannels=1\nheight=1\nwidth=1\n[convolutional\nfilters=1\n")]
    [InlineData("[net]\nchannels=1\nheight=1\nwidth=1\n[convolutional]\nfilters=zwei\n")]
    [InlineData("[net]\nchannels=1\nheight=1\nwidth=1\n[convolutional]\nfilters=2000000000\nsize=2000000000\n")]
    [InlineData("[net]\nchannels=1\nheight=1\nwidth=1\n[convolutional]\nfilters=-3\nsize=0\n")]
    [InlineData("[net]\nchannels=1\nheight=1\nwidth=1\n[convolutional]\ngroups=0\n")]
    [InlineData("[net]\nchannels=1\nheight=1\nwidth=1\n[route]\nlayers=5\n")]
    [InlineData("[net]\nchannels=1\nheight=1\nwidth=1\n[maxpool]\nsize=0\nstride=0\n")]
    [InlineData("[net]\nchannels=1\nheight=1\nwidth=1\n[yolo]\nclasses=3\n")]
    [InlineData("[net]\nchannels=1\n[activation]\nactivation=zap\n")]
    [InlineData("[net]\n")]
    public void Damaged_networks_give_a_clear_error(string cfg) => Assert.Throws<EdgeLiteException>(() => Run(cfg, Weights(1, 1), Counting(1, 1, 1, 1)));

    [SharedTheory("zoo/darknet")]
    [InlineData("darknet/ell_unittest")]
    public void Weights_cut_anywhere_or_too_long_give_a_clear_error(string model)
    {
        var zoo = new ZooModel(model);
        byte[] bytes = File.ReadAllBytes(zoo.PathOf("net.weights"));
        string cfg = File.ReadAllText(zoo.PathOf("net.cfg"));
        for (int length = 0; length < bytes.Length - 4; length += bytes.Length / 20)
            Assert.Throws<EdgeLiteException>(() => In(cfg, bytes[..length], p => new DarknetImporter().Import(p)));
        Assert.Contains("another .cfg", Assert.Throws<EdgeLiteException>(() => In(cfg, [.. bytes, 0, 0, 0, 0], p => new DarknetImporter().Import(p))).Message, StringComparison.Ordinal);
    }
}
