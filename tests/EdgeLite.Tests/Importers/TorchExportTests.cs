using System.IO.Compression;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using EdgeLite.Converter;
using EdgeLite.Converter.Importers;
using EdgeLite.Converter.Importers.PyTorch;
using EdgeLite.Converter.Ir;

namespace EdgeLite.Tests.Importers;

/// <summary>Programs in the form of torch.export.save, written by hand after its schema: over genuine weights against PyTorch's own results,
/// and small ones whose results are computed by hand.</summary>
public partial class TorchExportTests
{
    private static Dictionary<string, object?> Of(string key, object? value) => new() { [key] = value };

    private static object Named(string name) => new { name };

    /// <summary>A node: target, arguments as "name=value" (or "name:=value" where it is given by name), results.</summary>
    private static object Node(string target, string arguments, params string[] results) => new
    {
        target,
        inputs = Arguments().Matches(arguments).Select(m => new { name = m.Groups[1].Value, arg = Argument(m.Groups[3].Value), kind = m.Groups[2].Value == ":=" ? 2 : 1 }),
        outputs = results.Select(Argument),
        metadata = new { },
    };

    [GeneratedRegex(@"(\w+)(:?=)(\[[^\]]*\]|\S+)")]
    private static partial Regex Arguments();

    private static object Aten(string op, string arguments, params string[] results) => Node($"torch.ops.aten.{op}", arguments, results);

    /// <summary>A node of an operator on graphs.</summary>
    private static object Higher(string op, string result, params object[] arguments) => new
    {
        target = "torch.ops.higher_order." + op,
        inputs = arguments.Select(a => new { name = "", arg = a is string text ? Argument(text) : Of("as_graph", new { name = "g", graph = a }), kind = 1 }),
        outputs = new[] { Argument(result) },
        metadata = new { },
    };

    /// <summary>1, 1.5, Infinity, True, None, "%x" (a tensor), "$n" (a number of the graph), "@7" (an element type), [..] of numbers or tensors.</summary>
    private static object Argument(string text)
    {
        switch (text)
        {
            case "None": return Of("as_none", true);
            case "True" or "False": return Of("as_bool", text == "True");
            case ['%', .. var tensor]: return Of("as_tensor", Named(tensor));
            case ['$', .. var number]: return Of("as_sym_int", Of("as_name", number));
            case ['@', .. var type]: return Of("as_scalar_type", int.Parse(type));
            case ['[', .. var list, ']']:
                string[] items = list.Split(',', StringSplitOptions.RemoveEmptyEntries);
                if (items is [['%', ..], ..]) return Of("as_tensors", items.Select(i => Named(i[1..])));
                if (items.Any(i => i[0] == '$')) return Of("as_sym_ints", items.Select(i => i[0] == '$' ? Of("as_name", i[1..]) : Of("as_int", int.Parse(i))));
                return Of("as_ints", items.Select(int.Parse));
            default: return long.TryParse(text, out long n) ? Of("as_int", n) : double.TryParse(text, out double d) && double.IsFinite(d) ? Of("as_float", d) : Of("as_float", text);
        }
    }

    private static Dictionary<string, object?> Graph(string inputs, string outputs, params object[] nodes) => new()
    {
        ["inputs"] = inputs.Split(' ').Select(Argument),
        ["outputs"] = outputs.Split(' ').Select(Argument),
        ["nodes"] = nodes,
        ["tensor_values"] = new { },
    };

