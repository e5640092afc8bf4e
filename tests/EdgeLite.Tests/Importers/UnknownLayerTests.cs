using System.IO.Compression;
using System.Text;
using EdgeLite.Converter;
using EdgeLite.Converter.Importers;

namespace EdgeLite.Tests.Importers;

/// <summary>Models with two kinds of layer that do not exist, one of them twice: refused before anything else, with all kinds and all places.
/// The formats that are not here have such a test beside their others (Caffe, Caffe2, CNTK, Darknet, Deeplearning4j, ONNX, TensorFlow, TensorFlow
/// Lite, TorchScript, Torch7).</summary>
public sealed class UnknownLayerTests
{
    private const string KerasConfig = """
        {"class_name": "Sequential", "config": {"name": "m", "layers": [
          {"class_name": "InputLayer", "config": {"name": "x", "batch_input_shape": [null, 4], "dtype": "float32"}},
          {"class_name": "Frobnicator", "config": {"name": "first"}}, {"class_name": "Activation", "config": {"name": "act", "activation": "relu"}},
          {"class_name": "Zapper", "config": {"name": "second"}}, {"class_name": "Frobnicator", "config": {"name": "third"}}]}}
        """;

    private const string Exported = """
        {"graph_module": {"graph": {"inputs": [{"as_tensor": {"name": "x"}}], "outputs": [{"as_tensor": {"name": "c"}}], "nodes": [
          {"target": "torch.ops.aten.frobnicator.default", "inputs": [{"name": "self", "arg": {"as_tensor": {"name": "x"}}, "kind": 1}], "outputs": [{"as_tensor": {"name": "first"}}], "metadata": {}},
          {"target": "torch.ops.other.zapper.default", "inputs": [{"name": "self", "arg": {"as_tensor": {"name": "x"}}, "kind": 1}], "outputs": [{"as_tensor": {"name": "second"}}], "metadata": {}},
          {"target": "torch.ops.aten.add.Tensor", "inputs": [{"name": "self", "arg": {"as_tensor": {"name": "first"}}, "kind": 1}, {"name": "other", "arg": {"as_tensor": {"name": "second"}}, "kind": 1}], "outputs": [{"as_tensor": {"name": "c"}}], "metadata": {}}],
          "tensor_values": {"x": {"dtype": 7, "sizes": [{"as_int": 4}]}}},
          "signature": {"input_specs": [{"user_input": {"arg": {"as_tensor": {"name": "x"}}}}], "output_specs": [{"user_output": {"arg": {"as_tensor": {"name": "c"}}}}]}, "module_call_graph": []},
         "opset_version": {"aten": 10}, "range_constraints": {}, "schema_version": {"major": 8, "minor": 0}}
        """;

    public static TheoryData<string, string, string[]> Models => new()
    {
        { "TensorFlow.js layers-model", """{"format": "layers-model", "modelTopology": {"keras_version": "tfjs-layers 4.0.0", "model_config": """ + KerasConfig + """}, "weightsManifest": []}""", ["Frobnicator: 'first', 'third'", "Zapper: 'second'"] },
        { "TensorFlow.js graph-model", """{"format": "graph-model", "weightsManifest": [], "modelTopology": {"node": [{"name": "x", "op": "Placeholder", "attr": {"dtype": {"type": "DT_FLOAT"}}}, {"name": "first", "op": "Frobnicator", "input": ["x"]}, {"name": "second", "op": "Zapper", "input": ["first"]}, {"name": "third", "op": "Frobnicator", "input": ["second"]}]}}""", ["Frobnicator: ", "'first'", "'third'", "Zapper: 'second'"] },
        { "Chainer", """{"format": "chainer", "parameters": "p.npz", "input": {"name": "x", "shape": [null, 4]}, "layers": [{"type": "frobnicator", "name": "first"}, {"type": "relu"}, {"type": "zapper"}, {"type": "frobnicator", "name": "third"}]}""", ["frobnicator", "first", "third", "zapper"] },
        { "Lasagne", """{"format": "lasagne", "parameters": "p.npz", "layers": [{"type": "InputLayer", "shape": [null, 4]}, {"type": "FrobnicatorLayer", "name": "first"}, {"type": "ZapperLayer"}, {"type": "FrobnicatorLayer", "name": "third"}]}""", ["FrobnicatorLayer", "first", "third", "ZapperLayer"] },
    };

    [Theory]
    [MemberData(nameof(Models))]
    public void All_of_them_are_named_at_once(string format, string json, string[] words) => TemporaryFolder.Use(folder =>
    {
        string path = Path.Combine(folder, "model.json");
        File.WriteAllText(path, json);
        File.WriteAllBytes(Path.Combine(folder, "p.npz"), Convert.FromBase64String("UEsFBgAAAAAAAAAAAAAAAAAAAAAAAA==")); // an archive of nothing
        return Check(path, format, words);
    });

    [Fact]
    public void All_operators_of_an_exported_program_are_named_at_once() => TemporaryFolder.Use(folder => Check(
        Zip(Path.Combine(folder, "model.pt2"), ("m/archive_format", "pt2"), ("m/models/model.json", Exported)), "PyTorch", ["frobnicator", "other.zapper"]));

    /// <summary>The weights, which come last, are not even looked at.</summary>
    [SharedTheory("zoo/keras_v3")]
    [InlineData("keras_v3/mnist_cnn_keras311")]
    public void All_layers_of_a_Keras_file_are_named_at_once(string model) => TemporaryFolder.Use(folder =>
    {
        string path = Path.Combine(folder, "model.keras");
        File.Copy(new ZooModel(model).PathOf("model.keras"), path);
        File.SetAttributes(path, FileAttributes.Normal);
        using (ZipArchive zip = ZipFile.Open(path, ZipArchiveMode.Update))
        {
            zip.GetEntry("config.json")!.Delete();
            using Stream entry = zip.CreateEntry("config.json").Open();
            entry.Write(Encoding.UTF8.GetBytes(KerasConfig));
        }
        return Check(path, "Keras", ["Frobnicator: 'first', 'third'", "Zapper: 'second'"]);
    });

    private static string Zip(string path, params (string Name, string Text)[] entries)
    {
        using ZipArchive zip = ZipFile.Open(path, ZipArchiveMode.Create);
        foreach ((string name, string text) in entries)
        {
            using Stream entry = zip.CreateEntry(name).Open();
            entry.Write(Encoding.UTF8.GetBytes(text));
        }
        return path;
    }

    private static int Check(string path, string format, string[] words)
    {
        Assert.StartsWith(format, ImporterRegistry.Find(path).Format, StringComparison.Ordinal);
        var e = Assert.Throws<EdgeLiteException>(() => Pipeline.Import(path, new ConversionOptions()));
        Assert.Equal(Status.UnknownOperator, e.Status);
        foreach (string word in words) Assert.Contains(word, e.Message, StringComparison.Ordinal);
        return 0;
    }
}
