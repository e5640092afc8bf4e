using System.Text;
using EdgeLite.Converter;
using EdgeLite.Converter.Importers;
using EdgeLite.Converter.Importers.TensorFlow;
using EdgeLite.Converter.Importers.TensorFlow.Proto;
using EdgeLite.Converter.Ir;
using Google.Protobuf;

namespace EdgeLite.Tests.Importers;

/// <summary>TensorFlow's containers: text form, checkpoints' compression, and files that are damaged or hostile.</summary>
public sealed class TensorFlowFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("edgelite-tf-").FullName;

    public void Dispose() => Directory.Delete(_folder, true);

    private const string Text = """
        # a comment
        node { name: "x" op: "Placeholder" attr { key: "dtype" value { type: DT_FLOAT } }
               attr { key: "shape" value { shape { dim { size: -1 } dim { size: 2 } } } } }
        node { name: "two" op: "Const" attr { key: "dtype" value { type: DT_FLOAT } }
               attr { key: "value" value { tensor { dtype: DT_FLOAT tensor_shape { } float_val: 2.5 } } } }
        node { name: "y" op: "Mul" input: "x" input: "two" attr { key: "T" value { type: DT_FLOAT } } unknown_field { a: [1, 2] } }
        versions { producer: 27 }
        """;

    [Fact]
    public void Text_graphs_are_read()
    {
        string path = Write("graph.pbtxt", Encoding.UTF8.GetBytes(Text));
        (Graph graph, string format) = Pipeline.Import(path, new ConversionOptions());
        Assert.Equal("TensorFlow graph (text)", format);
        Tensor y = ImportedRun.Run(graph, [Tensor.FromArray<float>([1, 2, 3, 4], new Shape(2, 2))])[0];
        Assert.Equal([2.5f, 5, 7.5f, 10], y.ToArray<float>());
        Assert.Equal("y:0", graph.Outputs[0].Name);
    }

    [Theory]
    [InlineData("node { name: \"x\" op: \"Const\"")]
    [InlineData("node { name: \"x\" op: \"Const\" } }")]
    [InlineData("node { name: \"x\" op: \"Mul\" input: \"x\" }")]
    [InlineData("node { name: \"x\" op: \"Relu\" input: \"missing\" }")]
    [InlineData("node { name: \"x\" op: \"Const\" attr { key: \"value\" value { tensor { dtype: DT_FLOAT tensor_shape { dim { size: 4611686018427387904 } dim { size: 4 } } } } } }")]
    [InlineData("node { name: \"x\" op: \"Const\" attr { key: \"value\" value { tensor { dtype: DT_FLOAT tensor_shape { dim { size: 500000000 } } float_val: 1 } } } }")]
    [InlineData("node { name: \"x\" op: \"NoSuchOperator\" }")]
    public void Graphs_that_make_no_sense_give_one_error(string text) =>
        Assert.Throws<EdgeLiteException>(() => Pipeline.Import(Write("bad.pbtxt", Encoding.UTF8.GetBytes(text)), new ConversionOptions()));

    [Fact]
    public void All_unknown_operators_are_named_at_once()
    {
        string text = "node { name: \"a\" op: \"FirstOne\" }\nnode { name: \"b\" op: \"SecondOne\" input: \"a\" }";
        var e = Assert.Throws<EdgeLiteException>(() => Pipeline.Import(Write("unknown.pbtxt", Encoding.UTF8.GetBytes(text)), new ConversionOptions()));
        Assert.Contains("FirstOne: 'a'", e.Message, StringComparison.Ordinal);
        Assert.Contains("SecondOne: 'b'", e.Message, StringComparison.Ordinal);
    }

    /// <summary>A SavedModel with two signatures over one graph; the usual one is serving_default.</summary>
    [Theory]
    [InlineData(null, "half", 1.5f)]
    [InlineData("serving_default", "half", 1.5f)]
    [InlineData("encode", "codes", 9f)]
    public void A_signature_of_a_SavedModel_is_chosen_by_its_name(string? signature, string output, float expected)
    {
        const string Signature = """signature_def { key: "NAME" value { inputs { key: "in" value { name: "x:0" dtype: DT_FLOAT tensor_shape { dim { size: 1 } } } } outputs { key: "OUT" value { name: "NODE:0" dtype: DT_FLOAT } } } }""";
        string Said(string name, string result, string node) => Signature.Replace("NAME", name).Replace("OUT", result).Replace("NODE", node);
        Write("saved_model.pbtxt", Encoding.UTF8.GetBytes($$"""
            saved_model_schema_version: 1
            meta_graphs {
              meta_info_def { tags: "serve" }
              graph_def {
                node { name: "x" op: "Placeholder" attr { key: "dtype" value { type: DT_FLOAT } } attr { key: "shape" value { shape { dim { size: 1 } } } } }
                node { name: "two" op: "Const" attr { key: "dtype" value { type: DT_FLOAT } } attr { key: "value" value { tensor { dtype: DT_FLOAT tensor_shape { } float_val: 2 } } } }
                node { name: "div" op: "RealDiv" input: "x" input: "two" attr { key: "T" value { type: DT_FLOAT } } }
                node { name: "mul" op: "Mul" input: "x" input: "x" attr { key: "T" value { type: DT_FLOAT } } }
              }
              {{Said("serving_default", "half", "div")}}
              {{Said("encode", "codes", "mul")}}
            }
            """));
        (Graph graph, string format) = Pipeline.Import(_folder, new ConversionOptions { Signature = signature });
        Assert.Equal("TensorFlow SavedModel", format);
        Assert.Equal(("in", output), (graph.Inputs[0].Name, graph.Outputs[0].Name));
        Assert.Equal("encode,serving_default", graph.Metadata["tensorflow.signatures"]);
        Assert.Equal(expected, ImportedRun.Run(graph, Tensor.FromArray<float>([3], new Shape(1)))[0].GetDouble(0));
        Assert.Contains("encode, serving_default", Assert.Throws<EdgeLiteException>(() => Pipeline.Import(_folder, new ConversionOptions { Signature = "decode" })).Message, StringComparison.Ordinal);
        // A format without signatures says so.
        Assert.Contains("no signatures", Assert.Throws<EdgeLiteException>(() => Pipeline.Import(Write("graph.pbtxt", Encoding.UTF8.GetBytes(Text)), new ConversionOptions { Signature = "x" })).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Deep_text_is_refused() =>
        Assert.Throws<EdgeLiteException>(() => ProtoText.Parse<GraphDef>("deep.pbtxt", string.Concat(Enumerable.Repeat("library { function { node_def { attr { value { func { attr { value {", 100))));

    [Fact]
    public void Graphs_cut_anywhere_or_changed_anywhere_never_crash()
    {
        byte[] whole = ProtoText.Parse<GraphDef>("graph.pbtxt", Text).ToByteArray();
        Assert.True(new GraphDefFormat().Recognizes("x", whole));
        for (int i = 0; i < whole.Length; i++)
        {
            byte[] changed = (byte[])whole.Clone();
            changed[i] ^= 0x55;
            foreach (byte[] bytes in new[] { whole[..i], changed })
                try
                {
                    GraphDefFormat.Import(Write("cut.pb", bytes), null);
                }
                catch (EdgeLiteException)
                {
                }
        }
    }

    /// <summary>"abcdabcdabcd!" by hand: length 13, a literal of 4, a copy of 8 from 4 back, a literal of 1.</summary>
    [Fact]
    public void Snappy_blocks_unpack()
    {
        byte[] packed = [13, 3 << 2, (byte)'a', (byte)'b', (byte)'c', (byte)'d', 4 << 2 | 1, 4, 0, (byte)'!'];
        Assert.Equal("abcdabcdabcd!", Encoding.ASCII.GetString(Snappy.Unpack(packed)));
        for (int i = 0; i < packed.Length; i++) Assert.Throws<EdgeLiteException>(() => Snappy.Unpack(packed.AsSpan(0, i)));
        Assert.Throws<EdgeLiteException>(() => Snappy.Unpack([13, 4 << 2 | 1, 4]));
        Assert.Throws<EdgeLiteException>(() => Snappy.Unpack([0xff, 0xff, 0xff, 0xff, 0x0f, 0]));
    }

    [Theory]
    [InlineData("""{"format": "graph-model", "modelTopology": {"node": []}, "weightsManifest": [{"paths": ["../../secret.bin"], "weights": []}]}""")]
    [InlineData("""{"format": "graph-model", "modelTopology": {"node": []}, "weightsManifest": [{"paths": ["none.bin"], "weights": []}]}""")]
    [InlineData("""{"format": "graph-model", "modelTopology": {"node": [{"name": 5}]}}""")]
    [InlineData("""{"format": "graph-model", "modelTopology": """)]
    [InlineData("""{"format": "graph-model"}""")]
    public void Damaged_TensorFlow_js_models_give_one_error(string json)
    {
        string path = Write("model.json", Encoding.UTF8.GetBytes(json));
        Assert.Equal("TensorFlow.js graph-model", ImporterRegistry.Find(path).Format);
        Assert.Throws<EdgeLiteException>(() => Pipeline.Import(path, new ConversionOptions()));
    }

    /// <summary>A checkpoint's index, cut or changed anywhere.</summary>
    [SharedTheory("zoo/tensorflow_savedmodel")]
    [InlineData("half_plus_two_tf2")]
    public void Damaged_checkpoints_never_crash(string model)
    {
        string folder = Path.Combine(SharedData.Folder!, "zoo/tensorflow_savedmodel", model, "saved_model", "variables");
        byte[] index = File.ReadAllBytes(Path.Combine(folder, "variables.index"));
        string copy = Write("v.index", index);
        string prefix = copy[..^".index".Length];
        for (int i = 0; i < index.Length; i++)
        {
            byte[] changed = (byte[])index.Clone();
            changed[i] ^= 0x3c;
            foreach (byte[] bytes in new[] { index[..i], changed })
                try
                {
                    File.WriteAllBytes(copy, bytes);
                    var bundle = new TensorBundle(prefix);
                    foreach (string name in bundle.Names) bundle.Find(name);
                }
                catch (EdgeLiteException)
                {
                }
        }
    }

    private string Write(string name, byte[] content)
    {
        string path = Path.Combine(_folder, name);
        File.WriteAllBytes(path, content);
        return path;
    }
}
