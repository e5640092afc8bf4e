using System.Buffers.Binary;

using System.Text.Json;
using EdgeLite.Converter;
using EdgeLite.Converter.Importers;
using EdgeLite.Converter.Importers.PyTorch;
using EdgeLite.Converter.Ir;

namespace EdgeLite.Tests.Importers;

/// <summary>Genuine parameters of PyTorch with their architecture in JSON or ONNX beside them, against PyTorch's own results; layers
/// computed by hand; hostile files.</summary>
public class TorchStateTests
{
    internal const string Small = """
        {"type":"Conv2d","name":"c","stride":2,"padding":1},{"type":"BatchNorm2d","name":"b"},{"type":"Hardswish"},{"type":"Flatten"},
        {"type":"Linear","name":"f"},{"type":"log_softmax","args":[1]}
        """;

    internal const string Cifar = """
        {"type":"ZeroPad2d","padding":[2,2,2,2]},{"type":"Conv2d","name":"conv1","in_channels":3,"kernel_size":5,"bias":true},{"type":"MaxPool2d","kernel_size":2,"stride":2},
        {"type":"ZeroPad2d","padding":[2,2,2,2]},{"type":"Conv2d","name":"conv2"},{"type":"MaxPool2d","kernel_size":2,"stride":2},
        {"type":"constant_pad_nd","args":[[2,2,2,2],0]},{"type":"Conv2d","name":"conv3"},{"type":"max_pool2d","args":[1,2]},
        {"type":"reshape","args":[[-1,1024]]},{"type":"Linear","name":"fc"},{"type":"Softmax","dim":1}
        """;

    internal static string Json(string layers, int size) => Json(layers, $"{{\"name\":\"x\",\"shape\":[null,3,{size},{size}]}}");

    private static string Json(string layers, string input, string file = "model.pth") => $"{{\"format\":\"pytorch\",\"parameters\":\"{file}\",\"inputs\":[{input}],\"layers\":[{layers}]}}";

    private static T With<T>(string json, string file, byte[] parameters, Func<string, T> use) => TemporaryFolder.Use(folder =>
    {
        File.WriteAllText(Path.Combine(folder, "model.json"), json);
        File.WriteAllBytes(Path.Combine(folder, file), parameters);
        return use(folder);
    });

    /// <summary>Either file can be given.</summary>
    [SharedTheory("zoo/pytorch")]
    [InlineData("pytorch/cifar_net_pth", Cifar, 32)]
    [InlineData("pytorch/w_small_cnn_state_dict", Small, 16)]
    [InlineData("pytorch/w_small_cnn_whole_module", Small, 16)]
    public void Results_are_those_of_PyTorch(string model, string layers, int size)
    {
        var zoo = new ZooModel(model);
        With(Json(layers, size), "model.pth", File.ReadAllBytes(zoo.PathOf("model.pth")), folder =>
        {
            Assert.Equal("PyTorch parameters", ImporterRegistry.Find(Path.Combine(folder, "model.pth")).Format);
            zoo.Check(Path.Combine(folder, "model.json"), shaped: true);
            zoo.Check(Path.Combine(folder, "model.pth"));
            return 0;
        });
    }

    [SharedTheory("zoo/pytorch")]
    [InlineData("cifar_net_pth", "conv1.weight")]
    [InlineData("w_small_cnn_state_dict", "c.weight")]
    [InlineData("w_small_cnn_whole_module", "__main__.Small")]
    public void Parameters_alone_are_refused_with_what_is_missing(string model, string word)
    {
        var e = Assert.Throws<EdgeLiteException>(() => Pipeline.Import(new ZooModel("pytorch/" + model).PathOf("model.pth"), new ConversionOptions()));
        Assert.Contains("architecture", e.Message, StringComparison.Ordinal);
        Assert.Contains("torch.jit", e.Message, StringComparison.Ordinal);
        Assert.Contains(word, e.Message, StringComparison.Ordinal);
    }

    /// <summary>The genuine parameters written over into a .safetensors file.</summary>
    [SharedTheory("zoo/pytorch")]
    [InlineData("pytorch/w_small_cnn_state_dict")]
    public void Safetensors_give_the_same(string model)
    {
        var zoo = new ZooModel(model);
        byte[] file = SafeTensors([.. TorchState.Read(zoo.PathOf("model.pth")).Tensors.Select(t => (t.Key, t.Value()))]);
        With(Json(Small, """{"name":"x","shape":[null,3,16,16]}""", "model.safetensors"), "model.safetensors", file, folder =>
        {
            Assert.Equal("PyTorch parameters", ImporterRegistry.Find(Path.Combine(folder, "model.safetensors")).Format);
            zoo.Check(Path.Combine(folder, "model.safetensors"));
            for (int i = 1; i < 30; i++)
            {
                File.WriteAllBytes(Path.Combine(folder, "model.safetensors"), file[..(file.Length * i / 30)]);
                Assert.Throws<EdgeLiteException>(() => new TorchStateImporter().Import(Path.Combine(folder, "model.json")));
            }
            return 0;
        });
    }

