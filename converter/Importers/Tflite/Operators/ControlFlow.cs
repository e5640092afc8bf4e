using EdgeLite.Converter.Ir;
using EdgeLite.Core;
using EdgeLite.Ops;

namespace EdgeLite.Converter.Importers.Tflite.Operators;

/// <summary>Operators that run other subgraphs, and variables.</summary>
internal static class ControlFlow
{
    [Tflite(TfliteOp.IF)]
    private static void If(TfliteNode n)
    {
        int inputs = n.InputCount - 1; // all of them captured, in ONNX's terms
        var attributes = new AttributeSet
        {
            ["then_branch"] = AttributeValue.OfGraph(n.Importer.Closed(n.Options.Int32(TfliteOption.If.ThenSubgraph), inputs)),
            ["else_branch"] = AttributeValue.OfGraph(n.Importer.Closed(n.Options.Int32(TfliteOption.If.ElseSubgraph), inputs)),
            ["captures"] = inputs,
        };
        Value condition = n.Input(0).Dims is { Length: 0 } ? n.Raw(0) : n.Reshape(n.Raw(0), []);
        Finish(n, n.EmitMany("If", n.OutputCount, [condition, .. Enumerable.Range(1, inputs).Select(n.Raw)], attributes));
    }

    /// <summary>A Loop without a trip count: the condition is computed once before, and at the end of each body.</summary>
    [Tflite(TfliteOp.WHILE)]
    private static void While(TfliteNode n) => Loop(n, n.Options.Int32(TfliteOption.While.CondSubgraph), n.Options.Int32(TfliteOption.While.BodySubgraph));

    internal static void Loop(TfliteNode n, int condition, int bodyIndex)
    {
        Value[] initial = [.. Enumerable.Range(0, n.InputCount).Select(n.Raw)];
        Value first = Scalar(n.Graph, Only(n, n.Importer.Inline(n.Graph, condition, initial)));

        TfliteSubgraph source = n.Importer.Subgraph(bodyIndex);
        var body = new Graph(source.Name);
        body.AddInput("iteration", new TensorType(DType.Int64, Shape.Scalar));
        body.AddInput("condition_in", new TensorType(DType.Bool, Shape.Scalar));
        if (source.Inputs.Length != initial.Length) throw n.Damaged($"its body has {source.Inputs.Length} inputs, expected {initial.Length}");
        Value[] state = [.. source.Inputs.Select(t => body.AddInput(body.FreshName(source.Tensors[t].Name), new TensorType(source.Tensors[t].DType, source.Tensors[t].Shape)))];
        Value[] next = n.Importer.Inline(body, bodyIndex, state);
        if (next.Length != initial.Length) throw n.Damaged($"its body has {next.Length} outputs, expected {initial.Length}");
        Value again = Scalar(body, Only(n, n.Importer.Inline(body, condition, next)));
        TfliteImporter.AddOutput(body, again, "condition_out");
        for (int i = 0; i < next.Length; i++) TfliteImporter.AddOutput(body, next[i], $"next{i}");
        Finish(n, n.EmitMany("Loop", n.OutputCount, [null, first, .. initial], new AttributeSet { ["body"] = AttributeValue.OfGraph(body) }));
    }

    private static Value Only(TfliteNode n, Value[] outputs) => outputs.Length == 1 ? outputs[0] : throw n.Damaged($"its condition has {outputs.Length} outputs");

    private static Value Scalar(Graph graph, Value condition) =>
        graph.Add("Reshape", "condition", [condition, graph.AddConstant("scalar_shape", new Tensor(DType.Int64, new Shape(0)))]);

    [Tflite(TfliteOp.CALL)]
    private static void Call(TfliteNode n) => Inline(n, n.Options.UInt32(TfliteOption.Call.Subgraph));

    /// <summary>A composite comes with its decomposition, which is what it means.</summary>
    [Tflite(TfliteOp.STABLEHLO_COMPOSITE)]
    private static void Composite(TfliteNode n) => Inline(n, n.Options2.Int32(TfliteOption.Composite.DecompositionSubgraph));

    private static void Inline(TfliteNode n, long subgraph) =>
        Finish(n, n.Importer.Inline(n.Graph, subgraph, [.. Enumerable.Range(0, n.InputCount).Select(n.Raw)]));

