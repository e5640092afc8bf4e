using EdgeLite.Converter.Importers.Onnx;
using EdgeLite.Converter.Importers.Onnx.Proto;
using EdgeLite.Converter.Ir;
using EdgeLite.Ops;
using static EdgeLite.Tests.Importers.OnnxModels;

namespace EdgeLite.Tests.Importers;

/// <summary>What becomes of nodes of older operator sets, by the change log of the ONNX operators. Their numbers are checked by the
/// node_hist suite of the conformance program.</summary>
public class OnnxUpgradeTests
{
    private static Graph Import(long opset, NodeProto node, params long[] dims)
    {
        ModelProto model = Model(opset, node).In("x", DType.Float32, dims).Out([.. node.Output.Where(o => o.Length > 0)]);
        return OnnxImporter.Import(model, null);
    }

    private static Node One(long opset, NodeProto node, params long[] dims) => Assert.Single(Import(opset, node, dims).Nodes);

    private static long[] Ints(Node node, int input) => node.Input(input)!.Constant!.ToInt64Array();

    [Theory]
    [InlineData("Squeeze", 11)]
    [InlineData("Unsqueeze", 11)]
    [InlineData("ReduceSum", 11)]
    [InlineData("ReduceMean", 17)]
    [InlineData("ReduceL2", 13)]
    public void Axes_become_an_input(string opType, long opset)
    {
        Node node = One(opset, Node(opType, "x", "y", Attr("axes", 0L, 2L)), 1, 3, 1, 5);
        Assert.Equal([0L, 2], Ints(node, 1));
        Assert.False(node.Attributes.Has("axes"));
        Assert.Null(One(opset, Node(opType, "x", "y"), 1, 3, 1, 5).Input(1));
    }

    [Fact]
    public void Clip_limits_become_inputs()
    {
        Node node = One(6, Node("Clip", "x", "y", Attr("max", 6f)), 2);
        Assert.Null(node.Input(1));
        Assert.Equal(6, node.Input(2)!.Constant!.GetDouble(0));
        Assert.Equal(DType.Float32, node.Input(2)!.DType);
        Assert.Equal(0, node.Attributes.Count);
    }

    [Fact]
    public void Softmax_over_the_last_dimension_stays_itself()
    {
        Assert.Equal(-1, One(11, Node("Softmax", "x", "y"), 2, 5).Attributes["axis"].Int);
        Assert.Equal(-1, One(1, Node("LogSoftmax", "x", "y", Attr("axis", 2L)), 2, 5, 6).Attributes["axis"].Int);
    }

    [Fact]
    public void Softmax_over_several_dimensions_goes_through_a_matrix()
    {
        Graph graph = Import(11, Node("Softmax", "x", "y"), 2, 5, 6);
        Assert.Equal(["Flatten", "Softmax", "Shape", "Reshape"], graph.Nodes.Select(n => n.OpType));
        Assert.Equal(1, graph.Nodes[0].Attributes["axis"].Int);
        Assert.Equal(-1, graph.Nodes[1].Attributes["axis"].Int);
        Assert.Equal("y", graph.Nodes[3].Output.Name);
        Node modern = One(13, Node("Softmax", "x", "y"), 2, 5, 6);
        Assert.Equal(0, modern.Attributes.Count);
    }

    [Fact]
    public void Slice_pads_topk_and_split_get_inputs()
    {
        Node slice = One(1, Node("Slice", "x", "y", Attr("starts", [1L]), Attr("ends", [2L]), Attr("axes", [1L])), 3, 4);
        // One-element lists are lists, whatever their length.
        Assert.Equal([1L], Ints(slice, 1));
        Assert.Equal([2L], Ints(slice, 2));
        Assert.Equal([1L], Ints(slice, 3));
        Node pad = One(2, Node("Pad", "x", "y", Attr("pads", 0L, 1L), Attr("value", 2f), Attr("mode", "constant")), 3);
        Assert.Equal([0L, 1], Ints(pad, 1));
        Assert.Equal(2, pad.Input(2)!.Constant!.GetDouble(0));
        Assert.Equal([3L], Ints(One(1, Node("TopK", "x", "v i", Attr("k", 3L)), 5), 1));
        Assert.Equal([1L, 2], Ints(One(2, Node("Split", "x", "a b", Attr("split", 1L, 2L)), 3), 1));
        Assert.Equal(2, One(13, Node("Split", "x", "a b"), 4).Attributes["num_outputs"].Int);
    }