    private static byte[] SafeTensors(params (string Name, Tensor Tensor)[] tensors)
    {
        var data = new MemoryStream();
        var table = new Dictionary<string, object> { ["__metadata__"] = new { format = "pt" } };
        foreach ((string name, Tensor tensor) in tensors)
        {
            long from = data.Length;
            data.Write(tensor.Bytes);
            table[name] = new { dtype = tensor.DType == DType.Int64 ? "I64" : "F32", shape = tensor.Shape.AsSpan().ToArray(), data_offsets = new[] { from, data.Length } };
        }
        byte[] header = JsonSerializer.SerializeToUtf8Bytes(table), length = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, header.Length);
        return [.. length, .. header, .. data.ToArray()];
    }

    private static float[] Run(string layers, string input, Tensor x, params (string, Tensor)[] parameters) =>
        With(Json(layers, input, "p.safetensors"), "p.safetensors", SafeTensors(parameters), folder =>
        {
            Graph graph = Pipeline.Import(Path.Combine(folder, "model.json"), new ConversionOptions()).Graph;
            return ImportedRun.Run(graph, x)[0].ToArray<float>();
        });

    private static Tensor Of(long[] shape, params float[] values) => Tensor.FromArray<float>(values, new Shape(shape));

    [Fact]
    public void Layers_branch_by_name()
    {
        Assert.Equal([1, 2, -1, -2], Run("""{"type":"neg","name":"n"},{"type":"cat","inputs":["x","n"],"args":[1]}""", """{"name":"x","shape":[1,2]}""", Of([1, 2], 1, 2)));
        Assert.Equal([3, 6], Run("""{"type":"mul","name":"d","args":[2]},{"type":"add","inputs":["d","x"]}""", """{"name":"x","shape":[1,2]}""", Of([1, 2], 1, 2)));
    }

    /// <summary>h = tanh(w x + r h) with w = 1, r = 0: tanh of each step.</summary>
    [Fact]
    public void A_recurrent_layer_takes_its_parameters_in_order()
    {
        float[] y = Run("""{"type":"RNN","name":"r","hidden_size":1,"bias":false,"batch_first":true}""", """{"name":"x","shape":[1,null,1]}""", Of([1, 2, 1], 0.5f, -1),
            ("r.weight_ih_l0", Of([1, 1], 1)), ("r.weight_hh_l0", Of([1, 1], 0)));
        Assert.Equal([MathF.Tanh(0.5f), MathF.Tanh(-1)], y.Select(v => v), (a, b) => Math.Abs(a - b) < 1e-6);
    }

    [Theory]
    [InlineData("""{"type":"Frob"}""", "Frob")]
    [InlineData("""{"type":"Conv2d","name":"c"}""", "c.weight")]
    [InlineData("""{"type":"ReLU","inplace":true,"slope":1}""", "slope")]
    [InlineData("""{"type":"relu","inputs":["nothing"]}""", "nothing")]
    [InlineData("""{"type":"MaxPool2d"}""", "kernel_size")]
    public void What_is_missing_or_unknown_is_named(string layer, string word)
    {
        var e = Assert.Throws<EdgeLiteException>(() => Run(layer, """{"name":"x","shape":[1,2]}""", Of([1, 2], 1, 2)));
        Assert.Contains(word, e.Message, StringComparison.Ordinal);
    }

    /// <summary>Files that PyTorch on this machine writes: before 1.6's form, a checkpoint of a wrapped network, an ONNX file without weights.</summary>
    [TorchTheory]
    [InlineData("legacy")]
    [InlineData("checkpoint")]
    [InlineData("onnx")]
    public void Files_that_PyTorch_writes_give_its_results(string form)
    {
        string folder = TorchModels.FolderOf("state_" + form);
        Tensor x = NpyFile.Read(Path.Combine(folder, "in_0.npy")), expected = NpyFile.Read(Path.Combine(folder, "out_0.npy"));
        TemporaryFolder.Use(copy =>
        {
            foreach (string file in Directory.GetFiles(folder)) File.Copy(file, Path.Combine(copy, Path.GetFileName(file)));
            if (form != "onnx") File.WriteAllText(Path.Combine(copy, "model.json"), Json(Small, """{"name":"x","shape":[null,3,16,16]}""", "model.pt"));
            Graph graph = Pipeline.Import(Path.Combine(copy, "model.pt"), new ConversionOptions()).Graph;
            TensorAssert.Close(expected, ImportedRun.Run(graph, x)[0], 1e-4, 1e-5, form);
            if (form == "onnx") return;
            byte[] good = File.ReadAllBytes(Path.Combine(copy, "model.pt"));
            for (int i = 1; i < 25; i++)
            {
                File.WriteAllBytes(Path.Combine(copy, "model.pt"), good[..(good.Length * i / 25)]);
                Assert.Throws<EdgeLiteException>(() => new TorchStateImporter().Import(Path.Combine(copy, "model.json")));
            }
        });
    }
}