    /// <summary>The program: user inputs with their sizes ("s0" is free), tensors of the state by the name that the graph gives them.</summary>
    private static string Program((string Name, string Sizes)[] users, (string Name, string State)[] state, Dictionary<string, object?> graph, int outputs, string mutated = "")
    {
        graph["tensor_values"] = users.ToDictionary(u => u.Name, u => (object)new { dtype = 7, sizes = u.Sizes.Split(',').Select(d => d[0] == 's' ? Of("as_expr", new { expr_str = d }) : Of("as_int", int.Parse(d))) });
        object[] inputSpecs =
        [
            .. state.Select(s => Of("parameter", new { arg = Named(s.Name), parameter_name = s.State })),
            .. users.Select(u => Of("user_input", new { arg = Argument("%" + u.Name) })),
        ];
        List<object> outputSpecs = [.. Enumerable.Repeat(Of("user_output", new { arg = Argument("None") }), outputs)];
        if (mutated.Length > 0) outputSpecs.Insert(0, Of("buffer_mutation", new { arg = Named("m"), buffer_name = mutated }));
        return JsonSerializer.Serialize(new
        {
            graph_module = new { graph, signature = new { input_specs = inputSpecs, output_specs = outputSpecs }, module_call_graph = Array.Empty<object>() },
            opset_version = new { aten = 10 },
            schema_version = new { major = 8, minor = 9 },
        }, s_json);
    }

    private static readonly JsonSerializerOptions s_json = new() { MaxDepth = 1000 };

    private static T With<T>((string Name, byte[] Bytes)[] entries, Func<string, T> use) => TemporaryFolder.Use(folder =>
    {
        string path = Path.Combine(folder, "model.pt2");
        using (ZipArchive zip = ZipFile.Open(path, ZipArchiveMode.Create))
            foreach ((string name, byte[] bytes) in entries)
            {
                using Stream entry = zip.CreateEntry(name, CompressionLevel.NoCompression).Open();
                entry.Write(bytes);
            }
        return use(path);
    });

    private static float[][] Run(string program, params Tensor[] inputs) => With([("m/archive_format", "pt2"u8.ToArray()), ("m/models/model.json", Encoding.UTF8.GetBytes(program))], path =>
    {
        Assert.Equal("PyTorch", ImporterRegistry.Find(path).Format);
        (Graph graph, _) = Pipeline.Import(path, new ConversionOptions());
        return ImportedRun.Run(graph, inputs).Select(t => Enumerable.Range(0, (int)t.Count).Select(i => (float)t.GetDouble(i)).ToArray()).ToArray();
    });

    private static Tensor Row(params float[] values) => Tensor.FromArray<float>(values, new Shape(values.Length));

    private static readonly (string, string)[] s_cnnState =
        [("p_c_weight", "c.weight"), ("p_c_bias", "c.bias"), ("p_b_weight", "b.weight"), ("p_b_bias", "b.bias"), ("b_mean", "b.running_mean"), ("b_var", "b.running_var"), ("p_l_weight", "f.weight"), ("p_l_bias", "f.bias")];

    private static readonly object[] s_training =
    [
        Aten("conv2d.default", "input=%x weight=%p_c_weight bias=%p_c_bias stride=[2,2] padding=[1,1]", "%conv2d"),
        Aten("batch_norm.default", "input=%conv2d weight=%p_b_weight bias=%p_b_bias running_mean=%b_mean running_var=%b_var training=False momentum=0.1 eps=1.0e-05 cudnn_enabled=True", "%batch_norm"),
        Aten("hardswish.default", "self=%batch_norm", "%hardswish"),
        Aten("flatten.using_ints", "self=%hardswish start_dim=1", "%flatten"),
        Aten("linear.default", "input=%flatten weight=%p_l_weight bias=%p_l_bias", "%linear"),
        Aten("log_softmax.int", "self=%linear dim=1", "%log_softmax"),
    ];

