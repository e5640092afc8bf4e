using EdgeLite.Converter;
using EdgeLite.Converter.Importers;
using EdgeLite.Converter.Importers.TensorFlow;
using EdgeLite.Converter.Importers.TensorFlow.Proto;
using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Writer;
using static EdgeLite.Tests.Importers.TensorFlowControlFlowTests;

namespace EdgeLite.Tests.Importers;

/// <summary>Variables that a model assigns, from run to run, as tf.function orders them: by control inputs; results by hand.</summary>
public class TensorFlowStateTests
{
    private static string Handle(string name) => Node(name, "VarHandleOp", "", $"attr {{ key: 'shared_name' value {{ s: '{name}' }} }}");

    private static string Read(string name, string from) => Node(name, "ReadVariableOp", from, Type("dtype", "DT_FLOAT"));

    private static Graph Import(string graph) => TfImporter.Import(new TfModel(ProtoText.Parse<GraphDef>("graph", graph), name => name switch
    {
        "count" => Tensor.FromScalar(5f),
        "sum" => Tensor.FromArray<float>([0, 0], new Shape(2)),
        "weight" => Tensor.FromScalar(10f),
        _ => null,
    }), "states", null, [new("y", "y:0")]);

    /// <summary>What each of the runs gives.</summary>
    private static float[][] Run(string text, params float[][] runs)
    {
        Graph graph = Import(text);
        Pipeline.Optimize(graph, new ConversionOptions());
        Pipeline.Lower(graph, new ConversionOptions());
        using Model model = Model.Load(ModelWriter.ToBytes(graph), "states");
        using Session session = model.CreateSession();
        return [.. runs.Select(x =>
        {
            x.CopyTo(session.Input(session.FindInput("x")).Span<float>());
            session.Run();
            return session.Output(session.FindOutput("y")).ToArray<float>();
        })];
    }

    private const string TwoNumbers = "attr { key: 'dtype' value { type: DT_FLOAT } } attr { key: 'shape' value { shape { dim { size: 2 } } } }";

    /// <summary>y = weight (count before + count after) sum after: what is assigned is read where control inputs say so, in a function that its results do
    /// not need; the first value of a variable is the stored one.</summary>
    [Fact]
    public void Variables_that_are_assigned_are_states()
    {
        string step = Function("step", "x:DT_FLOAT n:DT_RESOURCE s:DT_RESOURCE w:DT_RESOURCE", "r=y:z:0",
            Read("before", "n"), Float("one", 1), Node("next", "Add", "before:value:0 one:output:0"), Node("set", "AssignVariableOp", "n next:z:0 ^before"), Node("grow", "AssignAddVariableOp", "s x"),
            Node("done", "NoOp", "^set ^grow", ""), Read("after", "n ^set"), Read("total", "s ^done"), Read("weight", "w"),
            Node("both", "Add", "before:value:0 after:value:0"), Node("scaled", "Mul", "both:z:0 weight:value:0"), Node("y", "Mul", "scaled:z:0 total:value:0"));
        string graph = GraphOf([Node("x", "Placeholder", "", TwoNumbers), Handle("count"), Handle("sum"), Handle("weight"), Node("y", "StatefulPartitionedCall", "x count sum weight", Func("f", "step"))], step);
        // count 5 6 7 8, sum 1 2, 4 4, 4 5
        Assert.Equal([[110f, 220], [520, 520], [600, 750]], Run(graph, [1, 2], [3, 2], [0, 1]));
        // The weight is a constant; a count that does not begin at 0 needs to know whether it has begun.
        Assert.Equal(["count", "is later", "sum", "x"], Import(graph).Inputs.Select(i => i.Name).Order(StringComparer.Ordinal));
    }

    /// <summary>Assigned by a function that nothing but its control output needs.</summary>
    [Fact]
    public void What_a_function_does_beside_its_results_counts()
    {
        string step = Function("step", "x:DT_FLOAT s:DT_RESOURCE", "r=out:z:0", Read("old", "s"), Node("out", "Add", "old:value:0 x"), Node("set", "AssignVariableOp", "s x ^old")).TrimEnd('}')
            + "control_ret { key: 'set' value: 'set' } }";
        Assert.Equal([[1f, 2], [4, 4], [3, 3]], Run(GraphOf([Node("x", "Placeholder", "", TwoNumbers), Handle("sum"), Node("y", "StatefulPartitionedCall", "x sum", Func("f", "step"))], step), [1, 2], [3, 2], [0, 1]));
    }

    /// <summary>As TensorFlow 1 writes it: initialization, which nothing asks for, and a check are no states.</summary>
    [Fact]
    public void Initialization_is_left_alone()
    {
        string graph = GraphOf([Node("x", "Placeholder", "", TwoNumbers), Handle("sum"), Float("zero", 0), Node("init", "AssignVariableOp", "sum zero"), Node("strange", "NeverHeardOf", ""),
            Read("s", "sum"), Node("y", "Add", "x s ^strange")]);
        Assert.Single(Import(graph).Inputs);
    }

    [Fact]
    public void Assignments_inside_conditions_are_refused()
    {
        string yes = Function("yes", "x:DT_FLOAT s:DT_RESOURCE", "r=x", Node("set", "AssignVariableOp", "s x")).TrimEnd('}') + "control_ret { key: 'set' value: 'set' } }";
        string no = Function("no", "x:DT_FLOAT s:DT_RESOURCE", "r=x", Node("n", "NoOp", "", ""));
        string graph = GraphOf([Node("x", "Placeholder", "", TwoNumbers), Handle("sum"), Node("p", "Placeholder", "", Type("dtype", "DT_BOOL") + "attr { key: 'shape' value { shape { } } }"),
            Node("y", "If", "p x sum", Func("then_branch", "yes") + Func("else_branch", "no"))], yes, no);
        Assert.Contains("inside a condition or a loop", Assert.Throws<EdgeLiteException>(() => Import(graph)).Message, StringComparison.Ordinal);
    }
}
