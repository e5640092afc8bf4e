using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;
using System.Text.Json.Nodes;
using EdgeLite.Converter;
using EdgeLite.Converter.Importers.Dl4j;
using EdgeLite.Converter.Ir;

namespace EdgeLite.Tests.Importers;

/// <summary>Deeplearning4j models of the collection against Deeplearning4j's own results; files in the forms of older versions, made
/// from those; single layers against closed forms; unknown classes; hostile files.</summary>
public class Dl4jImporterTests
{
    public static TheoryData<string> Models => ZooModel.Of("dl4j", m => !m.Contains("custom", StringComparison.Ordinal));

    [SharedTheory("zoo/dl4j")]
    [MemberData(nameof(Models))]
    public void Results_are_those_of_Deeplearning4j(string model)
    {
        var zoo = new ZooModel(model);
        zoo.Check("model.zip", shaped: true);
        zoo.Check("model.zip");
    }

    [SharedTheory("zoo/dl4j")]
    [InlineData("dl4j/100b4_custom_layer_half")]
    [InlineData("dl4j/100b6_custom_layer_float")]
    public void A_layer_of_the_author_s_own_class_is_refused_by_name(string model)
    {
        var e = Assert.Throws<EdgeLiteException>(() => Pipeline.Import(new ZooModel(model).PathOf("model.zip"), new ConversionOptions()));
        Assert.Contains("customlayer100a.CustomLayer", e.Message, StringComparison.Ordinal);
        Assert.Contains("layer1", e.Message, StringComparison.Ordinal);
    }

