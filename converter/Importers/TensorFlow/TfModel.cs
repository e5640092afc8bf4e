using EdgeLite.Converter.Importers.TensorFlow.Proto;
using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.TensorFlow;

/// <summary>A TensorFlow model while it is read: nodes, library functions, the values of its variables, and the operator map.</summary>
internal sealed class TfModel
{
    private static readonly Dictionary<string, Action<TfNode>> s_operators = ForeignLayers.Conversions<TensorFlowAttribute, Action<TfNode>>();
    private readonly Dictionary<string, FunctionDef> _functions = new(StringComparer.Ordinal);
    private readonly Dictionary<string, TfSource> _bodies = new(StringComparer.Ordinal);
    private readonly Func<string, Tensor?> _variables;

    /// <param name="graph">the nodes and functions</param>
    /// <param name="variables">the value of a variable by name; null when there is none</param>
    /// <param name="constants">values of Const nodes that lie outside the graph</param>
    public TfModel(GraphDef graph, Func<string, Tensor?>? variables = null, IReadOnlyDictionary<string, Tensor>? constants = null)
    {
        foreach (FunctionDef function in graph.Library?.Function ?? [])
            _functions[function.Signature?.Name ?? ""] = function;
        Main = new TfSource(graph.Node);
        HasScalarPlaceholders = graph.Versions?.Producer >= 24;
        _variables = variables ?? (_ => null);
        Constants = constants ?? new Dictionary<string, Tensor>();
        Tables = new TfTables(this);
    }

    public TfTables Tables { get; }

    /// <summary>The folder of files that belong to the graph; null where there is none.</summary>
    public string? Assets { get; init; }

    public TfSource Main { get; }

    /// <summary>Whether a Placeholder's shape without dimensions means a scalar; before version 24 of the graphs it means any shape.</summary>
    public bool HasScalarPlaceholders { get; }
    public IReadOnlyDictionary<string, Tensor> Constants { get; }

    /// <summary>The operators that can be converted.</summary>
    public static IReadOnlyList<LayerReference> Layers { get; } = ForeignLayers.References<TensorFlowAttribute>();

    /// <summary>The name of that list.</summary>
    public const string LayersOf = "TensorFlow's operators";

    /// <summary>How deep functions are called now.</summary>
    public int Depth { get; set; }

    public static Action<TfNode>? Operator(string op) => s_operators.GetValueOrDefault(op);

    public FunctionDef? Function(string name) => _functions.GetValueOrDefault(name);

    /// <summary>The body of a function, its inputs rewritten from "node:output name:number" to "node:number".</summary>
    public TfSource Body(FunctionDef function)
    {
        string name = function.Signature.Name;
        if (_bodies.TryGetValue(name, out TfSource? body)) return body;
        var ops = function.NodeDef.ToDictionary(n => n.Name, n => n, StringComparer.Ordinal);
        return _bodies[name] = new TfSource(function.NodeDef.Select(n =>
        {
            NodeDef copy = n.Clone();
            for (int i = 0; i < copy.Input.Count; i++) copy.Input[i] = TfOutputs.Plain(copy.Input[i], ops, this);
            return copy;
        }));
    }

    /// <summary>What a function returns, as "node:number".</summary>
    public string[] Returns(FunctionDef function)
    {
        var ops = function.NodeDef.ToDictionary(n => n.Name, n => n, StringComparer.Ordinal);
        return [.. function.Signature.OutputArg.Select(a => TfOutputs.Plain(function.Ret[a.Name], ops, this))];
    }

    public Value Variable(string name, TfNode reader)
    {
        Tensor value = _variables(name) ?? throw reader.Damaged($"variable '{name}' has no stored value; freeze the graph, or keep its checkpoint or the folder 'variables' beside it");
        return reader.Graph.AddConstant(name, value);
    }

    /// <summary>Names every operator without a conversion, with its nodes, at once.</summary>
    /// <param name="outputs">what is wanted of the main graph</param>
    public void RefuseUnknown(IEnumerable<string> outputs)
    {
        var unknown = new List<(string Kind, string Place)>();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        Visit(Main, outputs);
        UnknownLayers.Refuse("The TensorFlow graph", unknown, "Replace these operators in the source model, or cut the graph before them.");

        void Visit(TfSource source, IEnumerable<string> roots)
        {
            var stack = new Stack<string>(roots.Select(r => TfSource.Parse(r).Node));
            var reached = new HashSet<string>(StringComparer.Ordinal);
            while (stack.Count > 0)
            {
                string name = stack.Pop();
                if (!reached.Add(name) || source.Find(name) is not { } node) continue;
                if (Operator(node.Op) == null && Function(node.Op) == null)
                    unknown.Add((node.Op, $"'{node.Name}'"));
                foreach (string input in TfSource.DataInputs(node)) stack.Push(TfSource.Parse(input).Node);
                foreach (AttrValue attr in node.Attr.Values)
                    foreach (NameAttrList named in attr.ValueCase == AttrValue.ValueOneofCase.Func ? [attr.Func] : attr.List?.Func ?? [])
                        if (Function(named.Name) is { } f && seen.Add(named.Name)) Visit(Body(f), Returns(f));
                if (Function(node.Op) is { } called && seen.Add(node.Op)) Visit(Body(called), Returns(called));
            }
        }
    }
}
