using EdgeLite.Converter.Importers.Onnx;
using EdgeLite.Converter.Importers.Onnx.Proto;
using EdgeLite.Converter.Ir;
using Google.Protobuf;
using static EdgeLite.Tests.Importers.OnnxModels;

namespace EdgeLite.Tests.Importers;

public sealed class OnnxImporterTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("onnx-test-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static Graph Import(ModelProto model) => OnnxImporter.Import(model, null);

    private static EdgeLiteException Fails(ModelProto model, string? folder = null) =>
        Assert.Throws<EdgeLiteException>(() => OnnxImporter.Import(model, folder));

    private static Tensor ReadOne(TensorProto tensor, string? folder = null) => OnnxTensor.Read(tensor, folder);

    [Fact]
    public void Imports_and_runs_a_small_model()
    {
        ModelProto model = Model(17, Node("Relu", "x", "y")).In("x", DType.Float32, 3).Out("y");
        model.MetadataProps.Add(new StringStringEntryProto { Key = "author", Value = "somebody" });
        model.ProducerName = "by hand";
        Graph graph = Import(model);
        Tensor y = Assert.Single(new GraphInterpreter(graph).Run(Tensor.FromArray<float>([-1, 0, 2], new Shape(3))));
        Assert.Equal([0f, 0, 2], y.ToArray<float>());
        Assert.Equal("somebody", graph.Metadata["author"]);
        Assert.Equal("by hand", graph.Metadata["producer_name"]);
    }

    [Fact]
    public void Symbolic_and_unknown_dimensions_are_kept_apart()
    {
        ModelProto model = Model(17, Node("Relu", "x", "y")).In("x", DType.Float32, 1, 2, 3, 4).Out("y");
        var dims = model.Graph.Input[0].Type.TensorType.Shape.Dim;
        dims[0].DimParam = "batch";
        dims[1].ClearValue();
        dims[2].DimParam = "batch";
        Graph graph = Import(model);
        Shape shape = graph.Inputs[0].Shape;
        Assert.Equal(shape[0], shape[2]);
        Assert.Equal("batch", graph.Symbols[Shape.SymbolIndex(shape[0])]);
        Assert.Equal(Shape.Unknown, shape[1]);
        Assert.Equal(4, shape[3]);
        // No name, though some exporters write it in its place.
        dims[0].DimParam = "?";
        dims[2].DimParam = "?";
        shape = Import(model).Inputs[0].Shape;
        Assert.Equal((Shape.Unknown, Shape.Unknown), (shape[0], shape[2]));
    }

    [Theory]
    [InlineData(3)]
    [InlineData(8)]
    public void An_input_with_an_initializer_is_a_constant(long ir)
    {
        ModelProto model = Model(11, Node("Add", "x w", "y")).In("x", DType.Float32, 2).In("w", DType.Float32, 2).Out("y").Const(Floats("w", [2], 1, 2));
        model.IrVersion = ir;
        Graph graph = Import(model);
        Assert.Equal("x", Assert.Single(graph.Inputs).Name);
        Assert.Equal(2, graph.Find("w")!.Constant!.GetDouble(1));
    }

    [Fact]
    public void Reads_every_element_type_from_raw_bytes()
    {
        for (DType type = DType.Float32; type <= DType.Int2; type++)
        {
            if (type == DType.String) continue;
            byte[] bytes = [.. Enumerable.Range(1, (int)type.ByteLength(4)).Select(i => (byte)i)];
            Tensor t = ReadOne(Raw("t", type, [4], bytes));
            Assert.Equal(type, t.DType);
            Assert.Equal(bytes, t.Bytes.ToArray());
        }
    }

    [Theory]
    [InlineData(DType.Int8, -3)]
    [InlineData(DType.UInt8, 200)]
    [InlineData(DType.Int16, -300)]
    [InlineData(DType.UInt16, 60000)]
    [InlineData(DType.Int32, -70000)]
    [InlineData(DType.Bool, 1)]
    public void Reads_narrow_integers_from_int32_data(DType type, int value)
    {
        var tensor = new TensorProto { DataType = (int)type };
        tensor.Int32Data.Add(value);
        Assert.Equal(value, ReadOne(tensor).GetInt64(0));
    }

    [Fact]
    public void Reads_halves_and_packed_nibbles_from_int32_data()
    {
        var half = new TensorProto { DataType = (int)DType.Float16 };
        half.Int32Data.Add(0x3e00);
        Assert.Equal(1.5, ReadOne(half).GetDouble(0));
        var bfloat = new TensorProto { DataType = (int)DType.BFloat16 };
        bfloat.Int32Data.Add(0xbfc0);
        Assert.Equal(-1.5, ReadOne(bfloat).GetDouble(0));
        var nibbles = new TensorProto { DataType = (int)DType.Int4 };
        nibbles.Dims.Add(3);
        nibbles.Int32Data.Add([0xf1, 0x07]);
        Assert.Equal([1L, -1, 7], ReadOne(nibbles).ToInt64Array());
    }

    [Fact]
    public void Reads_wide_typed_fields()
    {
        var unsigned = new TensorProto { DataType = (int)DType.UInt32 };
        unsigned.Uint64Data.Add(4_000_000_000);
        Assert.Equal(4_000_000_000, ReadOne(unsigned).GetInt64(0));
        var complex = new TensorProto { DataType = (int)DType.Complex64 };
        complex.FloatData.Add([1, 2]);
        Assert.Equal(8, ReadOne(complex).Bytes.Length);
        var text = new TensorProto { DataType = (int)DType.String };
        text.StringData.Add(ByteString.CopyFromUtf8("ä"));
        Assert.Equal("ä", ReadOne(text).Strings![0]);
    }

    [Fact]
    public void A_tensor_that_claims_more_than_it_holds_is_refused()
    {
        Assert.Equal(Status.Corrupt, Assert.Throws<EdgeLiteException>(() => ReadOne(Floats("t", [1L << 40, 1 << 20], 1))).Status);
        Assert.Equal(Status.Corrupt, Assert.Throws<EdgeLiteException>(() => ReadOne(Floats("t", [1L << 40, 1L << 40], 1))).Status);
        Assert.Equal(Status.Corrupt, Assert.Throws<EdgeLiteException>(() => ReadOne(Floats("t", [-1], 1))).Status);
        Assert.Equal(Status.Unsupported, Assert.Throws<EdgeLiteException>(() => ReadOne(new TensorProto { DataType = 99 })).Status);
    }

    [Fact]
    public void Sparse_initializers_become_dense()
    {
        ModelProto model = Model(17, Node("Add", "x s", "y")).In("x", DType.Float32, 2, 3).Out("y");
        var indices = new TensorProto { DataType = (int)DType.Int64 };
        indices.Dims.Add([2, 2]);
        indices.Int64Data.Add([0, 1, 1, 2]);
        var sparse = new SparseTensorProto { Values = Floats("s", [2], 5, 7), Indices = indices };
        sparse.Dims.Add([2, 3]);
        model.Graph.SparseInitializer.Add(sparse);
        Assert.Equal([0f, 5, 0, 0, 0, 7], Import(model).Find("s")!.Constant!.ToArray<float>());
        indices.Int64Data[3] = 3;
        Assert.Equal(Status.Corrupt, Fails(model).Status);
    }

    private TensorProto External(string location, long offset, long length)
    {
        var tensor = new TensorProto { Name = "w", DataType = (int)DType.Float32, DataLocation = TensorProto.Types.DataLocation.External };
        tensor.Dims.Add(2);
        tensor.ExternalData.Add(new StringStringEntryProto { Key = "location", Value = location });
        tensor.ExternalData.Add(new StringStringEntryProto { Key = "offset", Value = offset.ToString(null, null) });
        tensor.ExternalData.Add(new StringStringEntryProto { Key = "length", Value = length.ToString(null, null) });
        return tensor;
    }

    [Fact]
    public void External_data_is_read_from_its_place()
    {
        Directory.CreateDirectory(Path.Combine(_folder, "sub"));
        File.WriteAllBytes(Path.Combine(_folder, "sub", "w.bin"), [9, 9, 9, 9, .. BitConverter.GetBytes(1.5f), .. BitConverter.GetBytes(-2f)]);
        Tensor t = ReadOne(External("sub/w.bin", 4, 8), _folder);
        Assert.Equal([1.5f, -2], t.ToArray<float>());
        Assert.Equal(Status.Truncated, Assert.Throws<EdgeLiteException>(() => ReadOne(External("sub/w.bin", 8, 8), _folder)).Status);
        Assert.Equal(Status.Corrupt, Assert.Throws<EdgeLiteException>(() => ReadOne(External("sub/w.bin", 0, 12), _folder)).Status);
        Assert.Equal(Status.FileNotFound, Assert.Throws<EdgeLiteException>(() => ReadOne(External("none.bin", 0, 8), _folder)).Status);
    }

    [Theory]
    [InlineData("../w.bin")]
    [InlineData("sub/../../w.bin")]
    [InlineData("..\\w.bin")]
    [InlineData("/etc/passwd")]
    [InlineData("C:\\w.bin")]
    [InlineData("")]
    public void External_data_cannot_leave_the_models_folder(string location)
    {
        string inner = Directory.CreateDirectory(Path.Combine(_folder, "model")).FullName;
        File.WriteAllBytes(Path.Combine(_folder, "w.bin"), new byte[8]);
        Assert.Equal(Status.Corrupt, Assert.Throws<EdgeLiteException>(() => ReadOne(External(location, 0, 8), inner)).Status);
    }

    [Fact]
    public void External_data_cannot_leave_the_models_folder_through_a_link()
    {
        string inner = Directory.CreateDirectory(Path.Combine(_folder, "model")).FullName;
        File.WriteAllBytes(Path.Combine(_folder, "w.bin"), new byte[8]);
        File.CreateSymbolicLink(Path.Combine(inner, "w.bin"), Path.Combine(_folder, "w.bin"));
        Assert.Equal(Status.Corrupt, Assert.Throws<EdgeLiteException>(() => ReadOne(External("w.bin", 0, 8), inner)).Status);
    }

    [Fact]
    public void Functions_are_expanded_with_their_attributes()
    {
        NodeProto call = Node("Scaled", "x", "y", Attr("factor", 3f));
        call.Domain = "local";
        ModelProto model = Model(17, call).In("x", DType.Float32, 2).Out("y");
        NodeProto second = Node("Scaled", "y", "z");
        second.Domain = "local";
        model.Graph.Node.Add(second);
        model.Out("z");
        var function = new FunctionProto { Name = "Scaled", Domain = "local" };
        function.Input.Add("a");
        function.Output.Add("b");
        function.AttributeProto.Add(Attr("factor", 7f));
        function.OpsetImport.Add(new OperatorSetIdProto { Domain = "", Version = 17 });
        function.Node.Add(Node("Constant", "", "k", Ref("value_float", "factor", AttributeProto.Types.AttributeType.Float)));
        function.Node.Add(Node("Mul", "a k", "t"));
        function.Node.Add(Node("Relu", "t", "b"));
        model.Functions.Add(function);

        Graph graph = Import(model);
        Assert.Equal(["Mul", "Relu", "Mul", "Relu"], graph.Nodes.Select(n => n.OpType));
        Assert.Equal(3, graph.Nodes[0].Input(1)!.Constant!.GetDouble(0));
        Assert.Equal(7, graph.Nodes[2].Input(1)!.Constant!.GetDouble(0));
        Assert.Equal(["y", "z"], graph.Outputs.Select(o => o.Name));
        Assert.Equal(4, graph.Nodes.Select(n => n.Name).Distinct().Count());
    }

    [Fact]
    public void A_function_that_calls_itself_is_refused()
    {
        NodeProto call = Node("F", "x", "y");
        call.Domain = "local";
        ModelProto model = Model(17, call).In("x", DType.Float32, 2).Out("y");
        var function = new FunctionProto { Name = "F", Domain = "local" };
        function.Input.Add("a");
        function.Output.Add("b");
        NodeProto inner = Node("F", "a", "b");
        inner.Domain = "local";
        function.Node.Add(inner);
        model.Functions.Add(function);
        Assert.Contains("calls itself", Fails(model).Message);
    }

    private static GraphProto Branch(string name, params NodeProto[] nodes)
    {
        var graph = new GraphProto { Name = name };
        graph.Node.AddRange(nodes);
        graph.Output.Add(new ValueInfoProto { Name = nodes[^1].Output[0] });
        return graph;
    }

    [Fact]
    public void Outer_names_become_inputs_of_every_branch_in_one_order()
    {
        ModelProto model = Model(17,
                Node("Relu", "p", "q"),
                Node("If", "c", "y",
                    Attr("then_branch", Branch("t", Node("Add", "q w", "r"))),
                    Attr("else_branch", Branch("e", Node("Sub", "p q", "r2"), Node("Mul", "r2 w", "r")))))
            .In("c", DType.Bool).In("p", DType.Float32, 2).Out("y").Const(Floats("w", [2], 1, 2));
        Graph graph = Import(model);
        Node conditional = graph.Nodes[1];
        Assert.Equal(["c", "q", "p"], conditional.Inputs.Select(i => i!.Name));
        Graph[] branches = [.. Graph.Subgraphs(conditional)];
        Assert.All(branches, b => Assert.Equal(["q", "p"], b.Inputs.Select(i => i.Name)));
        Assert.All(branches, b => Assert.True(b.Find("w")!.IsConstant));
        Assert.Equal(2, conditional.Attributes["captures"].Int);
    }

    [Fact]
    public void A_loop_says_how_many_inputs_are_captured_through_nested_graphs()
    {
        GraphProto inner = Branch("inner", Node("Add", "v outside", "w"));
        var body = new GraphProto { Name = "body" };
        body.Input.Add([Info("i", DType.Int64), Info("go", DType.Bool), Info("v", DType.Float32, 2)]);
        body.Node.Add(Node("If", "go", "next", Attr("then_branch", inner), Attr("else_branch", inner.Clone())));
        body.Node.Add(Node("Identity", "go", "again"));
        body.Output.Add([new ValueInfoProto { Name = "again" }, new ValueInfoProto { Name = "next" }]);
        ModelProto model = Model(17, Node("Loop", "n - start", "y", Attr("body", body)))
            .In("n", DType.Int64).In("start", DType.Float32, 2).In("outside", DType.Float32, 2).Out("y");
        Node loop = Import(model).Nodes[0];
        Assert.Equal(["n", null, "start", "outside"], loop.Inputs.Select(i => i?.Name));
        Assert.Equal(1, loop.Attributes["captures"].Int);
        Graph read = Assert.Single(Graph.Subgraphs(loop));
        Assert.Equal(["i", "go", "v", "outside"], read.Inputs.Select(i => i.Name));
        Assert.Equal(["go", "v", "outside"], read.Nodes[0].Inputs.Select(i => i!.Name));
    }

    [Fact]
    public void Nodes_out_of_order_are_sorted_and_cycles_refused()
    {
        ModelProto model = Model(17, Node("Relu", "a", "y"), Node("Relu", "x", "a")).In("x", DType.Float32, 1).Out("y");
        Assert.Equal(["a", "y"], Import(model).Nodes.Select(n => n.Output.Name));
        Assert.Contains("cycle", Fails(Model(17, Node("Relu", "a", "b"), Node("Relu", "b", "a")).Out("a")).Message);
    }

    [Fact]
    public void Undefined_and_doubly_defined_names_are_refused()
    {
        Assert.Contains("'nowhere'", Fails(Model(17, Node("Relu", "nowhere", "y")).Out("y")).Message);
        Assert.Contains("twice", Fails(Model(17, Node("Relu", "x", "y"), Node("Relu", "x", "y")).In("x", DType.Float32, 1).Out("y")).Message);
        Assert.Contains("'z'", Fails(Model(17, Node("Relu", "x", "y")).In("x", DType.Float32, 1).Out("z")).Message);
    }

    [Fact]
    public void Unknown_operators_are_listed_all_at_once()
    {
        NodeProto foreign = Node("Thing", "y", "z");
        foreign.Domain = "com.example";
        Graph graph = Import(Model(17, Node("NoSuchOne", "x", "y"), foreign, Node("NoSuchOne", "z", "w")).In("x", DType.Float32, 1).Out("w"));
        var unknown = ShapeInference.FindUnknownOperators(graph);
        Assert.Equal(["NoSuchOne", "com.example.Thing"], unknown.Select(u => u.Operator));
        Assert.Equal(2, unknown[0].Nodes.Count);
    }

    [Fact]
    public void Newer_operator_sets_and_maps_are_refused_clearly()
    {
        Assert.Equal(Status.NewerVersion, Fails(Model(29, Node("Relu", "x", "y")).In("x", DType.Float32, 1).Out("y")).Status);
        ModelProto model = Model(17, Node("Relu", "m", "y")).In("x", DType.Float32, 1);
        model.Graph.Input.Add(new ValueInfoProto { Name = "m", Type = new TypeProto { MapType = new TypeProto.Types.Map() } });
        Assert.Contains("Value 'm': map values are not supported yet", Fails(model).Message);
    }

    [Fact]
    public void Garbage_is_not_a_model()
    {
        string path = Path.Combine(_folder, "m.onnx");
        var random = new Random(3);
        for (int round = 0; round < 300; round++)
        {
            byte[] bytes = new byte[random.Next(200)];
            random.NextBytes(bytes);
            File.WriteAllBytes(path, bytes);
            Status status = Assert.Throws<EdgeLiteException>(() => OnnxImporter.Import(path)).Status;
            Assert.True(status is Status.NotAModel or Status.Corrupt, status.ToString());
        }
        Assert.Equal(Status.FileNotFound, Assert.Throws<EdgeLiteException>(() => OnnxImporter.Import(path + "x")).Status);
    }

    /// <summary>A file of zeros that takes no place on the disk.</summary>
    [Fact]
    public void A_file_of_more_bytes_than_a_message_can_have_is_refused_with_the_way_out()
    {
        string path = Path.Combine(_folder, "m.onnx");
        using (FileStream file = File.Create(path))
        {
            file.Write(Model(17, Node("Relu", "x", "y")).In("x", DType.Float32, 3).Out("y").ToByteArray());
            file.SetLength(1L << 31);
        }
        EdgeLiteException refused = Assert.Throws<EdgeLiteException>(() => OnnxImporter.Import(path));
        Assert.Equal(Status.Unsupported, refused.Status);
        Assert.Contains("2147483648 bytes", refused.Message);
        Assert.Contains("external data", refused.Message);
    }

    [Fact]
    public void Damaged_models_give_one_kind_of_exception()
    {
        ModelProto model = Model(12,
                Node("Constant", "", "k", new AttributeProto { Name = "value", Type = AttributeProto.Types.AttributeType.Tensor, T = Floats("", [2], 1, 2) }),
                Node("Softmax", "x", "s", Attr("axis", 1L)),
                Node("Pad", "s", "p", Attr("pads", 0L, 0, 1, 0, 0, 1)),
                Node("If", "c", "y",
                    Attr("then_branch", Branch("t", Node("Add", "p w", "r"))),
                    Attr("else_branch", Branch("e", Node("Split", "p", "r r2", Attr("split", 1L, 1))))))
            .In("c", DType.Bool).In("x", DType.Float32, 1, 2, 3).Out("y").Const(Floats("w", [2, 1], 1, 2));
        byte[] good = model.ToByteArray();
        var random = new Random(5);
        for (int round = 0; round < 4000; round++)
        {
            byte[] bad = (byte[])good.Clone();
            for (int flips = random.Next(1, 4); flips > 0; flips--) bad[random.Next(bad.Length)] = (byte)random.Next(256);
            Try(bad);
        }
        for (int length = 0; length < good.Length; length++) Try(good[..length]);

        static void Try(byte[] bytes)
        {
            try
            {
                OnnxImporter.Import(OnnxImporter.Parse(new MemoryStream(bytes), "m"), null);
            }
            catch (EdgeLiteException)
            {
            }
        }
    }
}