    internal static void Finish(TfliteNode n, Value[] outputs)
    {
        if (outputs.Length < n.OutputCount) throw n.Damaged($"{n.OutputCount} outputs are wanted, the subgraph has {outputs.Length}");
        for (int i = 0; i < n.OutputCount; i++)
            if (n.Operator.Outputs[i] >= 0) n.SetRaw(i, outputs[i]);
    }

    /// <summary>Initialization: constants that variables start with, and hash tables.</summary>
    [Tflite(TfliteOp.CALL_ONCE)]
    private static void CallOnce(TfliteNode n)
    {
        TfliteSubgraph init = n.Importer.Subgraph(n.Options.Int32(TfliteOption.CallOnce.InitSubgraph));
        var scratch = new TfliteScope(n.Scope.Model, init, new Graph(init.Name), n.Scope.Variables);
        foreach (TfliteOperator op in init.Operators)
        {
            var node = new TfliteNode(scratch, op, n.Importer);
            if (op.Op == TfliteOp.ASSIGN_VARIABLE && node.Constant(1) is { } value) scratch.Handle(node.InputIndex(0)).Initial = value;
            else if (op.Op is TfliteOp.VAR_HANDLE or TfliteOp.HASHTABLE or TfliteOp.HASHTABLE_IMPORT) n.Importer.Convert(node);
            else throw node.InputError("initialization with anything but constants is not supported");
        }
    }

    [Tflite(TfliteOp.VAR_HANDLE)]
    private static void VarHandle(TfliteNode n)
    {
        string name = n.Options.String(TfliteOption.VarHandle.Container) + "/" + n.Options.String(TfliteOption.VarHandle.SharedName);
        name = name.TrimStart('/');
        if (!n.Scope.Variables.TryGetValue(name, out TfliteVariable? variable)) n.Scope.Variables[name] = variable = new TfliteVariable(name);
        n.Scope.SetHandle(n.OutputIndex(0), variable);
    }

    /// <summary>A variable that is read before it is assigned is an input that carries its value from run to run. States begin with zeros: where
    /// a variable begins with something else, a state of its own tells whether there was a run before.</summary>
    [Tflite(TfliteOp.READ_VARIABLE, Limits = "a variable that nothing initializes")]
    private static void ReadVariable(TfliteNode n)
    {
        TfliteVariable v = n.Scope.Handle(n.InputIndex(0));
        if (v.Current == null)
        {
            bool assigned = n.Scope.Subgraph.Operators.Any(o => o.Op == TfliteOp.ASSIGN_VARIABLE);
            if (!assigned) v.Current = n.Graph.AddConstant(v.Name, v.Initial ?? throw n.InputError($"variable '{v.Name}' is never initialized"));
            else
            {
                TensorType type = v.Initial is { } t ? new TensorType(t.DType, t.Shape) : new TensorType(n.Output(0).DType, n.Output(0).Shape);
                v.Current = v.Input = n.Graph.AddInput(n.Graph.FreshName(v.Name), type);
                if (v.Initial is { } first && !IsZero(first)) v.Current = n.Emit("Where", [Started(n), v.Input, n.Constant("initial", first)]);
            }
        }
        n.SetRaw(0, v.Current);
    }

    /// <summary>False in the first run.</summary>
    private static Value Started(TfliteNode n)
    {
        const string name = "variables/started";
        if (!n.Scope.Variables.TryGetValue(name, out TfliteVariable? started))
            n.Scope.Variables[name] = started = new TfliteVariable(name)
            {
                Input = n.Graph.AddInput(n.Graph.FreshName(name), new TensorType(DType.Bool, Shape.Scalar)),
                Current = n.Graph.AddConstant(name + "/true", Tensor.FromScalar(true)),
            };
        return started.Input!;
    }

    private static bool IsZero(Tensor tensor)
    {
        for (long i = 0; i < tensor.Count; i++)
            if (tensor.GetDouble(i) != 0) return false;
        return true;
    }

    [Tflite(TfliteOp.ASSIGN_VARIABLE)]
    private static void AssignVariable(TfliteNode n) => n.Scope.Handle(n.InputIndex(0)).Current = n.Raw(1);
}
