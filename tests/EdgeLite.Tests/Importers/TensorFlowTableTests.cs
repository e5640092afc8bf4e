using EdgeLite.Converter;
using static EdgeLite.Tests.Importers.TensorFlowControlFlowTests;

namespace EdgeLite.Tests.Importers;

/// <summary>TensorFlow's tables of constants, filled in the main graph, in a function (as TensorFlow 2 saves them), and from a file of the folder
/// assets.</summary>
public class TensorFlowTableTests
{
    private static readonly string s_table = Node("t", "HashTableV2", "", "attr { key: 'shared_name' value { s: 'words' } } " + Type("key_dtype", "DT_INT64") + Type("value_dtype", "DT_FLOAT")),
        s_keys = Const("k", "DT_INT64", "tensor_shape { dim { size: 3 } } int64_val: 7 int64_val: 3 int64_val: 7"), s_values = Const("v", "DT_FLOAT", "tensor_shape { dim { size: 3 } } float_val: 0.5 float_val: 1.5 float_val: 9"),
        s_number = Node("n", "Cast", "x", Type("SrcT", "DT_FLOAT") + Type("DstT", "DT_INT64")), s_find = Node("y", "LookupTableFindV2", "t n d", ""), s_default = Float("d", -1);

    private static string Numbers(int count) => Input("x").Replace("shape { }", $"shape {{ dim {{ size: {count} }} }}", StringComparison.Ordinal);

    private static Tensor Run(Action<string> write, string model, Tensor x) => TemporaryFolder.Use(folder =>
    {
        write(folder);
        return ImportedRun.Run(Pipeline.Import(Path.Combine(folder, model), new ConversionOptions()).Graph, x)[0];
    });

    private static Tensor Run(string graph) =>
        Run(folder => File.WriteAllText(Path.Combine(folder, "graph.pbtxt"), graph), "graph.pbtxt", Tensor.FromArray<float>([3, 7, 0, 3], new Shape(4)));

    /// <summary>Of equal keys the first counts.</summary>
    [Fact]
    public void Numbers_are_looked_up() => TensorAssert.Close(Tensor.FromArray<float>([1.5f, 0.5f, -1, 1.5f], new Shape(4)),
        Run(GraphOf([Numbers(4), s_table, s_keys, s_values, s_default, Node("i", "InitializeTableV2", "t k v", ""), s_number, s_find])), 0, 0, "found");

    [Fact]
    public void A_function_fills_the_table()
    {
        string function = Function("fill", "table:DT_RESOURCE keys:DT_INT64 values:DT_FLOAT", "done=one:output:0", Node("import", "LookupTableImportV2", "table keys values", ""), Float("one", 1));
        string call = Node("call", "StatefulPartitionedCall", "t k v", Func("f", "fill"));
        TensorAssert.Close(Tensor.FromArray<float>([1.5f, 0.5f, -1, 1.5f], new Shape(4)),
            Run(GraphOf([Numbers(4), s_table, s_keys, s_values, s_default, call, Node("init", "NoOp", "^call", ""), s_number, s_find], function)), 0, 0, "found");
    }

    [Fact]
    public void A_table_that_nothing_fills_is_refused() =>
        Assert.Contains("'words' is never filled", Assert.Throws<EdgeLiteException>(() => Run(GraphOf([Numbers(4), s_table, s_default, s_number, s_find]))).Message, StringComparison.Ordinal);

    /// <summary>The line whose number is looked up, then the number of that line.</summary>
    [Fact]
    public void Lines_of_a_file_fill_tables()
    {
        static string Indices(int key, int value) => $"attr {{ key: 'key_index' value {{ i: {key} }} }} attr {{ key: 'value_index' value {{ i: {value} }} }} attr {{ key: 'vocab_size' value {{ i: -1 }} }}";
        string words = Node("a", "HashTableV2", "", Type("key_dtype", "DT_INT64") + Type("value_dtype", "DT_STRING")), numbers = Node("b", "HashTableV2", "", Type("key_dtype", "DT_STRING") + Type("value_dtype", "DT_INT64"));
        string nodes = string.Concat(new[]
        {
            Numbers(3), words, numbers, Const("f", "DT_STRING", "tensor_shape { } string_val: '/tmp/of/training/words.txt'"),
            Const("u", "DT_STRING", "tensor_shape { } string_val: '?'"), Const("m", "DT_INT64", "tensor_shape { } int64_val: -5"), Node("ia", "InitializeTableFromTextFileV2", "a f", Indices(-1, -2)),
            Node("ib", "InitializeTableFromTextFileV2", "b f", Indices(-2, -1)), s_number, Node("w", "LookupTableFindV2", "a n u", ""), Node("y", "LookupTableFindV2", "b w m", ""),
        }.Select(n => $"node {{ {n} }}\n"));
        Tensor y = Run(folder =>
        {
            Directory.CreateDirectory(Path.Combine(folder, "assets"));
            File.WriteAllText(Path.Combine(folder, "assets", "words.txt"), "cat\ndog\ncow\n");
            File.WriteAllText(Path.Combine(folder, "saved_model.pbtxt"), $$"""
                saved_model_schema_version: 1
                meta_graphs { meta_info_def { tags: 'serve' } graph_def { {{nodes}} versions { producer: 27 } }
                  signature_def { key: 'serving_default' value {
                    inputs { key: 'x' value { name: 'x:0' dtype: DT_FLOAT tensor_shape { dim { size: 3 } } } } outputs { key: 'y' value { name: 'y:0' dtype: DT_INT64 } } } } }
                """);
        }, "", Tensor.FromArray<float>([2, 0, 9], new Shape(3)));
        TensorAssert.Close(Tensor.FromArray<long>([2, 0, -5], new Shape(3)), y, 0, 0, "numbers of lines");
    }
}
