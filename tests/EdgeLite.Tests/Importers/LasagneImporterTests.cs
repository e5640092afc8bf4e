using EdgeLite.Converter.Importers;
using EdgeLite.Converter.Importers.Lasagne;
using EdgeLite.Converter.Ir;

namespace EdgeLite.Tests.Importers;

/// <summary>Parameters of the collection with their architecture in JSON, against Lasagne's own results; single layers computed by hand;
/// hostile files.</summary>
public class LasagneImporterTests
{
    internal const string Convnet = """
        {"type":"InputLayer","name":"x","shape":[null,3,14,12]},{"type":"Conv2DLayer","stride":[2,1],"pad":"same"},
        {"type":"Conv2DLayer","pad":1,"b":null,"nonlinearity":null},{"type":"BatchNormLayer"},{"type":"NonlinearityLayer","nonlinearity":{"type":"leaky_rectify","leakiness":0.1}},
        {"type":"MaxPool2DLayer","pool_size":2},{"type":"TransposedConv2DLayer","stride":2,"crop":1},{"type":"Upscale2DLayer","scale_factor":2},
        {"type":"DenseLayer","nonlinearity":"elu"},{"type":"DropoutLayer"},{"type":"DenseLayer","name":"softmax","nonlinearity":"softmax"}
        """;

    private static T With<T>(string json, byte[] parameters, string file, Func<string, T> use) => TemporaryFolder.Use(folder =>
    {
        string path = Path.Combine(folder, "model.json");
        File.WriteAllText(path, json);
        File.WriteAllBytes(Path.Combine(folder, file), parameters);
        return use(path);
    });

    internal static string Json(string layers, string file = "model.pkl") => $"{{\"format\": \"lasagne\",\"parameters\":\"{file}\",\"layers\":[{layers}]}}";

    [SharedTheory("zoo/lasagne")]
    [InlineData("model.npz")]
    [InlineData("model.pkl")]
    public void Results_are_those_of_Lasagne(string file)
    {
        var zoo = new ZooModel("lasagne/w_flipped_convnet");
        With(Json(Convnet, file), File.ReadAllBytes(zoo.PathOf(file)), file, path =>
        {
            Assert.Equal("Lasagne", ImporterRegistry.Find(path).Format);
            zoo.Check(path, shaped: true);
            return 0;
        });
    }

    /// <summary>Layers without parameters on x = [[[[1, 2, 3]]]]; the pickle is an empty list.</summary>
    [Theory]
    [InlineData("""{"type":"Upscale2DLayer","scale_factor":[1,2]}""", "1,1,2,2,3,3")]
    [InlineData("""{"type":"Upscale2DLayer","scale_factor":[1,2],"mode":"dilate"}""", "1,0,2,0,3,0")]
    [InlineData("""{"type":"PadLayer","width":[0,[1,2]],"val":7}""", "7,1,2,3,7,7")]
    [InlineData("""{"type":"Pool2DLayer","pool_size":[1,2],"ignore_border":false,"mode":"average_inc_pad"}""", "1.5,3")]
    [InlineData("""{"type":"Pool2DLayer","pool_size":[1,2]}""", "2")]
    [InlineData("""{"type":"GlobalPoolLayer"}""", "2")]
    [InlineData("""{"type":"ReshapeLayer","shape":[[0],-1]},{"type":"NonlinearityLayer","nonlinearity":"linear"},{"type":"FlattenLayer"}""", "1,2,3")]
    [InlineData("""{"type":"NonlinearityLayer","name":"a","nonlinearity":{"type":"leaky_rectify"}},{"type":"ElemwiseSumLayer","incomings":["x","a"],"coeffs":[2,-1]}""", "1,2,3")]
    [InlineData("""{"type":"ConcatLayer","incomings":["x","x"],"axis":3},{"type":"DimshuffleLayer","pattern":[3,0,"x",1,2]}""", "1,2,3,1,2,3")]
    [InlineData("""{"type":"LocalResponseNormalization2DLayer","alpha":1,"beta":1,"k":1,"n":3}""", "0.5,0.4,0.3")]
    public void Layers_give_what_Lasagne_documents(string layers, string expected) =>
        With(Json("""{"type":"InputLayer","name":"x","shape":[null,1,1,3]},""" + layers), "]."u8.ToArray(), "model.pkl", path =>
        {
            Tensor y = new GraphInterpreter(new LasagneImporter().Import(path)).Run(Tensor.FromArray<float>([1, 2, 3], new Shape(1, 1, 1, 3)))[0];
            Assert.Equal(expected.Split(',').Select(v => double.Parse(v, System.Globalization.CultureInfo.InvariantCulture)), Enumerable.Range(0, (int)y.Count).Select(i => Math.Round(y.GetDouble(i), 5)));
            return 0;
        });

    [Theory]
    [InlineData("{\"format\":\"lasagne\"")]
    [InlineData("{\"format\":\"lasagne\",\"layers\":[]}")]
    [InlineData("{\"format\":\"lasagne\",\"layers\":[{\"type\":\"frob\"}]}")]
    [InlineData("{\"format\":\"lasagne\",\"layers\":[{\"type\":3}]}")]
    [InlineData("{\"format\":\"lasagne\",\"parameters\":\"../x.npz\",\"layers\":[{\"type\":\"DenseLayer\"}]}")]
    [InlineData("{\"format\":\"lasagne\",\"parameters\":\"missing.npz\",\"layers\":[{\"type\":\"DenseLayer\"}]}")]
    [InlineData("{\"format\":\"lasagne\",\"parameters\":\"model.pkl\",\"layers\":[{\"type\":\"DropoutLayer\"}]}")]
    [InlineData("{\"format\":\"lasagne\",\"parameters\":\"model.pkl\",\"layers\":[{\"type\":\"InputLayer\",\"shape\":[0,3]}]}")]
    [InlineData("{\"format\":\"lasagne\",\"parameters\":\"model.pkl\",\"layers\":[{\"type\":\"InputLayer\",\"shape\":[1,3]},{\"type\":\"DenseLayer\"}]}")]
    [InlineData("{\"format\":\"lasagne\",\"parameters\":\"model.pkl\",\"layers\":[{\"type\":\"InputLayer\",\"shape\":[1,3,4,4]},{\"type\":\"Upscale2DLayer\",\"scale_factor\":1000000}]}")]
    public void Damaged_architectures_give_a_clear_error(string json) =>
        With(json, "]."u8.ToArray(), "model.pkl", path => Assert.Throws<EdgeLiteException>(() => new LasagneImporter().Import(path)));

    [Fact]
    public void Every_layer_without_a_conversion_is_named() =>
        With(Json("""{"type":"frob","name":"a"},{"type":"DropoutLayer"},{"type":"grob"}"""), "]."u8.ToArray(), "model.pkl", path =>
        {
            string message = Assert.Throws<EdgeLiteException>(() => new LasagneImporter().Import(path)).Message;
            Assert.Contains("frob 'a', grob", message, StringComparison.Ordinal);
            return 0;
        });

    [SharedTheory("zoo/lasagne")]
    [InlineData("model.npz")]
    [InlineData("model.pkl")]
    public void Parameters_cut_anywhere_give_a_clear_error(string file)
    {
        byte[] bytes = File.ReadAllBytes(new ZooModel("lasagne/w_flipped_convnet").PathOf(file));
        for (int i = 0; i < 20; i++)
            With(Json(Convnet, file), bytes[..(bytes.Length * i / 20)], file, path => Assert.Throws<EdgeLiteException>(() => new LasagneImporter().Import(path)));
    }
}