    /// <summary>The same network as a version before 1.0 would have written it: wrapper objects, 32-bit lengths, no topological order.</summary>
    [SharedTheory("zoo/dl4j")]
    [InlineData("dl4j/100b6_bidirectional_rnn_graph")]
    [InlineData("dl4j/100b4_synthetic_cnn")]
    public void The_forms_of_older_versions_mean_the_same(string model)
    {
        var zoo = new ZooModel(model);
        using ZipArchive zip = ZipFile.OpenRead(zoo.PathOf("model.zip"));
        JsonNode config = JsonNode.Parse(Bytes(zip, "configuration.json"))!;
        config.AsObject().Remove("topologicalOrder");
        config.AsObject().Remove("topologicalOrderStr");
        string old = Wrapped(config)!.ToJsonString();
        Assert.DoesNotContain("@class", old, StringComparison.Ordinal);
        byte[] coefficients = Bytes(zip, "coefficients.bin");
        int data = 0x60; // the shape's buffer: 18 + 8 + 6 + 8 * 8 bytes
        byte[] shape = Buffer("HEAP", "INT", 8, s => s.Write(new byte[32])), numbers = Buffer("DIRECT", "FLOAT", (coefficients.Length - data - 33) / 4, s => s.Write(coefficients.AsSpan(data + 33)));
        string path = Write(old, [.. shape, .. numbers]);
        try
        {
            Tensor x = NpyFile.Read(zoo.PathOf("input.npy"));
            (Graph graph, string format) = Pipeline.Import(path, new ConversionOptions());
            Assert.Equal("Deeplearning4j", format);
            TensorAssert.Close(NpyFile.Read(zoo.PathOf("output_0.npy")), ImportedRun.Run(graph, x)[0], 1e-4, 1e-5, "output");
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static byte[] Bytes(ZipArchive zip, string name)
    {
        using Stream s = zip.GetEntry(name)!.Open();
        using var memory = new MemoryStream();
        s.CopyTo(memory);
        return memory.ToArray();
    }

    private static JsonNode? Wrapped(JsonNode? node)
    {
        switch (node)
        {
            case JsonArray array: return new JsonArray([.. array.Select(Wrapped)]);
            case JsonObject o:
            {
                var inner = new JsonObject();
                foreach ((string key, JsonNode? value) in o) if (key != "@class") inner[key] = Wrapped(value);
                return o["@class"] is { } name ? new JsonObject { [name.GetValue<string>().Split('.')[^1].Replace("Activation", "", StringComparison.Ordinal)] = inner } : inner;
            }
            default: return node?.DeepClone();
        }
    }

    private static byte[] Buffer(string mode, string type, int length, Action<MemoryStream> content)
    {
        using var memory = new MemoryStream();
        Text(mode);
        memory.Write(BitConverter.GetBytes(BinaryPrimitives.ReverseEndianness(length)));
        Text(type);
        content(memory);
        return memory.ToArray();

        void Text(string s)
        {
            memory.Write([(byte)(s.Length >> 8), (byte)s.Length]);
            memory.Write(Encoding.UTF8.GetBytes(s));
        }
    }

    private static string Write(string config, byte[] coefficients)
    {
        string path = Path.Combine(Path.GetTempPath(), $"edgelite-{Guid.NewGuid():N}.zip");
        using ZipArchive zip = ZipFile.Open(path, ZipArchiveMode.Create);
        using (Stream s = zip.CreateEntry("configuration.json").Open()) s.Write(Encoding.UTF8.GetBytes(config));
        using (Stream s = zip.CreateEntry("coefficients.bin").Open()) s.Write(coefficients);
        return path;
    }

    private static byte[] Vector(params ReadOnlySpan<float> numbers)
    {
        float[] values = numbers.ToArray();
        return [.. Buffer("HEAP", "INT", 8, s => s.Write(new byte[32])), .. Buffer("HEAP", "FLOAT", values.Length, s =>
        {
            var bytes = new byte[4];
            foreach (float v in values)
            {
                BinaryPrimitives.WriteSingleBigEndian(bytes, v);
                s.Write(bytes);
            }
        })];
    }

    private static float[] Run(string layers, byte[] coefficients, Tensor x, string preprocessors = "{}")
    {
        string path = Write($"{{\"confs\":[{layers}],\"inputPreProcessors\":{preprocessors}}}", coefficients);
        try
        {
            (Graph graph, _) = Pipeline.Import(path, new ConversionOptions());
            return ImportedRun.Run(graph, x)[0].ToArray<float>();
        }
        finally
        {
            File.Delete(path);
        }
    }

    /// <summary>The weights of the second layer lie behind those of the first, whose number is not looked at any more.</summary>
    [Fact]
    public void Refused_settings_are_named_all_at_once()
    {
        static string Dense(string name, string activation) => $"{{\"layer\":{{\"dense\":{{\"layerName\":\"{name}\",\"nin\":2,\"nout\":2,\"activationFn\":{{\"{activation}\":{{}}}}}}}}}}";
        EdgeLiteException e = Assert.Throws<EdgeLiteException>(() => Run($"{Dense("a", "Frob")},{Dense("b", "ReLU")},{Dense("c", "Zap")}", Vector(1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6), Array(new Shape(1, 2), 1, 2)));
        RefusedSettingTests.Check(e, "2 layers", "dense 'a': activation 'Frob'", "dense 'c': activation 'Zap'");
    }

    private static Tensor Array(Shape shape, params ReadOnlySpan<float> values) => Tensor.FromArray(values, shape);

    [Theory]
    [InlineData("""{"layer":{"dense":{"nin":2,"nout":2,"activationFn":{"ReLU":{}}}}}""")]
    [InlineData("""{"layer":{"dense":{"nin":2,"nout":2,"activationFunction":"relu"}}}""")]
    [InlineData("""{"layer":{"@class":"org.deeplearning4j.nn.conf.layers.DenseLayer","nIn":2,"nOut":2,"hasBias":true,"activationFn":{"@class":"org.nd4j.linalg.activations.impl.ActivationReLU"}}}""")]
    public void Dense_weights_lie_column_by_column(string layer) =>
        Assert.Equal([2 * 1 + 3 * 2 + 10f, 0], Run(layer, Vector(1, 2, -3, -4, 10, 0), Array(new Shape(1, 2), 2, 3)));

    [Fact]
    public void The_visible_bias_of_an_RBM_is_passed_over() =>
        Assert.Equal([1 / (1 + MathF.Exp(-8)), 5f], [.. Run("""{"layer":{"RBM":{"nin":1,"nout":1,"hiddenUnit":"BINARY"}}}""", Vector(3, 2, 99), Array(new Shape(1, 1), 2)), 5f]);

    /// <summary>One unit over two steps, by hand: input, forget, output and input gate with their peepholes.</summary>
    [Fact]
    public void Graves_gates_see_the_cell()
    {
        float[] w = [0.5f, -0.3f, 0.8f, 0.2f], rw = [0.1f, 0.4f, -0.2f, 0.6f], peep = [0.7f, -0.5f, 0.3f], b = [0.05f, 1, -0.1f, 0.2f], x = [1.5f, -2];
        float h = 0, c = 0;
        var expected = new List<float>();
        foreach (float v in x)
        {
            float a = MathF.Tanh(w[0] * v + rw[0] * h + b[0]), f = Sigmoid(w[1] * v + rw[1] * h + b[1] + peep[0] * c), i = Sigmoid(w[3] * v + rw[3] * h + b[3] + peep[2] * c);
            c = f * c + i * a;
            h = Sigmoid(w[2] * v + rw[2] * h + b[2] + peep[1] * c) * MathF.Tanh(c);
            expected.Add(h);
        }
        float[] got = Run("""{"layer":{"gravesLSTM":{"nin":1,"nout":1,"activationFn":{"TanH":{}}}}}""", Vector([.. w, .. rw, .. peep, .. b]), Array(new Shape(1, 1, 2), x));
        for (int k = 0; k < 2; k++) Assert.Equal(expected[k], got[k], 1e-5f);

        static float Sigmoid(float z) => 1 / (1 + MathF.Exp(-z));
    }

    [Fact]
    public void Steps_folded_into_the_batch_come_back()
    {
        const string Layers = """{"layer":{"dense":{"nin":1,"nout":1,"activationFn":{"Identity":{}}}}},{"layer":{"rnnoutput":{"nin":1,"nout":2,"activationFn":{"Identity":{}}}}}""";
        float[] got = Run(Layers, Vector(2, 1, 1, 10, 0, 0), Array(new Shape(2, 1, 2), 1, 2, 3, 4), """{"0":{"rnnToFeedForward":{}},"1":{"feedForwardToRnn":{}}}""");
        Assert.Equal([3, 5, 30, 50, 7, 9, 70, 90], got);
    }

    [Theory]
    [InlineData("var", 4f)]
    [InlineData("log10stdev", 0.30103f)]
    public void Batch_normalization_keeps_variance_or_its_logarithm(string variable, float stored)
    {
        float[] got = Run("""{"variables":["gamma","beta","mean","VAR"],"layer":{"batchNormalization":{"nin":1,"nout":1,"eps":0}}}""".Replace("VAR", variable, StringComparison.Ordinal), Vector(3, 1, 5, stored), Array(new Shape(1, 1), 9));
        Assert.Equal(7, got[0], 1e-4f);
    }

    [Fact]
    public void All_unknown_classes_are_named_at_once()
    {
        var e = Assert.Throws<EdgeLiteException>(() => Run("""{"layer":{"frob":{"nin":1}}},{"layer":{"@class":"com.acme.Zap"}}""", Vector(1), Array(new Shape(1), 1), """{"0":{"unitVariance":{}}}"""));
        foreach (string text in new[] { "frob", "com.acme.Zap", "unitVariance", "author" }) Assert.Contains(text, e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{")]
    [InlineData("""{"layer":7}""")]
    [InlineData("""{"layer":{"dense":{"nin":2}}}""")]
    [InlineData("""{"layer":{"dense":{"nin":2000000000,"nout":2000000000}}}""")]
    [InlineData("""{"layer":{"dense":{"nin":-1,"nout":0}}}""")]
    [InlineData("""{"layer":{"dense":{"nin":1,"nout":1}}}""")]
    [InlineData("""{"layer":{"convolution":{"nin":1,"nout":1,"kernelSize":[0,0]}}}""")]
    [InlineData("""{"layer":{"convolution":{"nin":1,"nout":1,"kernelSize":"big"}}}""")]
    [InlineData("""{"layer":{"Bidirectional":{"fwd":{"dense":{}},"bwd":{"dense":{}}}}}""")]
    public void Damaged_configurations_give_a_clear_error(string layer) => Assert.Throws<EdgeLiteException>(() => Run(layer, Vector(1, 2, 3), Array(new Shape(1, 1), 1)));

    [Fact]
    public void Deeply_nested_configurations_give_a_clear_error()
    {
        string nested = string.Concat(Enumerable.Repeat("{\"layer\":{\"FrozenLayer\":", 5000)) + "{}" + new string('}', 10_000);
        Assert.Throws<EdgeLiteException>(() => Run(nested, Vector(1), Array(new Shape(1, 1), 1)));
        nested = "{\"layer\":" + string.Concat(Enumerable.Repeat("{\"FrozenLayer\":{\"layer\":", 40)) + "{\"dense\":{}}" + new string('}', 81);
        Assert.Throws<EdgeLiteException>(() => Run(nested, Vector(1), Array(new Shape(1, 1), 1)));
    }

    [Fact]
    public void Coefficients_larger_than_the_file_are_refused() =>
        Assert.Throws<EdgeLiteException>(() => Run("""{"layer":{"dense":{"nin":1,"nout":1}}}""", [.. Buffer("HEAP", "INT", 8, s => s.Write(new byte[32])), .. Buffer("HEAP", "DOUBLE", int.MaxValue, _ => { })], Array(new Shape(1, 1), 1)));

    [Fact]
    public void A_zip_bomb_is_refused() =>
        Assert.Throws<EdgeLiteException>(() => Run("""{"layer":{"dense":{"nin":1,"nout":1}}}""" + new string(' ', 100_000_000), Vector(1, 2), Array(new Shape(1, 1), 1)));

    [SharedTheory("zoo/dl4j")]
    [InlineData("dl4j/100b4_synthetic_cnn")]
    public void A_file_cut_anywhere_gives_a_clear_error(string model)
    {
        using ZipArchive zip = ZipFile.OpenRead(new ZooModel(model).PathOf("model.zip"));
        string config = Encoding.UTF8.GetString(Bytes(zip, "configuration.json"));
        byte[] coefficients = Bytes(zip, "coefficients.bin"), whole = File.ReadAllBytes(new ZooModel(model).PathOf("model.zip"));
        for (int k = 0; k < 30; k++)
        {
            Refused(Write(config, coefficients[..(coefficients.Length * k / 30)]));
            Refused(Write(config[..(config.Length * k / 30)], coefficients));
            string path = Path.Combine(Path.GetTempPath(), $"edgelite-{Guid.NewGuid():N}.zip");
            File.WriteAllBytes(path, whole[..(whole.Length * k / 30)]);
            Refused(path);
        }

        static void Refused(string path)
        {
            try
            {
                Assert.Throws<EdgeLiteException>(() => new Dl4jImporter().Import(path));
            }
            finally
            {
                File.Delete(path);
            }
        }
    }
}
