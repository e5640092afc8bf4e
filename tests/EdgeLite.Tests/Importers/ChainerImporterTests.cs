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
