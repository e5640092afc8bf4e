using System.IO.Compression;
using EdgeLite.Converter;
using EdgeLite.Converter.Importers.Caffe.Proto;
using EdgeLite.Converter.Ir;
using Google.Protobuf;

namespace EdgeLite.Tests.Importers;

/// <summary>Models as people have them: files renamed, linked, packed, in folders, named one by one or together.</summary>
public sealed class ModelFileTests
{
    private const string Net = "layer { name: 'data' type: 'Input' top: 'data' input_param { shape { dim: 1 dim: 2 } } }\nlayer { name: 'fc' type: 'InnerProduct' bottom: 'data' top: 'fc' inner_product_param { num_output: 1 bias_term: false } }\n";
    private const string Training = "layer { name: 'd' type: 'Data' top: 'data' }\n" + Net;

    private static byte[] Weights(float factor, string layer = "fc") =>
        new NetParameter { Name = "net", Layer = { new LayerParameter { Name = layer, Type = "InnerProduct", Blobs = { new BlobProto { Shape = new BlobShape { Dim = { 1, 2 } }, Data = { factor, factor } } } } } }.ToByteArray();

    private static float Run(params string[] paths)
    {
        (Graph graph, string format) = Pipeline.Import(paths, new ConversionOptions());
        Assert.Equal("Caffe", format);
        return ImportedRun.Run(graph, Tensor.FromArray<float>([1, 2], new Shape(1, 2)))[0].Span<float>()[0];
    }

    private static string Refusal(params string[] paths) => Assert.Throws<EdgeLiteException>(() => Pipeline.Import(paths, new ConversionOptions())).Message;

    private static void In(Action<string> use, params (string Name, object Content)[] files) => TemporaryFolder.Use(folder =>
    {
        foreach ((string name, object content) in files)
            if (content is byte[] bytes) File.WriteAllBytes(Path.Combine(folder, name), bytes);
            else File.WriteAllText(Path.Combine(folder, name), (string)content);
        use(folder);
        return 0;
    });

    [Theory]
    [InlineData("net.prototxt", "net.caffemodel")]
    [InlineData("a.prototxt", "b.caffemodel")]
    [InlineData("network", "numbers.bin")]
    public void The_other_file_is_found_whatever_it_is_called(string network, string weights) => In(folder =>
    {
        string a = Path.Combine(folder, network), b = Path.Combine(folder, weights);
        Assert.Equal([6f, 6f, 6f, 6f, 6f], [Run(a), Run(b), Run(folder), Run(a, b), Run(b, a)]);
    }, (network, Net), (weights, Weights(2)), ("notes.txt", "a picture"));

    [Fact]
    public void Of_several_networks_the_one_without_training_data_is_taken() => In(folder => Assert.Equal(6f, Run(Path.Combine(folder, "x_iter_100.caffemodel"))),
        ("train_val.prototxt", Training), ("deploy.prototxt", Net), ("x_iter_100.caffemodel", Weights(2)));

    [Fact]
    public void Of_several_weights_the_one_that_is_named_is_taken() => In(folder =>
    {
        Assert.Contains("'b.caffemodel', 'c.caffemodel'. Name both files", Refusal(Path.Combine(folder, "a.prototxt")), StringComparison.Ordinal);
        Assert.Contains("name one: 'a.prototxt' (Caffe), 'b.caffemodel' (Caffe), 'c.caffemodel' (Caffe)", Refusal(folder), StringComparison.Ordinal);
        Assert.Equal(9f, Run(Path.Combine(folder, "a.prototxt"), Path.Combine(folder, "c.caffemodel")));
        Assert.Contains("2 files were named, 0 of them networks", Refusal(Path.Combine(folder, "b.caffemodel"), Path.Combine(folder, "c.caffemodel")), StringComparison.Ordinal);
    }, ("a.prototxt", Net), ("b.caffemodel", Weights(2)), ("c.caffemodel", Weights(3)));

    [Fact]
    public void Weights_of_another_network_are_refused() => In(folder =>
        Assert.Contains("weights are those of 'other', the layers of the .prototxt are 'data', 'fc'", Refusal(Path.Combine(folder, "a.prototxt")), StringComparison.Ordinal),
        ("a.prototxt", Net), ("a.caffemodel", Weights(2, "other")));

    /// <summary>A link's own length is that of the path in it.</summary>
    [Fact]
    public void Links_are_followed() => In(folder =>
    {
        string links = Directory.CreateDirectory(Path.Combine(folder, "links")).FullName;
        File.CreateSymbolicLink(Path.Combine(links, "net.prototxt"), Path.Combine(folder, "0a1b"));
        File.CreateSymbolicLink(Path.Combine(links, "net.caffemodel"), Path.Combine(folder, "2c3d"));
        Assert.Equal(6f, Run(Path.Combine(links, "net.prototxt")));
        Pipeline.Write(Pipeline.Import(links, new ConversionOptions()).Graph, Path.Combine(folder, "m.edgl"), new ConversionOptions());
        File.CreateSymbolicLink(Path.Combine(links, "m.edgl"), Path.Combine(folder, "m.edgl"));
        using Model model = Model.Load(Path.Combine(links, "m.edgl"));
        Assert.Single(model.Graphs);
    }, ("0a1b", Net), ("2c3d", Weights(2)));

    /// <summary>Who names the folder of a download is told which folder in it is the model.</summary>
    [Fact]
    public void Folders_with_models_are_named_where_the_folder_itself_has_none() => In(folder =>
    {
        foreach (string name in new[] { "a", "b", "c" }) Directory.CreateDirectory(Path.Combine(folder, name));
        File.WriteAllText(Path.Combine(folder, "a/deploy.prototxt"), Net);
        File.WriteAllBytes(Path.Combine(folder, "c/weights.caffemodel"), Weights(2));
        Assert.EndsWith($"these folders in it are, name one: '{Path.Combine(folder, "a")}', '{Path.Combine(folder, "c")}'.", Refusal(folder), StringComparison.Ordinal);
    }, ("notes.txt", "a picture"));

    [Fact]
    public void Arrays_without_an_architecture_are_told() => In(folder =>
    {
        string file = Path.Combine(folder, "model.npz");
        using (ZipArchive zip = ZipFile.Open(file, ZipArchiveMode.Create))
            foreach (string name in new[] { "arr_0.npy", "arr_1.npy" }) zip.CreateEntry(name).Open().Dispose();
        Assert.Contains("2 arrays of parameters (numpy.savez), without the architecture", Refusal(file), StringComparison.Ordinal);
    });

    public static TheoryData<byte[], string> NoModels => new()
    {
        { [0x1F, 0x8B, 8, 0], "packed with gzip" },
        { [.. "PK\u0003\u0004"u8, 20, 0, 0, 0], "cut off or damaged" },
        { [.. "version https://git-lfs.github.com/spec/v1\noid"u8], "git lfs pull" },
        { [.. "\n<!DOCTYPE html><html>"u8], "a web page" },
        { [0xFF, 0xFE, (byte)'l', 0], "UTF-16" },
        { [.. "GGUF"u8, 3, 0, 0, 0], "llama.cpp" },
        { [1, 2, 3], "readable are: " },
    };

    [Theory]
    [MemberData(nameof(NoModels))]
    public void What_is_no_model_is_told_as_far_as_it_can_be(byte[] content, string words) => In(folder =>
    {
        Assert.Contains(words, Refusal(Path.Combine(folder, "model")), StringComparison.Ordinal);
        Assert.Contains("no file in it", Refusal(folder), StringComparison.Ordinal);
    }, ("model", content));
}
