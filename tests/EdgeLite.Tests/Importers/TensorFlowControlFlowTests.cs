using EdgeLite.Converter;
using EdgeLite.Converter.Importers;
using EdgeLite.Converter.Importers.TensorFlow.Proto;
using EdgeLite.Converter.Ir;
using Google.Protobuf;

namespace EdgeLite.Tests.Importers;

/// <summary>Conditions, loops and lists of TensorFlow 1 (Switch, Merge, frames) and 2 (If, While, Case, TensorList), in graphs written by hand,
/// with results worked out by hand; and a checkpoint with a meta graph.</summary>
public sealed class TensorFlowControlFlowTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("edgelite-tf-flow-").FullName;

    public void Dispose() => Directory.Delete(_folder, true);

    internal static string Node(string name, string op, string inputs, string attributes = "attr { key: 'T' value { type: DT_FLOAT } }") =>
        $"name: '{name}' op: '{op}' {string.Concat(inputs.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(i => $"input: '{i}' "))}{attributes}";

    internal static string Type(string key, string type) => $"attr {{ key: '{key}' value {{ type: {type} }} }} ";

    internal static string Func(string key, string function) => $"attr {{ key: '{key}' value {{ func {{ name: '{function}' }} }} }} ";

    private static string Types(params string[] types) => $"attr {{ key: 'T' value {{ list {{ {string.Concat(types.Select(t => $"type: {t} "))} }} }} }} ";

    internal static string Const(string name, string type, string value) =>
        Node(name, "Const", "", Type("dtype", type) + $"attr {{ key: 'value' value {{ tensor {{ dtype: {type} {value} }} }} }}");

    internal static string Float(string name, float value) => Const(name, "DT_FLOAT", string.Create(System.Globalization.CultureInfo.InvariantCulture, $"tensor_shape {{ }} float_val: {value}"));

    internal static string Int(string name, int value) => Const(name, "DT_INT32", $"tensor_shape {{ }} int_val: {value}");

    internal static string Input(string name, string type = "DT_FLOAT") => Node(name, "Placeholder", "", Type("dtype", type) + "attr { key: 'shape' value { shape { } } }");

    /// <summary>A function of arguments "a:DT_FLOAT b:DT_INT32" with results "r=node:output:0 ..".</summary>
    internal static string Function(string name, string arguments, string results, params string[] nodes)
    {
        string types = string.Concat(arguments.Split(' ').Select(a => $"input_arg {{ name: '{a.Split(':')[0]}' type: {a.Split(':')[1]} }} "));
        (string Name, string From)[] returns = [.. results.Split(' ').Select(r => (r.Split('=')[0], r.Split('=')[1]))];
        return $"function {{ signature {{ name: '{name}' {types}{string.Concat(returns.Select(r => $"output_arg {{ name: '{r.Name}' type: DT_FLOAT }} "))}}} {string.Concat(nodes.Select(n => $"node_def {{ {n} }} "))}"
            + string.Concat(returns.Select(r => $"ret {{ key: '{r.Name}' value: '{r.From}' }} ")) + "}";
    }

    internal static string GraphOf(string[] nodes, params string[] functions) =>
        $"{string.Concat(nodes.Select(n => $"node {{ {n} }}\n"))} library {{ {string.Join('\n', functions)} }} versions {{ producer: 27 }}";

    private float[] Run(string graph, params Tensor[] inputs)
    {
        string path = Path.Combine(_folder, "graph.pbtxt");
        File.WriteAllText(path, graph);
        (Graph read, _) = Pipeline.Import(path, new ConversionOptions());
        Tensor y = ImportedRun.Run(read, inputs)[0];
        return [.. Enumerable.Range(0, (int)y.Count).Select(i => (float)y.GetDouble(i))];
    }

    private const string OddFormat = "attr { key: 'T' value { type: DT_FLOAT } } attr { key: 'data_format' value { s: 'NCHW_VECT_C' } } attr { key: 'ksize' value { list { i: 1 i: 2 i: 2 i: 1 } } } attr { key: 'strides' value { list { i: 1 i: 2 i: 2 i: 1 } } } attr { key: 'padding' value { s: 'VALID' } }";

    /// <summary>In the main graph, in a loop and in a function behind both; that axes are computed from a refused result only follows.</summary>
    [Fact]
    public void Refused_attributes_are_named_all_at_once()
    {
        string yes = Function("yes", "a:DT_FLOAT b:DT_FLOAT", "r=c:output:0", Const("c", "DT_BOOL", "tensor_shape { } bool_val: true"));
        string body = Function("body", "a:DT_FLOAT b:DT_FLOAT", "r=q:output:0 s=b", Node("q", "AvgPool", "b", OddFormat));
        string inner = Function("inner", "a:DT_FLOAT b:DT_FLOAT", "r=u:output:0", Node("m", "Add", "a b"), Node("u", "MaxPool", "m:z:0", OddFormat));
        string picture = Input("x").Replace("shape { }", "shape { dim { size: 1 } dim { size: 4 } dim { size: 4 } dim { size: 1 } }", StringComparison.Ordinal);
        string graph = GraphOf([picture, Node("p", "MaxPool", "x", OddFormat), Node("a", "ArgMax", "p p"), Node("sum", "Sum", "p a"),
            Node("loop", "While", "sum x", Types("DT_FLOAT", "DT_FLOAT") + Func("cond", "yes") + Func("body", "body")), Node("call", "PartitionedCall", "loop loop:1", Func("f", "inner"))], yes, body, inner);
        RefusedSettingTests.Check(Assert.Throws<EdgeLiteException>(() => Run(graph)), "3 layers", "MaxPool 'p': data_format", "AvgPool 'q': data_format", "MaxPool 'u': data_format");
    }

    private static Tensor F(float value) => Tensor.FromScalar(value);

    private static readonly string s_twice = Function("twice", "a:DT_FLOAT", "r=m:z:0", Node("m", "Add", "a a")),
        s_square = Function("square", "a:DT_FLOAT", "r=m:z:0", Node("m", "Mul", "a a")), s_negative = Function("negative", "a:DT_FLOAT", "r=m:y:0", Node("m", "Neg", "a"));

    [Theory]
    [InlineData("If")]
    [InlineData("StatelessIf")]
    public void If_calls_one_of_two_functions(string op)
    {
        string graph = GraphOf([Input("x"), Float("zero", 0), Node("p", "Greater", "x zero"), Node("y", op, "p x", Func("then_branch", "square") + Func("else_branch", "negative"))], s_square, s_negative);
        Assert.Equal([9], Run(graph, F(3)));
        Assert.Equal([4], Run(graph, F(-4)));
    }

    /// <summary>A number that no branch has takes the last one.</summary>
    [Theory]
    [InlineData(0, 10)]
    [InlineData(1, 25)]
    [InlineData(2, -5)]
    [InlineData(7, -5)]
    [InlineData(-1, -5)]
    public void Case_calls_one_of_several_functions(int number, float expected)
    {
        string branches = "attr { key: 'branches' value { list { func { name: 'twice' } func { name: 'square' } func { name: 'negative' } } } }";
        string[] functions = [s_twice, s_square, s_negative];
        Assert.Equal([expected], Run(GraphOf([Input("k", "DT_INT32"), Input("x"), Node("y", "Case", "k x", branches)], functions), Tensor.FromScalar(number), F(5)));
        Assert.Equal([expected], Run(GraphOf([Int("k", number), Input("x"), Node("y", "StatelessCase", "k x", branches)], functions), F(5)));
    }

    /// <summary>Doubles until 100 is reached, and counts.</summary>
    [Theory]
    [InlineData("While")]
    [InlineData("StatelessWhile")]
    public void While_calls_functions(string op)
    {
        string less = Function("less", "a:DT_FLOAT n:DT_FLOAT", "r=l:z:0", Float("limit", 100), Node("l", "Less", "a limit:output:0"));
        string body = Function("body", "a:DT_FLOAT n:DT_FLOAT", "r=m:z:0 q=o:z:0", Node("m", "Add", "a a"), Float("one", 1), Node("o", "Add", "n one:output:0"));
        string graph = GraphOf([Input("x"), Float("zero", 0), Node("w", op, "x zero", Func("cond", "less") + Func("body", "body") + Types("DT_FLOAT", "DT_FLOAT")), Node("y", "Pack", "w w:1")], less, body);
        Assert.Equal([192, 6], Run(graph, F(3)));
        Assert.Equal([500, 0], Run(graph, F(500)));
    }

    /// <summary>A list of three numbers, filled by a loop: x, 2 x, 4 x.</summary>
    [Fact]
    public void Lists_are_filled_by_loops()
    {
        string kept = Type("element_dtype", "DT_FLOAT");
        string less = Function("less", "i:DT_INT32 l:DT_VARIANT a:DT_FLOAT", "r=l3:z:0", Int("n", 3), Node("l3", "Less", "i n:output:0", Type("T", "DT_INT32")));
        string body = Function("body", "i:DT_INT32 l:DT_VARIANT a:DT_FLOAT", "j=o:z:0 k=s:output_handle:0 b=m:z:0",
            Int("one", 1), Node("o", "Add", "i one:output:0", Type("T", "DT_INT32")), Node("s", "TensorListSetItem", "l i a", kept), Node("m", "Add", "a a"));
        string graph = GraphOf([Input("x"), Int("zero", 0), Int("n", 3), Const("shape", "DT_INT32", "tensor_shape { dim { size: 0 } }"), Node("list", "TensorListReserve", "shape n", kept + Type("shape_type", "DT_INT32")),
            Node("w", "While", "zero list x", Func("cond", "less") + Func("body", "body") + Types("DT_INT32", "DT_VARIANT", "DT_FLOAT")), Node("y", "TensorListStack", "w:1 shape", kept)], less, body);
        Assert.Equal([5, 10, 20], Run(graph, F(5)));
    }

    [Fact]
    public void Switch_and_Merge_are_a_condition()
    {
        string graph = GraphOf([Input("x"), Float("zero", 0), Node("p", "Greater", "x zero"), Node("s", "Switch", "x p"), Node("t", "Mul", "s:1 s:1"), Node("f", "Neg", "s"), Node("y", "Merge", "f t")]);
        Assert.Equal([9], Run(graph, F(3)));
        Assert.Equal([4], Run(graph, F(-4)));
    }

    /// <summary>The frame of tf.while_loop: doubles a while it is less than what comes from outside.</summary>
    [Fact]
    public void Frames_are_loops()
    {
        string frame = Type("T", "DT_FLOAT") + "attr { key: 'frame_name' value { s: 'loop' } } ";
        string graph = GraphOf([Input("x"), Input("limit"), Node("e", "Enter", "x", frame), Node("le", "Enter", "limit", frame + "attr { key: 'is_constant' value { b: true } }"), Node("m", "Merge", "e n"),
            Node("less", "Less", "m le"), Node("c", "LoopCond", "less", ""), Node("s", "Switch", "m c"), Node("i", "Identity", "s:1"), Node("d", "Add", "i i"), Node("n", "NextIteration", "d"), Node("y", "Exit", "s")]);
        Assert.Equal([192], Run(graph, F(3), F(100)));
        Assert.Equal([500], Run(graph, F(500), F(100)));
    }

    /// <summary>The variables of a genuine checkpoint (a = 0.5, b = 2) under a meta graph written by hand.</summary>
    [SharedTheory("zoo/tensorflow_savedmodel")]
    [InlineData("half_plus_two_tf2")]
    public void A_checkpoint_with_a_meta_graph_is_read(string model)
    {
        string variables = Path.Combine(SharedData.Folder!, "zoo/tensorflow_savedmodel", model, "saved_model/variables/variables");
        File.Copy(variables + ".index", Path.Combine(_folder, "model.ckpt.index"));
        File.Copy(variables + ".data-00000-of-00001", Path.Combine(_folder, "model.ckpt.data-00000-of-00001"));
        string Variable(string name) => Node(name + "/.ATTRIBUTES/VARIABLE_VALUE", "VariableV2", "", Type("dtype", "DT_FLOAT") + "attr { key: 'shape' value { shape { } } }");
        var meta = new MetaGraphDef
        {
            MetaInfoDef = new MetaGraphDef.Types.MetaInfoDef { TensorflowVersion = "1.15.0" },
            GraphDef = ProtoText.Parse<GraphDef>("meta", GraphOf([Input("x"), Variable("a"), Variable("b"), Node("ax", "Mul", "x a/.ATTRIBUTES/VARIABLE_VALUE"), Node("y", "Add", "ax b/.ATTRIBUTES/VARIABLE_VALUE")])),
        };
        string path = Path.Combine(_folder, "model.ckpt.meta");
        File.WriteAllBytes(path, meta.ToByteArray());
        (Graph graph, string format) = Pipeline.Import(path, new ConversionOptions());
        Assert.Equal("TensorFlow SavedModel", format);
        Assert.Equal(5.5, ImportedRun.Run(graph, F(7))[0].GetDouble(0));
    }
}