    [Fact]
    public void Upsample_and_old_resize_become_resize_as_they_computed()
    {
        foreach (NodeProto proto in new[] { Node("Upsample", "x", "y", Attr("scales", 1f, 1, 2, 2), Attr("mode", "linear")) })
        {
            Node node = One(7, proto, 1, 1, 2, 2);
            Assert.Equal("Resize", node.OpType);
            Assert.Null(node.Input(1));
            Assert.Equal([1f, 1, 2, 2], node.Input(2)!.Constant!.ToArray<float>());
            Assert.Equal("asymmetric", node.Attributes["coordinate_transformation_mode"].String);
            Assert.Equal("floor", node.Attributes["nearest_mode"].String);
            Assert.Equal("linear", node.Attributes["mode"].String);
        }
        ModelProto model = Model(10, Node("Resize", "x s", "y")).In("x", DType.Float32, 1, 1, 2, 2).Out("y").Const(Floats("s", [4], 1, 1, 2, 2));
        Graph grown = OnnxImporter.Import(model, null);
        Node resize = Assert.Single(grown.Nodes);
        Assert.Equal("floor", resize.Attributes["nearest_mode"].String);
        Assert.Equal(["x", null, "s"], resize.Inputs.Select(i => i?.Name));
    }

    [Fact]
    public void Resize_of_operator_set_10_rounds_up_where_it_shrinks()
    {
        ModelProto model = Model(10, Node("Resize", "x s", "y")).In("x", DType.Float32, 1, 1, 2, 4).Out("y").Const(Floats("s", [4], 1, 1, 2, 0.6f));
        Graph graph = OnnxImporter.Import(model, null);
        Tensor y = Assert.Single(new GraphInterpreter(graph).Run(Tensor.FromArray<float>([1, 2, 3, 4, 5, 6, 7, 8], new Shape(1, 1, 2, 4))));
        // Columns 0 and 1 / 0.6 rounded up to 2 (as ONNX 1.5's test data has it); each row twice.
        Assert.Equal([1f, 3, 1, 3, 5, 7, 5, 7], y.ToArray<float>());
    }

    [Theory]
    [InlineData("floor", "round_prefer_ceil")]
    [InlineData("round_prefer_floor", "ceil")]
    public void Half_pixel_of_tensorflow_becomes_half_pixel_with_other_rounding(string rounding, string expected)
    {
        ModelProto model = Model(11, Node("Resize", "x e s", "y", Attr("nearest_mode", rounding), Attr("coordinate_transformation_mode", "tf_half_pixel_for_nn")))
            .In("x", DType.Float32, 1, 1, 2, 4).Out("y").Const(Floats("e", [0])).Const(Floats("s", [4], 1, 1, 2, 2));
        Node node = Assert.Single(OnnxImporter.Import(model, null).Nodes);
        Assert.Equal("half_pixel", node.Attributes["coordinate_transformation_mode"].String);
        Assert.Equal(expected, node.Attributes["nearest_mode"].String);
    }

    [Fact]
    public void Empty_roi_and_scales_are_absent()
    {
        ModelProto model = Model(11, Node("Resize", "x e e sizes", "y")).In("x", DType.Float32, 1, 1, 2, 2).Out("y").Const(Floats("e", [0]))
            .Const(Raw("sizes", DType.Int64, [4], [1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0]));
        Node resize = Assert.Single(OnnxImporter.Import(model, null).Nodes);
        Assert.Equal(["x", null, null, "sizes"], resize.Inputs.Select(i => i?.Name));
    }

    [Fact]
    public void Legacy_broadcast_from_an_axis_unsqueezes()
    {
        ModelProto model = Model(6, Node("Add", "x b", "y", Attr("broadcast", 1L), Attr("axis", 1L))).In("x", DType.Float32, 2, 3, 4, 5).Out("y")
            .Const(Floats("b", [3], 1, 2, 3));
        Graph graph = OnnxImporter.Import(model, null);
        Assert.Equal(["Unsqueeze", "Add"], graph.Nodes.Select(n => n.OpType));
        Assert.Equal([1L, 2], Ints(graph.Nodes[0], 1));
        Assert.Equal(0, graph.Nodes[1].Attributes.Count);
    }

