using System.IO.Compression;
using EdgeLite.Converter;
using EdgeLite.Converter.Importers;
using EdgeLite.Converter.Importers.Chainer;

namespace EdgeLite.Tests.Importers;

/// <summary>Parameters of the collection with their architecture in JSON, against Chainer's own results; hostile files.</summary>
public class ChainerImporterTests
{
    internal const string Small = """
        {"type":"Convolution2D","name":"c","stride":2,"pad":1},{"type":"BatchNormalization","name":"b"},{"type":"DepthwiseConvolution2D","name":"d","pad":1},
        {"type":"relu"},{"type":"max_pooling_2d","ksize":1},{"type":"Linear","name":"l"},{"type":"elu"},{"type":"Linear","name":"e"},{"type":"softmax"}
        """;

    internal static string Vgg7 => string.Join(',', Enumerable.Range(1, 7).Select(i => $$"""{"type":"Convolution2D","name":"conv{{i}}"}""" + (i < 7 ? ",{\"type\":\"leaky_relu\",\"slope\":0.1}" : "")));

    private static T With<T>(string json, byte[]? parameters, Func<string, T> use) => TemporaryFolder.Use(folder =>
    {
        string path = Path.Combine(folder, "model.json");
        File.WriteAllText(path, json);
        if (parameters != null) File.WriteAllBytes(Path.Combine(folder, "model.npz"), parameters);
        return use(path);
    });

    internal static string Json(string layers, string shape) => $"{{\"format\":\"chainer\",\"parameters\":\"model.npz\",\"input\":{{\"name\":\"x\",\"shape\":{shape}}},\"layers\":[{layers}]}}";

    [SharedTheory("zoo/chainer")]
    [InlineData("chainer/w_small_cnn", "[null,3,16,16]")]
    [InlineData("chainer/waifu2x_vgg7_y", "[null,1,null,null]")]
    [InlineData("chainer/waifu2x_vgg7_rgb", "[null,3,null,null]")]
    public void Results_are_those_of_Chainer(string model, string shape)
    {
        var zoo = new ZooModel(model);
        With(Json(model.EndsWith("cnn", StringComparison.Ordinal) ? Small : Vgg7, shape), File.ReadAllBytes(zoo.PathOf("model.npz")), path =>
        {
            Assert.Equal("Chainer", ImporterRegistry.Find(path).Format);
            zoo.Check(path, shaped: true);
            return 0;
        });
    }

    /// <summary>An archive of these arrays of float32, stored as numpy.savez does.</summary>
    private static byte[] Npz(params (string Name, long[] Dims, float[] Values)[] arrays)
    {
        using var memory = new MemoryStream();
        using (var zip = new ZipArchive(memory, ZipArchiveMode.Create, leaveOpen: true))
            foreach ((string name, long[] dims, float[] values) in arrays)
            {
                using Stream entry = zip.CreateEntry(name + ".npy").Open();
                NpyFile.Write(entry, Tensor.FromArray<float>(values, new Shape(dims)));
            }
        return memory.ToArray();
    }

    private static float[] Run(string layers, byte[] parameters, long[] dims, params float[] x) => With(Json(layers, $"[{string.Join(',', dims)}]"), parameters, path =>
        ImportedRun.Run(Pipeline.Import(path, new ConversionOptions()).Graph, Tensor.FromArray<float>(x, new Shape(dims)))[0].ToArray<float>());

    /// <summary>x is -1 0 1 2 3 4 in [1, 2, 1, 3]; results by hand from the formulas of Chainer's documentation.</summary>
    [Theory]
    [InlineData("""{"type":"crelu"},{"type":"sum","axis":[1,3]}""", new float[] { 11 })]
    [InlineData("""{"type":"clipped_relu","z":2.5}""", new[] { 0, 0, 1, 2, 2.5f, 2.5f })]
    [InlineData("""{"type":"hard_sigmoid"}""", new[] { 0.3f, 0.5f, 0.7f, 0.9f, 1, 1 })]
    [InlineData("""{"type":"rrelu"}""", new[] { -11f / 48, 0, 1, 2, 3, 4 })]
    [InlineData("""{"type":"clip","x_min":0.5,"x_max":3}""", new[] { 0.5f, 0.5f, 1, 2, 3, 3 })]
    [InlineData("""{"type":"maxout","pool_size":2}""", new float[] { 2, 3, 4 })]
    [InlineData("""{"type":"maxout","pool_size":3,"axis":-1}""", new float[] { 1, 4 })]
    [InlineData("""{"type":"unpooling_2d","ksize":[1,2]}""", new float[] { -1, -1, 0, 0, 1, 2, 2, 3, 3, 4 })]
    [InlineData("""{"type":"unpooling_2d","ksize":[1,2],"cover_all":false}""", new float[] { -1, -1, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4 })]
    [InlineData("""{"type":"resize_images","output_shape":[1,5]}""", new[] { -1, -0.5f, 0, 0.5f, 1, 2, 2.5f, 3, 3.5f, 4 })]
    [InlineData("""{"type":"resize_images","output_shape":[1,2],"align_corners":false}""", new[] { -0.75f, 0.75f, 2.25f, 3.75f })]
    [InlineData("""{"type":"transpose"},{"type":"flatten"}""", new float[] { -1, 2, 0, 3, 1, 4 })]
    [InlineData("""{"type":"transpose","axes":[0,-1,1,2]},{"type":"squeeze","axis":-1},{"type":"reshape","shape":[-1,6]}""", new float[] { -1, 2, 0, 3, 1, 4 })]
    [InlineData("""{"type":"mean","axis":1,"keepdims":true}""", new[] { 0.5f, 1.5f, 2.5f })]
    [InlineData("""{"type":"max","axis":-1}""", new float[] { 1, 4 })]
    [InlineData("""{"type":"identity","name":"a"},{"type":"relu","name":"b"},{"type":"add","inputs":["a","b","x"]}""", new float[] { -2, 0, 3, 6, 9, 12 })]
    [InlineData("""{"type":"square","name":"a"},{"type":"subtract","inputs":["x","a"]}""", new float[] { -2, 0, 0, -2, -6, -12 })]
    [InlineData("""{"type":"square","name":"a"},{"type":"concat","inputs":["x","a"],"axis":3},{"type":"max","axis":1}""", new float[] { 2, 3, 4, 4, 9, 16 })]
    [InlineData("""{"type":"stack","inputs":["x","x"]},{"type":"min","axis":[0,1,2,3]}""", new float[] { -1, 0, 1 })]
    [InlineData("""{"type":"matmul","inputs":["x","x"],"transb":true}""", new float[] { 2, 29 })]
    [InlineData("""{"type":"max_pooling_nd","ksize":[1,2]}""", new float[] { 0, 1, 3, 4 })]
    [InlineData("""{"type":"average_pooling_2d","ksize":[1,2],"stride":1,"pad":[0,1]}""", new[] { -0.5f, -0.5f, 0.5f, 0.5f, 1, 2.5f, 3.5f, 2 })]
    public void Functions_compute_what_their_formulas_say(string layers, float[] expected) =>
        Check(expected, Run(layers, Npz(), [1, 2, 1, 3], -1, 0, 1, 2, 3, 4));