    private static readonly object[] s_core =
    [
        Aten("convolution.default", "input=%x weight=%p_c_weight bias=%p_c_bias stride=[2,2] padding=[1,1] dilation=[1,1] transposed=False output_padding=[0,0] groups=1", "%convolution"),
        Aten("_native_batch_norm_legit_no_training.default", "input=%convolution weight=%p_b_weight bias=%p_b_bias running_mean=%b_mean running_var=%b_var momentum=0.1 eps=1.0e-05", "%getitem", "%getitem_1", "%getitem_2"),
        Aten("hardswish.default", "self=%getitem", "%hardswish"),
        Aten("sym_size.int", "self=%x dim=0", "$sym_size_int"),
        Aten("view.default", "self=%hardswish size=[$sym_size_int,512]", "%view"),
        Aten("permute.default", "self=%p_l_weight dims=[1,0]", "%permute"),
        Aten("addmm.default", "self=%p_l_bias mat1=%view mat2=%permute", "%addmm"),
        Aten("_log_softmax.default", "self=%addmm dim=1 half_to_float=False", "%log_softmax"),
    ];

    private static string Cnn(object[] nodes) => Program([("x", "s0,3,16,16")], s_cnnState, Graph(string.Join(' ', s_cnnState.Select(s => "%" + s.Item1)) + " %x", "%log_softmax", nodes), 1);

    /// <summary>Up to PyTorch 2.8: the weights are what torch.save writes, here the genuine ones of the collection.</summary>
    [SharedTheory("zoo/pytorch")]
    [InlineData("serialized_exported_program.json", "serialized_state_dict.pt", true)]
    [InlineData("m/models/model.json", "m/data/weights/model.pt", false)]
    public void Saved_weights_give_what_PyTorch_computes(string program, string weights, bool training)
    {
        var zoo = new ZooModel("pytorch/w_small_cnn_state_dict");
        string text = Cnn(training ? s_training : s_core);
        if (training) text = text.Replace(",\"kind\":1", "", StringComparison.Ordinal);
        With([(training ? "version" : "m/archive_format", "pt2"u8.ToArray()), (program, Encoding.UTF8.GetBytes(text)), (weights, File.ReadAllBytes(zoo.PathOf("model.pth")))], path =>
        {
            zoo.Check(path);
            return 0;
        });
    }

    /// <summary>From PyTorch 2.9 on: an entry of bytes for each tensor, and an index.</summary>
    [SharedTheory("zoo/pytorch")]
    [InlineData("pytorch/w_small_cnn_state_dict")]
    public void Raw_weights_give_what_PyTorch_computes(string model)
    {
        var zoo = new ZooModel(model);
        using var archive = new TorchArchive(zoo.PathOf("model.pth"));
        var entries = new List<(string, byte[])> { ("m/archive_format", "pt2"u8.ToArray()), ("m/models/model.json", Encoding.UTF8.GetBytes(Cnn(s_core))) };
        var index = new Dictionary<string, object>();
        foreach ((object? name, object? value) in ((PickleDict)archive.Unpickle("data.pkl", "data/")!).Items)
        {
            Tensor tensor = ((TorchTensor)value!).Dense;
            string entry = $"weight_{index.Count}";
            index.Add((string)name!, new
            {
                path_name = entry,
                use_pickle = false,
                tensor_meta = new
                {
                    dtype = tensor.DType == DType.Int64 ? 5 : 7,
                    sizes = tensor.Shape.AsSpan().ToArray().Select(d => Of("as_int", d)),
                    strides = Enumerable.Range(1, tensor.Shape.Rank).Select(d => Of("as_int", tensor.Shape.Product(d, tensor.Shape.Rank))),
                    storage_offset = Of("as_int", 0),
                },
            });
            entries.Add(("m/data/weights/" + entry, tensor.Bytes.ToArray()));
        }
        entries.Add(("m/data/weights/model_weights_config.json", JsonSerializer.SerializeToUtf8Bytes(new { config = index })));
        With([.. entries], path =>
        {
            zoo.Check(path);
            return 0;
        });
    }

