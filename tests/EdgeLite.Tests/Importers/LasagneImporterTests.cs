using EdgeLite.Converter.Importers;
using EdgeLite.Converter.Importers.Lasagne;

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

    /// <summary>Pickles of protocol 2 with the attributes that Theano's classes have: the shared variables W = [[0, 1], [2, 3], [4, 5]] and
    /// b = [1, -1] in a list, and a compiled function that holds W.</summary>
    private const string SharedVariables =
        "gAJdcQAoY3RoZWFuby50ZW5zb3Iuc2hhcmVkdmFyClRlbnNvclNoYXJlZFZhcmlhYmxlCnEBKYFxAn1xAyhYBAAAAG5hbWVxBFgBAAAAV3EFWAkAAABhdXRvX25hbWVxBlgGAAAAYXV0b18xcQdYBQAAAG93bmVy" +
        "cQhOWAUAAABpbmRleHEJTlgEAAAAdHlwZXEKY3RoZWFuby50ZW5zb3IudHlwZQpUZW5zb3JUeXBlCnELKYFxDH1xDShYBQAAAGR0eXBlcQ5YBwAAAGZsb2F0MzJxD1gNAAAAYnJvYWRjYXN0YWJsZXEQiYmGcRFo" +
        "BE5YCwAAAG51bXB5X2R0eXBlcRJjbnVtcHkKZHR5cGUKcRNYAgAAAGY0cRSJiIdxFVJxFihLA1gBAAAAPHEXTk5OSv////9K/////0sAdHEYYnViWAMAAAB0YWdxGWN0aGVhbm8uZ29mLnV0aWxzCnNjcmF0Y2hw" +
        "YWQKcRopgXEbWAkAAABjb250YWluZXJxHGN0aGVhbm8uZ29mLmxpbmsKQ29udGFpbmVyCnEdKYFxHn1xHyhYBwAAAHN0b3JhZ2VxIF1xIWNudW1weS5jb3JlLm11bHRpYXJyYXkKX3JlY29uc3RydWN0CnEiY251" +
        "bXB5Cm5kYXJyYXkKcSNLAIVxJGNfY29kZWNzCmVuY29kZQpxJVgBAAAAYnEmWAYAAABsYXRpbjFxJ4ZxKFJxKYdxKlJxKyhLAUsDSwKGcSxoFoloJVgbAAAAAAAAAAAAwoA/AAAAQAAAQEAAAMKAQAAAwqBAcS1o" +
        "J4ZxLlJxL3RxMGJhWAgAAAByZWFkb25seXExiVgGAAAAc3RyaWN0cTKJaApoDGgEaAVYDgAAAGFsbG93X2Rvd25jYXN0cTNOdWJ1YmgBKYFxNH1xNShoBFgBAAAAYnE2aAZoB2gITmgJTmgKaAspgXE3fXE4KGgO" +
        "aA9oEImFcTloBE5oEmgWdWJoGWgaKYFxOmgcaB0pgXE7fXE8KGggXXE9aCJoI0sAhXE+aCmHcT9ScUAoSwFLAoVxQWgWiWglWAsAAAAAAMKAPwAAwoDCv3FCaCeGcUNScUR0cUViYWgxiWgyiWgKaDdoBGg2aDNO" +
        "dWJ1YmUu",
        CompiledFunction =
        "gAJjdGhlYW5vLmNvbXBpbGUuZnVuY3Rpb25fbW9kdWxlCl9jb25zdHJ1Y3Rvcl9GdW5jdGlvbgpxAE5dcQFjdGhlYW5vLnRlbnNvci5zaGFyZWR2YXIKVGVuc29yU2hhcmVkVmFyaWFibGUKcQIpgXEDfXEEKFgE" +
        "AAAAbmFtZXEFWAEAAABXcQZYCQAAAGF1dG9fbmFtZXEHWAYAAABhdXRvXzFxCFgFAAAAb3duZXJxCU5YBQAAAGluZGV4cQpOWAQAAAB0eXBlcQtjdGhlYW5vLnRlbnNvci50eXBlClRlbnNvclR5cGUKcQwpgXEN" +
        "fXEOKFgFAAAAZHR5cGVxD1gHAAAAZmxvYXQzMnEQWA0AAABicm9hZGNhc3RhYmxlcRGJiYZxEmgFTlgLAAAAbnVtcHlfZHR5cGVxE2NudW1weQpkdHlwZQpxFFgCAAAAZjRxFYmIh3EWUnEXKEsDWAEAAAA8cRhO" +
        "Tk5K/////0r/////SwB0cRlidWJYAwAAAHRhZ3EaY3RoZWFuby5nb2YudXRpbHMKc2NyYXRjaHBhZApxGymBcRxYCQAAAGNvbnRhaW5lcnEdY3RoZWFuby5nb2YubGluawpDb250YWluZXIKcR4pgXEffXEgKFgH" +
        "AAAAc3RvcmFnZXEhXXEiY251bXB5LmNvcmUubXVsdGlhcnJheQpfcmVjb25zdHJ1Y3QKcSNjbnVtcHkKbmRhcnJheQpxJEsAhXElY19jb2RlY3MKZW5jb2RlCnEmWAEAAABicSdYBgAAAGxhdGluMXEohnEpUnEq" +
        "h3ErUnEsKEsBSwNLAoZxLWgXiWgmWBsAAAAAAAAAAADCgD8AAABAAABAQAAAwoBAAADCoEBxLmgohnEvUnEwdHExYmFYCAAAAHJlYWRvbmx5cTKJWAYAAABzdHJpY3RxM4loC2gNaAVoBlgOAAAAYWxsb3dfZG93" +
        "bmNhc3RxNE51YnViYV1xNU5hh3E2UnE3Lg==";

    [Fact]
    public void Shared_variables_of_Theano_are_parameters() =>
        With(Json("""{"type":"InputLayer","name":"x","shape":[null,3]},{"type":"DenseLayer","num_units":2,"nonlinearity":null}"""), Convert.FromBase64String(SharedVariables), "model.pkl", path =>
        {
            Tensor y = ImportedRun.Run(new LasagneImporter().Import(path), Tensor.FromArray<float>([1, 10, 100], new Shape(1, 3)))[0];
            Assert.Equal([421, 530], y.ToArray<float>());
            return 0;
        });

    /// <summary>What pickle.dump of Python 2 wrote unless told otherwise: text, the numbers [[1], [10], [100]] in a literal with escapes.</summary>
    [Fact]
    public void Pickles_of_text_are_read() =>
        With(Json("""{"type":"InputLayer","name":"x","shape":[null,3]},{"type":"DenseLayer","num_units":1,"nonlinearity":null,"b":null}"""),
            System.Text.Encoding.Latin1.GetBytes("(lp0\ncnumpy.core.multiarray\n_reconstruct\np1\n(cnumpy\nndarray\np2\n(I0\ntp3\nS'b'\np4\ntp5\nRp6\n(I1\n(I3\nI1\ntp7\ncnumpy\ndtype\np8\n"
                + "(S'f4'\np9\nI0\nI1\ntp10\nRp11\n(I3\nS'<'\np12\nNNNI-1\nI-1\nI0\ntp13\nbI00\nS'\\x00\\x00\\x80?\\x00\\x00 A\\x00\\x00\\xc8B'\np14\ntp15\nba."), "model.pkl", path =>
            {
                Assert.Equal([321], ImportedRun.Run(new LasagneImporter().Import(path), Tensor.FromArray<float>([1, 2, 3], new Shape(1, 3)))[0].ToArray<float>());
                return 0;
            });

    [Theory]
    [InlineData(SharedVariables, "2 parameters", "\"layers\"")]
    [InlineData(CompiledFunction, "theano.compile.function_module._constructor_Function", "numpy.savez")]
    public void Pickles_of_Theano_alone_are_refused_with_what_to_do(string pickle, params string[] words) =>
        With("{}", Convert.FromBase64String(pickle), "model.pkl", path =>
        {
            string message = Assert.Throws<EdgeLiteException>(() => EdgeLite.Converter.Pipeline.Import(Path.ChangeExtension(path, ".pkl"), new EdgeLite.Converter.ConversionOptions())).Message;
            foreach (string word in words) Assert.Contains(word, message, StringComparison.Ordinal);
            return 0;
        });

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
            Tensor y = ImportedRun.Run(new LasagneImporter().Import(path), Tensor.FromArray<float>([1, 2, 3], new Shape(1, 1, 1, 3)))[0];
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
            Assert.Contains("frob: 'a'\n  grob: 'layer2'", message, StringComparison.Ordinal);
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
