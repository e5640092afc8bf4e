using EdgeLite.Converter;

namespace EdgeLite.Tests.Importers.Keras;

/// <summary>Calls of TensorFlow's functions in models of tf.keras 2 (TFOpLambda, SlicingOpLambda, TensorFlowOpLayer), written as its Node.serialize
/// writes them; results by hand.</summary>
public class KerasFunctionTests
{
    /// <summary>A functional model of one input x [1, 2, 3] = 0 .. 5 and the layers given; the last layer is the output.</summary>
    private static Tensor Run(string last, params string[] layers) => TemporaryFolder.Use(folder =>
    {
        string path = Path.Combine(folder, "model.json");
        File.WriteAllText(path, $$$"""
            {"format": "layers-model", "weightsManifest": [{"paths": [], "weights": []}], "modelTopology": {"keras_version": "2.11.0", "backend": "tensorflow", "model_config":
              {"class_name": "Functional", "config": {"name": "m", "input_layers": [["x", 0, 0]], "output_layers": [["{{{last}}}", 0, 0]], "layers": [
                {"class_name": "InputLayer", "name": "x", "config": {"name": "x", "batch_input_shape": [1, 2, 3], "dtype": "float32"}, "inbound_nodes": []},
                {{{string.Join(",\n", layers)}}}]} } } }
            """);
        return ImportedRun.Run(Pipeline.Import(path, new ConversionOptions()).Graph, Tensor.FromArray<float>([0, 1, 2, 3, 4, 5], new Shape(1, 2, 3)))[0];
    });

    private static string Function(string name, string function, string inbound, string className = "TFOpLambda") =>
        $$$"""{"class_name": "{{{className}}}", "name": "{{{name}}}", "config": {"name": "{{{name}}}", "trainable": true, "dtype": "float32", "function": "{{{function}}}"}, "inbound_nodes": [{{{inbound}}}]}""";

    private static void Gives(float[] expected, long[] shape, Tensor got) => TensorAssert.Close(Tensor.FromArray<float>(expected, new Shape(shape)), got, 1e-6, 1e-6, "result");

    [Fact]
    public void Numbers_stand_on_either_side()
    {
        Gives([1, 3, 5, 7, 9, 11], [1, 2, 3], Run("b", Function("a", "math.multiply", """["x", 0, 0, {"y": 2.0, "name": null}]"""), Function("b", "__operators__.add", """["a", 0, 0, {"y": 1.0, "name": null}]""")));
        Gives([10, 9, 8, 7, 6, 5], [1, 2, 3], Run("a", Function("a", "math.subtract", """["_CONSTANT_VALUE", -1, 10.0, {"y": ["x", 0, 0], "name": null}]""")));
        Gives([-1, 0, 1, 2, 3, 4], [1, 2, 3], Run("a", Function("a", "math.subtract", """["x", 0, 0, {"y": [1.0, 1.0, 1.0], "name": null}]""")));
    }

    [Fact]
    public void Lists_of_tensors_are_arguments()
    {
        Gives([0, 1, 2, 0, 1, 2, 3, 4, 5, 3, 4, 5], [1, 2, 6], Run("a", Function("a", "concat", """[["x", 0, 0, {"axis": -1}], ["x", 0, 0, {"axis": -1}]]""")));
        Gives([0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 5], [2, 1, 2, 3], Run("a", Function("a", "stack", """[["x", 0, 0, {"axis": 0}], ["x", 0, 0, {"axis": 0}]]""")));
    }

    [Fact]
    public void Parts_are_taken_as_in_Python()
    {
        const string All = """{"start": null, "stop": null, "step": null}""";
        Gives([2, 5], [1, 2], Run("a", Function("a", "__operators__.getitem", $$"""["x", 0, 0, {"slice_spec": [{{All}}, {{All}}, -1]}]""", "SlicingOpLambda")));
        Gives([0, 2, 3, 5], [1, 2, 2], Run("a", Function("a", "__operators__.getitem", """["x", 0, 0, {"slice_spec": [{"class_name": "__ellipsis__"}, {"start": null, "stop": null, "step": 2}]}]""", "SlicingOpLambda")));
        Gives([3, 4, 5], [1, 1, 3], Run("a", Function("a", "__operators__.getitem", $$"""["x", 0, 0, {"slice_spec": [{{All}}, null, 1]}]""", "SlicingOpLambda")));
    }

    /// <summary>The size of the batch is a part of the shape.</summary>
    [Fact]
    public void Shapes_are_computed() => Gives([0, 1, 2, 3, 4, 5], [1, 6], Run("c", Function("a", "compat.v1.shape", """["x", 0, 0, {}]"""),
        Function("b", "__operators__.getitem", """["a", 0, 0, {"slice_spec": 0}]""", "SlicingOpLambda"), Function("c", "reshape", """["x", 0, 0, {"shape": [["b", 0, 0], 6]}]""")));

    [Fact]
    public void Means_and_products_go_along_axes()
    {
        Gives([1, 4], [1, 2, 1], Run("a", Function("a", "math.reduce_mean", """["x", 0, 0, {"axis": -1, "keepdims": true}]""")));
        Gives([1.5f, 2.5f, 3.5f], [1, 3], Run("a", Function("a", "keras.backend.mean", """["x", 0, 0, {"axis": 1}]""")));
        Gives([5, 14, 14, 50], [1, 2, 2], Run("a", Function("a", "linalg.matmul", """["x", 0, 0, {"b": ["x", 0, 0], "transpose_b": true}]""")));
        Gives([0, 1 / MathF.Sqrt(5), 2 / MathF.Sqrt(5), 3 / MathF.Sqrt(50), 4 / MathF.Sqrt(50), 5 / MathF.Sqrt(50)], [1, 2, 3], Run("a", Function("a", "math.l2_normalize", """["x", 0, 0, {"axis": 2}]""")));
    }

    [Fact]
    public void Several_results_are_outputs_of_one_call() =>
        Gives([1, 2, 4, 5], [1, 2, 2], Run("b", Function("a", "split", """["x", 0, 0, {"num_or_size_splits": [1, 2], "axis": 2}]"""), Function("b", "identity", """["a", 0, 1, {}]""")));

    [Fact]
    public void Operators_of_TensorFlow_2_0_are_layers()
    {
        static string Operator(string name, string node, string constants, string inbound) =>
            $$$"""{"class_name": "TensorFlowOpLayer", "name": "{{{name}}}", "config": {"name": "{{{name}}}", "trainable": true, "dtype": "float32", "node_def": {{{node}}}, "constants": {{{constants}}} }, "inbound_nodes": [{{{inbound}}}]}""";
        Gives([0, 2, 4, 6, 8, 10], [1, 2, 3], Run("a", Operator("a", """{"name": "Mul", "op": "Mul", "input": ["x", "Mul/y"], "attr": {"T": {"type": "DT_FLOAT"}}}""", """{"1": 2.0}""", """[["x", 0, 0, {}]]""")));
        Gives([1, 4], [1, 2], Run("a", Operator("a", """{"name": "Mean", "op": "Mean", "input": ["x", "Mean/axes"], "attr": {"T": {"type": "DT_FLOAT"}, "Tidx": {"type": "DT_INT32"}, "keep_dims": {"b": false}}}""", """{"1": 2}""", """[["x", 0, 0, {}]]""")));
    }

    [Fact]
    public void A_function_without_a_conversion_is_named()
    {
        EdgeLiteException e = Assert.Throws<EdgeLiteException>(() => Run("a", Function("a", "strings.lower", """["x", 0, 0, {}]""")));
        Assert.Contains("tf.strings.lower: 'a'", e.Message);
    }
}