    [Fact]
    public void Batch_normalization_loses_its_training_outputs()
    {
        ModelProto model = Model(7, Node("BatchNormalization", "x s b m v", "y m1 v1 m2 v2")).In("x", DType.Float32, 1, 2, 3).Out("y");
        foreach (string name in new[] { "s", "b", "m", "v" }) model.Const(Floats(name, [2], 1, 1));
        Node node = Assert.Single(OnnxImporter.Import(model, null).Nodes);
        Assert.Single(node.Outputs);
        Assert.Equal(0, node.Attributes.Count);
    }

    [Fact]
    public void Batch_normalization_for_each_element_is_arithmetic()
    {
        ModelProto model = Model(7, Node("BatchNormalization", "x s b m v", "y", Attr("spatial", 0L))).In("x", DType.Float32, 1, 2).Out("y");
        foreach (string name in new[] { "s", "b", "m", "v" }) model.Const(Floats(name, [2], 1, 1));
        Assert.Equal(["Add", "Sqrt", "Sub", "Div", "Mul", "Add"], OnnxImporter.Import(model, null).Nodes.Select(n => n.OpType));
    }

    [Theory]
    [InlineData("FLOAT", DType.Float32)]
    [InlineData("DOUBLE", DType.Float64)]
    [InlineData("FLOAT16", DType.Float16)]
    [InlineData("INT64", DType.Int64)]
    [InlineData("BOOL", DType.Bool)]
    public void Cast_by_name(string name, DType type) => Assert.Equal((long)type, One(1, Node("Cast", "x", "y", Attr("to", name)), 2).Attributes["to"].Int);

    [Fact]
    public void Reshape_concat_dropout_scatter_and_prelu()
    {
        Assert.Equal([2L, -1], Ints(One(1, Node("Reshape", "x", "y", Attr("shape", 2L, -1L)), 4), 1));
        Assert.Equal(1, One(1, Node("Concat", "x x", "y"), 4, 2).Attributes["axis"].Int);
        Node dropout = One(7, Node("Dropout", "x", "y", Attr("ratio", 0.3f)), 4);
        Assert.Equal(0, dropout.Attributes.Count);
        Assert.Single(dropout.Inputs);
        Assert.Equal("ScatterElements", One(9, Node("Scatter", "x x x", "y"), 4).OpType);
        ModelProto model = Model(6, Node("PRelu", "x s", "y")).In("x", DType.Float32, 1, 3, 2, 2).Out("y").Const(Floats("s", [3], 1, 2, 3));
        Assert.Equal([1L, 2], Ints(OnnxImporter.Import(model, null).Nodes[0], 1));
    }

    [Fact]
    public void Renamed_modes_and_defaults()
    {
        Assert.Equal("linear", One(16, Node("GridSample", "x x", "y"), 1, 1, 2, 2).Attributes["mode"].String);
        Assert.Equal("cubic", One(16, Node("GridSample", "x x", "y", Attr("mode", "bicubic")), 1, 1, 2, 2).Attributes["mode"].String);
        Assert.Equal("output_half_pixel", One(10, Node("RoiAlign", "x x x", "y"), 1).Attributes["coordinate_transformation_mode"].String);
        Assert.Equal(1, One(17, Node("DFT", "x", "y"), 1, 4, 1).Input(2)!.Constant!.GetInt64(0));
        Assert.Equal(1.6732f, One(1, Node("Selu", "x", "y"), 1).Attributes["alpha"].Float);
        Assert.Equal(AttributeKind.Int, One(1, Node("LpPool", "x", "y", Attr("p", 2f)), 1, 1, 4).Attributes["p"].Kind);
    }

    [Fact]
    public void Group_normalization_gets_a_scale_for_each_channel()
    {
        ModelProto model = Model(18, Node("GroupNormalization", "x s b", "y", Attr("num_groups", 2L))).In("x", DType.Float32, 1, 4, 3).Out("y")
            .Const(Floats("s", [2], 1, 2)).Const(Floats("b", [2], 3, 4));
        Graph graph = OnnxImporter.Import(model, null);
        Node node = graph.Nodes[^1];
        Assert.Equal("GroupNormalization", node.OpType);
        Assert.Equal("Reshape", node.Input(1)!.Producer!.OpType);
        Assert.Equal("Reshape", node.Input(2)!.Producer!.OpType);
    }
}
