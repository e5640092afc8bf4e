using EdgeLite.Converter.Ir;
using EdgeLite.Ops;
using static EdgeLite.Tests.Ops.OperatorRun;

namespace EdgeLite.Tests.Ops;

/// <summary>Semantics that are easily missed; expected values by hand or from the documentation named.</summary>
public class NeuralOperatorTests
{
    [Fact]
    public void Max_pool_counts_indices_column_major_with_storage_order_1()
    {
        Tensor[] y = Run("MaxPool", [T(new Shape(1, 1, 2, 3), 1f, 9, 3, 4, 5, 6)],
            Attributes(("kernel_shape", new long[] { 2, 2 }), ("storage_order", 1L)), outputs: 2);
        Assert.Equal([9, 9], y[0].ToArray<float>());
        Assert.Equal([2, 2], y[1].ToArray<long>()); // row 0, column 1 of 2 rows
    }

    [Fact]
    public void Average_pool_never_counts_the_overhang_of_ceil_mode()
    {
        // 5 elements, kernel 3, stride 2, one pad at the end: the third window holds element 4, a declared pad and nothing else.
        AttributeSet attributes = Attributes(("kernel_shape", new long[] { 3 }), ("strides", new long[] { 2 }), ("pads", new long[] { 0, 1 }),
            ("ceil_mode", 1L), ("count_include_pad", 1L));
        Tensor y = Run("AveragePool", [T(new Shape(1, 1, 5), 3f, 3, 3, 3, 4)], attributes)[0];
        Assert.Equal([3, 10f / 3, 2], y.ToArray<float>());
    }

    [Fact]
    public void A_window_larger_than_its_input_is_one_output_in_ceil_mode()
    {
        // (4 - 5) / 2, rounded up, and one more; the window holds elements 0 and 2.
        AttributeSet attributes = Attributes(("kernel_shape", new long[] { 3 }), ("dilations", new long[] { 2 }), ("strides", new long[] { 2 }), ("ceil_mode", 1L));
        Tensor x = T(new Shape(1, 1, 4), 1f, 9, 3, 9);
        Assert.Equal([3], Run("MaxPool", [x], attributes)[0].ToArray<float>());
        attributes["ceil_mode"] = 0L;
        Assert.Equal(0, Run("MaxPool", [x], attributes)[0].Count);
    }

    [Fact]
    public void Same_padding_puts_the_odd_pad_where_its_name_says()
    {
        Tensor x = T(new Shape(1, 1, 3), 1f, 2, 3), w = T(new Shape(1, 1, 2), 10f, 1);
        Assert.Equal([12, 23, 30], Run("Conv", [x, w], Attributes(("auto_pad", "SAME_UPPER")))[0].ToArray<float>());
        Assert.Equal([1, 12, 23], Run("Conv", [x, w], Attributes(("auto_pad", "SAME_LOWER")))[0].ToArray<float>());
    }

    [Fact]
    public void Negative_pads_crop_a_convolutions_input()
    {
        Tensor x = T(new Shape(1, 1, 4), 1f, 2, 3, 4), w = T(new Shape(1, 1, 1), 2f);
        Assert.Equal([4, 6], Run("Conv", [x, w], Attributes(("pads", new long[] { -1, -1 })))[0].ToArray<float>());
    }

    [Fact]
    public void Blocked_dequantization_takes_the_blocks_scale()
    {
        Tensor y = Run("DequantizeLinear", [T(new Shape(1, 4), (sbyte)1, 2, 3, 4), T(new Shape(1, 2), 1f, 10f)],
            Attributes(("axis", 1L), ("block_size", 2L)))[0];
        Assert.Equal([1, 2, 30, 40], y.ToArray<float>());
    }

    [Fact]
    public void Symbolic_sizes_survive_same_padding_and_are_dropped_by_strides()
    {
        var x = new TensorType(DType.Float32, new Shape(Shape.Symbol(0), 3, Shape.Symbol(1), 8));
        var w = new TensorType(DType.Float32, new Shape(5, 3, 3, 3));
        AttributeSet same = Attributes(("pads", new long[] { 1, 1, 1, 1 }));
        Assert.Equal("float32[s0,5,s1,8]", Infer("Conv", [(x, null), (w, null)], same).ToString());
        same["strides"] = new long[] { 2, 2 };
        Assert.Equal("float32[s0,5,?,4]", Infer("Conv", [(x, null), (w, null)], same).ToString());
    }