    /// <summary>The core of ATen, to which programs can be decomposed (PyTorch's documentation, "IRs": Core ATen IR).</summary>
    private const string Core = """
        _adaptive_avg_pool2d _adaptive_avg_pool2d_backward _adaptive_avg_pool3d _cdist_forward _embedding_bag _fft_r2c _local_scalar_dense _log_softmax _native_batch_norm_legit
        _native_batch_norm_legit_no_training _pdist_forward _softmax _to_copy abs acos acosh adaptive_avg_pool1d add addmm alias amax amin any arange argmax argmin as_strided
        asin asinh atan atan2 atanh avg_pool1d avg_pool2d avg_pool2d_backward avg_pool3d bitwise_and bitwise_not bitwise_or bitwise_xor bmm cat ceil clamp clone col2im
        constant_pad_nd convolution convolution_backward copy cos cosh cumsum diagonal div elu embedding embedding_dense_backward empty empty_strided eq erf exp expand expm1 fill
        flip floor fmod full full_like gather ge gelu grid_sampler_2d gt hardtanh index index_put index_select isinf isnan le leaky_relu log log10 log1p log2 logical_and
        logical_not logical_or logical_xor lt masked_scatter max max_pool2d_with_indices max_pool2d_with_indices_backward max_pool3d_with_indices maximum mean min minimum mm mul
        native_dropout native_group_norm native_group_norm_backward native_layer_norm native_layer_norm_backward ne neg nonzero permute pow prod rand randn randperm reciprocal
        reflection_pad1d reflection_pad2d reflection_pad3d relu remainder repeat replication_pad2d replication_pad3d resize_ round rsqrt scalar_tensor scatter scatter_add
        scatter_reduce select select_scatter sigmoid sign sin sinh slice slice_scatter sort split_with_sizes sqrt squeeze sub sum sym_numel sym_size sym_storage_offset sym_stride
        tan tanh topk trunc unsqueeze upsample_bilinear2d upsample_nearest2d var var_mean view where
        """;

    /// <summary>Operators of it without a conversion: those of training, of memory's layout, of complex numbers, and a few that no network of the
    /// collection or of torchvision has.</summary>
    private static readonly string[] s_refused = ["_pdist_forward", "randperm", "resize_", "sym_storage_offset", "sym_stride"];

    [Fact]
    public void The_core_of_ATen_has_conversions()
    {
        string[] names = Core.Split((char[])[' ', '\n', '\r'], StringSplitOptions.RemoveEmptyEntries);
        Assert.True(names.Length > 150);
        Assert.Equal(s_refused, names.Where(n => TorchOperators.Find(n) == null && !n.EndsWith("_backward", StringComparison.Ordinal)));
    }

    [Fact]
    public void A_conditional_and_a_loop_on_data_are_carried_over()
    {
        object then = Graph("%a", "%t", Aten("mul.Tensor", "self=%a other=2", "%t")), otherwise = Graph("%a", "%o", Aten("neg.default", "self=%a", "%o"));
        object condition = Graph("%v", "%c", Aten("mul.Tensor", "self=%v other=%v", "%q"), Aten("sum.default", "self=%q", "%s"), Aten("lt.Scalar", "self=%s other=100", "%c")), body = Graph("%v", "%w", Aten("mul.Tensor", "self=%v other=3", "%w"));
        string program = Program([("x", "2")], [], Graph("%x", "%y %z",
            Aten("sum.default", "self=%x", "%sum"), Aten("gt.Scalar", "self=%sum other=0", "%gt"),
            Higher("cond", "%y", "%gt", then, otherwise, "[%x]"), Higher("while_loop", "%z", condition, body, "[%x]", "[]")), 2);
        Assert.Equal([[2, 4], [9, 18]], Run(program, Row(1, 2)));
        Assert.Equal([[3, -2], [-9, 6]], Run(program, Row(-3, 2)));
    }

