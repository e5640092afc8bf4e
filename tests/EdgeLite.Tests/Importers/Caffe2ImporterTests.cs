using EdgeLite.Converter;
using EdgeLite.Converter.Importers.Caffe2;
using EdgeLite.Converter.Importers.Caffe2.Proto;
using EdgeLite.Converter.Ir;
using Google.Protobuf;

namespace EdgeLite.Tests.Importers;

/// <summary>Caffe2's networks: a genuine pair, single operators against numbers worked out by hand, hostile files.</summary>
public class Caffe2ImporterTests
{
    public static TheoryData<string> Models => ZooModel.Of("caffe2");

    [SharedTheory("zoo/caffe2")]
    [MemberData(nameof(Models))]
    public void Results_are_those_of_the_closed_form(string model) => new ZooModel(model).Check("predict_net.pb", shaped: true);

    [SharedTheory("zoo/caffe2")]
    [MemberData(nameof(Models))]
    public void The_folder_and_the_weights_file_find_the_network(string model)
    {
        new ZooModel(model).Check(".", shaped: true);
        new ZooModel(model).Check("init_net.pb", shaped: true);
    }

    private static T In<T>(string predict, string? init, Func<string, T> use) => TemporaryFolder.Use(folder =>
    {
        File.WriteAllText(Path.Combine(folder, "predict_net.pbtxt"), predict);
        if (init != null) File.WriteAllText(Path.Combine(folder, "init_net.pbtxt"), init);
        return use(Path.Combine(folder, "predict_net.pbtxt"));
    });

    private static Tensor[] Run(string ops, string? init, params Tensor[] inputs) => In(ops, init, path =>
    {
        (Graph graph, string format) = Pipeline.Import(path, new ConversionOptions { Shapes = new Dictionary<string, Shape> { ["x"] = inputs[0].Shape } });
        Assert.Equal("Caffe2", format);
        return ImportedRun.Run(graph, inputs);
    });

    private static Tensor Counting(params long[] dims)
    {
        var x = new Tensor(DType.Float32, new Shape(dims));
        for (long i = 0; i < x.Count; i++) x.SetDouble(i, i);
        return x;
    }

    private const string Fill = "op { output: 'w' type: 'GivenTensorFill' arg { name: 'shape' ints: 2 ints: 3 } arg { name: 'values' floats: 1 floats: 0 floats: 2 floats: 0 floats: 1 floats: 0 } } op { output: 'b' type: 'GivenTensorFill' arg { name: 'shape' ints: 2 } arg { name: 'values' floats: 10 floats: 20 } }";

    [Fact]
    public void Dense_layers_fold_their_input_and_overwrite_blobs()
    {
        Tensor y = Run("name: 'net' op { input: 'x' input: 'w' input: 'b' output: 'y' type: 'FC' } op { input: 'y' output: 'y' type: 'Negative' } external_input: 'x' external_input: 'w' external_input: 'b' external_output: 'y'", Fill, Counting(2, 3, 1))[0];
        Assert.Equal([-14f, -21f, -23f, -24f], y.ToArray<float>());
    }

    /// <summary>Caffe2 reads memory that is not its own there.</summary>
    [Fact]
    public void A_window_behind_its_input_is_refused()
    {
        static Tensor[] Pool(int kernel, int stride, int pad, int size) => Run($"op {{ input: 'x' output: 'y' type: 'MaxPool' arg {{ name: 'legacy_pad' i: 3 }} arg {{ name: 'kernel' i: {kernel} }} arg {{ name: 'stride' i: {stride} }} arg {{ name: 'pad' i: {pad} }} }} external_input: 'x' external_output: 'y'", null, Counting(1, 1, size, size));
        Assert.Contains("the last window of 1 places, in steps of 3, would begin behind its input of 5", Assert.Throws<EdgeLiteException>(() => Pool(1, 3, 0, 5)).Message, StringComparison.Ordinal);
        // Caffe2 1.7's own result: behind padding in front such a window is left out.
        Assert.Equal([0f, 4, 24, 28], Pool(2, 4, 1, 6)[0].ToArray<float>());
    }

    [Theory]
    [InlineData("arg { name: 'legacy_pad' i: 3 } arg { name: 'kernel' i: 2 } arg { name: 'stride' i: 2 }", new float[] { 6, 8, 9 }, 3)]
    [InlineData("arg { name: 'kernel' i: 2 } arg { name: 'stride' i: 2 }", new float[] { 6, 8 }, 2)]
    [InlineData("arg { name: 'legacy_pad' i: 2 } arg { name: 'kernel' i: 2 } arg { name: 'stride' i: 2 }", new float[] { 6, 8, 9 }, 3)]
    [InlineData("arg { name: 'global_pooling' i: 1 }", new float[] { 9 }, 1)]
    public void Pooling_rounds_as_it_says(string arguments, float[] expected, int width)
    {
        // 2 x 5 places: 0 .. 9. Caffe's legacy padding with pad 0 rounds 5 up to 3 windows.
        Tensor y = Run($"op {{ input: 'x' output: 'y' type: 'MaxPool' {arguments} }} external_input: 'x' external_output: 'y'", null, Counting(1, 1, 2, 5))[0];
        Assert.Equal(new Shape(1, 1, 1, width), y.Shape);
        Assert.Equal(expected, y.ToArray<float>());
    }