    [Fact]
    public void Wrong_channel_counts_are_named()
    {
        var e = Assert.Throws<EdgeLiteException>(() => Run("Conv", [T(new Shape(1, 2, 1), 1f, 2), T(new Shape(1, 3, 1), 1f, 2, 3)]));
        Assert.Contains("Conv 'node': weight has 3 input channels in each of 1 groups, the input has 2", e.Message);
    }

    [Fact]
    public void Loop_carries_scans_and_reads_captured_values()
    {
        // for (i = 0; i < 4; i++) { sum += step; seen[i] = sum; }
        var body = new Graph("body");
        body.AddInput("i", new TensorType(DType.Int64, Shape.Scalar));
        Value go = body.AddInput("go", new TensorType(DType.Bool, Shape.Scalar));
        Value sum = body.AddInput("sum", new TensorType(DType.Float32, Shape.Scalar));
        Value step = body.AddInput("step", new TensorType(DType.Float32, Shape.Scalar));
        Value next = body.Add("Add", "next", [sum, step]);
        body.AddOutput(go);
        body.AddOutput(next);
        body.AddOutput(next);
        Tensor[] y = Run("Loop", [Tensor.FromScalar(4L), Tensor.FromScalar(true), Tensor.FromScalar(1f), Tensor.FromScalar(2f)],
            Attributes(("body", AttributeValue.OfGraph(body)), ("captures", 1L)), outputs: 2);
        Assert.Equal(9, y[0].GetDouble(0));
        Assert.Equal([3, 5, 7, 9], y[1].ToArray<float>());
    }

    [Fact]
    public void Loop_without_iterations_scans_nothing_and_returns_what_it_was_given()
    {
        var body = new Graph("body");
        body.AddInput("i", new TensorType(DType.Int64, Shape.Scalar));
        Value go = body.AddInput("go", new TensorType(DType.Bool, Shape.Scalar));
        Value row = body.AddInput("row", new TensorType(DType.Float32, new Shape(2)));
        Value next = body.Add("Relu", "next", [row]);
        body.AddOutput(go);
        body.AddOutput(next);
        body.AddOutput(next);
        Tensor[] y = Run("Loop", [Tensor.FromScalar(0L), null, V(-1f, 1)], Attributes(("body", AttributeValue.OfGraph(body))), outputs: 2);
        Assert.Equal([-1, 1], y[0].ToArray<float>());
        Assert.Equal("float32[0,2]", y[1].ToString());
    }

    [Fact]
    public void A_binary_tree_classifier_with_one_margin_answers_by_its_sign()
    {
        // One split: x <= 0.5 gives -1, otherwise 2; both for class 1.
        AttributeSet tree = Attributes(("nodes_treeids", new long[] { 0, 0, 0 }), ("nodes_nodeids", new long[] { 0, 1, 2 }),
            ("nodes_featureids", new long[] { 0, 0, 0 }), ("nodes_values", new[] { 0.5f, 0, 0 }),
            ("nodes_truenodeids", new long[] { 1, 0, 0 }), ("nodes_falsenodeids", new long[] { 2, 0, 0 }),
            ("class_treeids", new long[] { 0, 0 }), ("class_nodeids", new long[] { 1, 2 }), ("class_ids", new long[] { 1, 1 }),
            ("class_weights", new[] { -1f, 2f }), ("classlabels_int64s", new long[] { 7, 8 }), ("post_transform", "LOGISTIC"));
        tree["nodes_modes"] = new[] { "BRANCH_LEQ", "LEAF", "LEAF" };
        Tensor[] y = Run("TreeEnsembleClassifier", [T(new Shape(2, 1), 0.5f, 0.6f)], tree, outputs: 2, domain: "ai.onnx.ml");
        Assert.Equal([7, 8], y[0].ToArray<long>());
        double[] expected = [0.7310586, 0.2689414, 0.1192029, 0.8807971]; // logistic of 1, -1, -2, 2
        for (int i = 0; i < 4; i++) Assert.Equal(expected[i], y[1].GetDouble(i), 1e-6);
    }
}