    [Fact]
    public void Lists_numbers_and_infinity_are_read()
    {
        string program = Program([("x", "s0")], [], Graph("%x", "%cat %full",
            Aten("sym_size.int", "self=%x dim=0", "$n"), Node("_operator.floordiv", "a=$n b=2", "$half"), Node("_operator.sub", "a=$n b=$half", "$rest"),
            Aten("split_with_sizes.default", "self=%x split_sizes=[$half,$rest]", "[%a,%b]"),
            Aten("cat.default", "tensors=[%b,%a]", "%cat"),
            Aten("full.default", "size=[1] fill_value=-Infinity dtype:=@7 pin_memory:=False", "%full")), 2);
        Assert.Equal([[2, 3, 1], [float.NegativeInfinity]], Run(program, Row(1, 2, 3)));
        Assert.Equal([[2, 3, 1], [float.NegativeInfinity]], Run(program.Replace("\"-Infinity\"", "-Infinity", StringComparison.Ordinal), Row(1, 2, 3)));
    }

    [Fact]
    public void What_is_written_back_to_buffers_is_named()
    {
        string program = Program([("x", "2")], [], Graph("%x", "%m %y", Aten("add.Tensor", "self=%x other=1", "%m"), Aten("mul.Tensor", "self=%x other=%m", "%y")), 1, mutated: "memory");
        Assert.Equal([[2, 6]], Run(program, Row(1, 2)));
    }

    [Fact]
    public void Operators_and_arguments_without_a_conversion_are_named()
    {
        string Message(object node) => Assert.Throws<EdgeLiteException>(() => Run(Program([("x", "2")], [], Graph("%x", "%y", node), 1), Row(1, 2))).Message;
        Assert.Contains("frobnicate", Message(Aten("frobnicate.default", "self=%x", "%y")), StringComparison.Ordinal);
        Assert.Contains("mylib.zap", Message(Node("torch.ops.mylib.zap.default", "self=%x", "%y")), StringComparison.Ordinal);
        Assert.Contains("'ceil_mode'", Message(Aten("relu.default", "self=%x ceil_mode:=True", "%y")), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("{\"graph_module\":{\"graph\":{\"inputs\":[],\"outputs\":[],\"nodes\":[]},\"signature\":{}}}")]
    [InlineData("{\"graph_module\":3}")]
    [InlineData("{\"graph_module\":")]
    public void Damaged_programs_give_a_clear_error(string program) => Assert.Throws<EdgeLiteException>(() => Run(program));

    [Fact]
    public void Deeply_nested_graphs_and_absent_weights_give_a_clear_error()
    {
        Dictionary<string, object?> graph = Graph("%x", "%x");
        for (int i = 0; i < 60; i++) graph = Graph("%x", "%y", Higher("wrap_with_set_grad_enabled", "%y", graph, "%x"));
        Assert.Throws<EdgeLiteException>(() => Run(Program([("x", "2")], [], graph, 1), Row(1, 2)));
        var e = Assert.Throws<EdgeLiteException>(() => Run(Cnn(s_core), Row(1)));
        Assert.Contains("'c.weight'", e.Message, StringComparison.Ordinal);
    }

    [SharedTheory("zoo/pytorch")]
    [InlineData("pytorch/w_small_cnn_state_dict")]
    public void A_file_cut_or_changed_anywhere_gives_a_clear_error(string model)
    {
        byte[] weights = File.ReadAllBytes(new ZooModel(model).PathOf("model.pth"));
        With([("serialized_exported_program.json", Encoding.UTF8.GetBytes(Cnn(s_training))), ("serialized_state_dict.pt", weights)], path =>
        {
            byte[] good = File.ReadAllBytes(path);
            var random = new Random(7);
            for (int i = 1; i < 60; i++)
            {
                byte[] bad = i % 2 == 0 ? good[..random.Next(1, good.Length)] : [.. good];
                if (i % 2 == 1) for (int k = 0; k < 4; k++) bad[random.Next(bad.Length)] = (byte)random.Next(256);
                File.WriteAllBytes(path, bad);
                try
                {
                    new TorchImporter().Import(path);
                }
                catch (EdgeLiteException)
                {
                }
            }
            return 0;
        });
    }
}