    [Fact]
    public void Channels_last_convolutions_are_read()
    {
        // One place, 3 channels: filter [out 2, 1, 1, in 3].
        string init = Fill.Replace("ints: 2 ints: 3", "ints: 2 ints: 1 ints: 1 ints: 3", StringComparison.Ordinal);
        Tensor y = Run("op { input: 'x' input: 'w' input: 'b' output: 'y' type: 'Conv' arg { name: 'order' s: 'NHWC' } arg { name: 'kernel' i: 1 } } external_input: 'x' external_input: 'w' external_input: 'b' external_output: 'y'", init, Counting(1, 1, 2, 3))[0];
        Assert.Equal(new Shape(1, 1, 2, 2), y.Shape);
        Assert.Equal([14f, 21f, 23f, 24f], y.ToArray<float>());
    }

    [Fact]
    public void Legacy_broadcast_begins_at_an_axis()
    {
        Tensor y = Run("op { input: 'x' input: 'b' output: 'y' type: 'Add' arg { name: 'broadcast' i: 1 } arg { name: 'axis' i: 1 } } external_input: 'x' external_input: 'b' external_output: 'y'", Fill, Counting(1, 2, 3))[0];
        Assert.Equal([10f, 11, 12, 23, 24, 25], y.ToArray<float>());
    }

    [Fact]
    public void Joined_blobs_are_cut_again_by_the_sizes_that_were_remembered()
    {
        Tensor[] y = Run("op { input: 'x' input: 'w' output: 'j' output: 'sizes' type: 'Concat' arg { name: 'axis' i: 0 } } op { input: 'j' input: 'sizes' output: 'p' output: 'q' type: 'Split' arg { name: 'axis' i: 0 } } op { input: 'q' output: 's' type: 'Slice' arg { name: 'starts' ints: 0 ints: 1 } arg { name: 'ends' ints: -1 ints: -2 } } external_input: 'x' external_input: 'w' external_output: 'p' external_output: 's'", Fill, Counting(1, 3));
        Assert.Equal([0f, 1, 2], y[0].ToArray<float>());
        Assert.Equal(new Shape(2, 1), y[1].Shape);
        Assert.Equal([0f, 1], y[1].ToArray<float>());
    }

    [Fact]
    public void Bilinear_resizing_keeps_the_corners_and_nearest_takes_the_floor()
    {
        Tensor[] y = Run("op { input: 'x' output: 'a' type: 'UpsampleBilinear' arg { name: 'width_scale' f: 2 } arg { name: 'height_scale' f: 1 } } op { input: 'x' output: 'b' type: 'ResizeNearest' arg { name: 'width_scale' f: 2 } arg { name: 'height_scale' f: 1 } } external_input: 'x' external_output: 'a' external_output: 'b'", null, Counting(1, 1, 1, 3));
        TensorAssert.Close(Tensor.FromArray<float>([0, 0.4f, 0.8f, 1.2f, 1.6f, 2], new Shape(1, 1, 1, 6)), y[0], 1e-6, 1e-6, "bilinear");
        Assert.Equal([0f, 0, 1, 1, 2, 2], y[1].ToArray<float>());
    }

    [Fact]
    public void Channels_are_shuffled_between_groups()
    {
        Tensor y = Run("op { input: 'x' output: 'y' type: 'ChannelShuffle' arg { name: 'group' i: 2 } arg { name: 'kernel' i: 1 } } external_input: 'x' external_output: 'y'", null, Counting(1, 6, 1, 1))[0];
        Assert.Equal([0f, 3, 1, 4, 2, 5], y.ToArray<float>());
    }