    private static void Check(float[] expected, float[] y) =>
        TensorAssert.Close(Tensor.FromArray<float>(expected, new Shape(expected.Length)), Tensor.FromArray<float>(y, new Shape(y.Length)), 1e-5, 1e-5, "y");

    /// <summary>x is 1 2 in [1, 2]; the links "w" have the parameters beside them.</summary>
    [Theory]
    [InlineData("""{"type":"Scale","name":"w"}""", "W", new float[] { 3, 4 }, "bias/b", new float[] { 1, 2 }, new float[] { 4, 10 })]
    [InlineData("""{"type":"Bias","name":"w"}""", "b", new float[] { 3, 4 }, null, null, new float[] { 4, 6 })]
    [InlineData("""{"type":"clip","x_max":-1},{"type":"PReLU","name":"w"}""", "W", new float[] { 3, 4 }, null, null, new float[] { -3, -4 })]
    [InlineData("""{"type":"LayerNormalization","name":"w","eps":0}""", "gamma", new float[] { 3, 4 }, "beta", new float[] { 1, 2 }, new float[] { -2, 6 })]
    [InlineData("""{"type":"BatchNormalization","name":"w","eps":0}""", "avg_mean", new float[] { 3, 4 }, "avg_var", new float[] { 4, 1 }, new float[] { -1, -2 })]
    public void Links_compute_what_their_formulas_say(string layers, string first, float[] a, string? second, float[]? b, float[] expected) =>
        Check(expected, Run(layers, second == null ? Npz(($"w/{first}", [2], a)) : Npz(($"w/{first}", [2], a), ($"w/{second}", [2], b!)), [1, 2], 1, 2));

    [Fact]
    public void Embeddings_and_dense_layers_over_steps()
    {
        byte[] npz = Npz(("e/W", [3, 2], [0, 1, 2, 3, 4, 5]), ("l/W", [1, 2], [10, 1]), ("l/b", [1], [0.5f]));
        Check([45.5f, 1.5f], Run("""{"type":"EmbedID","name":"e"},{"type":"Linear","name":"l","n_batch_axes":2}""", npz, [1, 2], 2, 0));
    }

    [Theory]
    [InlineData("{\"format\":\"chainer\"")]
    [InlineData("{\"format\":\"chainer\",\"layers\":[]}")]
    [InlineData("{\"format\":\"chainer\",\"layers\":[{\"type\":\"frob\"}]}")]
    [InlineData("{\"format\":\"chainer\",\"parameters\":\"../x.npz\",\"layers\":[{\"type\":\"relu\"}]}")]
    [InlineData("{\"format\":\"chainer\",\"parameters\":\"model.npz\",\"layers\":[{\"type\":\"relu\"}]}")]
    public void Damaged_architectures_give_a_clear_error(string json) =>
        With(json, null, path => Assert.Throws<EdgeLiteException>(() => new ChainerImporter().Import(path)));

    [SharedTheory("zoo/chainer")]
    [InlineData("chainer/w_small_cnn")]
    public void Parameters_cut_anywhere_give_a_clear_error(string model)
    {
        byte[] bytes = File.ReadAllBytes(new ZooModel(model).PathOf("model.npz"));
        for (int i = 0; i < 20; i++)
            With(Json(Small, "[null,3,16,16]"), bytes[..(bytes.Length * i / 20)], path => Assert.Throws<EdgeLiteException>(() => new ChainerImporter().Import(path)));
    }
}