    /// <summary>x is 0 1 2, 3 4 5; w is 1 0 2, 0 1 0.</summary>
    [Theory]
    [InlineData("DotProduct", "", "input: 'x' input: 'w'", new float[] { 4, 4 })]
    [InlineData("SquaredL2Distance", "", "input: 'x' input: 'w'", new float[] { 1, 21.5f })]
    [InlineData("L1Distance", "", "input: 'x' input: 'w'", new float[] { 2, 11 })]
    [InlineData("CosineSimilarity", "", "input: 'x' input: 'w'", new[] { 0.8f, 0.565685f })]
    [InlineData("SumElements", "", "input: 'x'", new float[] { 15 })]
    [InlineData("SumSqrElements", "arg { name: 'average' i: 1 }", "input: 'x'", new[] { 55f / 6 })]
    [InlineData("MergeDim", "", "input: 'x'", new float[] { 0, 1, 2, 3, 4, 5 })]
    [InlineData("ElementwiseLinear", "", "input: 'x' input: 'v' input: 'v'", new float[] { 1, 4, 9, 4, 10, 18 })]
    public void Rows_are_compared_and_blobs_summed(string type, string arguments, string inputs, float[] expected)
    {
        string fill = Fill + " op { output: 'v' type: 'GivenTensorFill' arg { name: 'shape' ints: 3 } arg { name: 'values' floats: 1 floats: 2 floats: 3 } }";
        Tensor y = Run($"op {{ {inputs} output: 'y' type: '{type}' {arguments} }} external_input: 'x' external_input: 'w' external_input: 'v' external_output: 'y'", fill, Counting(2, 3))[0];
        TensorAssert.Close(Tensor.FromArray<float>(expected, new Shape(expected.Length)), y.Reshaped(new Shape(expected.Length)), 1e-5, 1e-5, type);
    }

    [Fact]
    public void All_unknown_operators_are_named_at_once()
    {
        var e = Assert.Throws<EdgeLiteException>(() => Run("op { input: 'x' output: 'y' type: 'Int8Conv' } op { input: 'y' output: 'z' type: 'Zap' }", null, Counting(1)));
        foreach (string text in new[] { "Int8Conv", "'y'", "Zap", "'z'", "--int8" }) Assert.Contains(text, e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("op { input: 'x' output: 'y' type: 'Relu'")]
    [InlineData("op { input: 'x' input: 'w' input: 'b' output: 'y' type: 'FC' arg { name: 'axis' i: 9 } }")]
    [InlineData("op { input: 'x' input: 'w' output: 'y' type: 'Conv' }")]
    [InlineData("op { input: 'x' output: 'y' type: 'MaxPool' arg { name: 'kernel' i: 0 } }")]
    [InlineData("op { input: 'x' output: 'y' type: 'MaxPool' arg { name: 'kernel' i: 4000000000000 } arg { name: 'stride' i: 0 } }")]
    [InlineData("op { input: 'x' output: 'y' type: 'Slice' arg { name: 'starts' ints: 1 } arg { name: 'ends' ints: 2 ints: 3 } }")]
    [InlineData("op { input: 'x' output: 'y' type: 'ReduceFrontSum' arg { name: 'num_reduce_dim' i: 99999999999 } }")]
    [InlineData("op { output: 'y' type: 'ConstantFill' arg { name: 'shape' ints: 1000000000 ints: 1000000000 } } op { input: 'y' output: 'z' type: 'Relu' }")]
    [InlineData("op { input: 'x' input: 'huge' output: 'y' type: 'Add' }")]
    [InlineData("op { input: 'x' output: 'y' type: 'Relu' } external_output: 'nothing'")]
    public void Damaged_networks_give_a_clear_error(string net) => Assert.Throws<EdgeLiteException>(() =>
        Run(net, Fill + "op { output: 'huge' type: 'ConstantFill' arg { name: 'shape' ints: 1099511627776 } arg { name: 'value' f: 1 } }", Counting(1, 3)));

    [Fact]
    public void Weights_without_a_network_say_what_is_missing() => TemporaryFolder.Use(folder =>
    {
        string path = Path.Combine(folder, "init_net.pb");
        var net = new NetDef { Op = { new OperatorDef { Output = { "w" }, Type = "GivenTensorFill", Arg = { new Argument { Name = "values", Floats = { 1 } } } } } };
        File.WriteAllBytes(path, net.ToByteArray());
        Assert.Contains("predict_net", Assert.Throws<EdgeLiteException>(() => Pipeline.Import(path, new ConversionOptions())).Message, StringComparison.Ordinal);
    });

    [Fact]
    public void Deeply_nested_text_gives_a_clear_error() =>
        Assert.Throws<EdgeLiteException>(() => Run("op { input: 'x' output: 'y' type: 'Relu' } " + string.Concat(Enumerable.Repeat("op { ", 50_000)), null, Counting(1)));

    [SharedTheory("zoo/caffe2")]
    [InlineData("caffe2/googlenet_head")]
    public void Weights_cut_anywhere_give_a_clear_error(string model)
    {
        var zoo = new ZooModel(model);
        byte[] predict = File.ReadAllBytes(zoo.PathOf("predict_net.pb")), init = File.ReadAllBytes(zoo.PathOf("init_net.pb"));
        TemporaryFolder.Use(folder =>
        {
            File.WriteAllBytes(Path.Combine(folder, "predict_net.pb"), predict);
            for (int length = 0; length < init.Length - 40; length += init.Length / 20)
            {
                File.WriteAllBytes(Path.Combine(folder, "init_net.pb"), init[..length]);
                Assert.Throws<EdgeLiteException>(() => new Caffe2Importer().Import(Path.Combine(folder, "predict_net.pb")));
            }
        });
    }
}
