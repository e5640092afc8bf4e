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
    private readonly Dictionary<string, bool> _effects = new(StringComparer.Ordinal);
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
        HasAssignments = graph.Node.Concat(_functions.Values.SelectMany(f => f.NodeDef)).Any(n => TfStates.Assigns(n.Op));
    }

    /// <summary>Whether variables may change: then control inputs, which order reads and assignments, count.</summary>
    public bool HasAssignments { get; }

    public TfStates States { get; } = new();

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

    /// <summary>What a function does to variables beside its results, as names of nodes.</summary>
    public IEnumerable<string> Effects(FunctionDef function) => HasAssignments ? function.ControlRet.Values.Where(Body(function).Order(HasEffect).IsBehind) : [];

    /// <summary>The inputs of a node that are to be converted before it: of control inputs those that order assignments.</summary>
    public IEnumerable<string> Before(TfSource source, NodeDef node) =>
        HasAssignments ? node.Input.Where(i => !i.StartsWith('^') || source.Find(i[1..]) != null && source.Order(HasEffect).Matters(node.Name, i[1..])) : TfSource.DataInputs(node);

    /// <summary>Whether a node assigns a variable, or calls a function that does.</summary>
    private bool HasEffect(NodeDef node) => TfStates.Assigns(node.Op) || Called(node).Any(f =>
    {
        if (_effects.TryGetValue(f.Signature.Name, out bool known)) return known;
        _effects[f.Signature.Name] = false; // where it calls itself
        return _effects[f.Signature.Name] = f.NodeDef.Any(HasEffect);
    });

    private IEnumerable<FunctionDef> Called(NodeDef node) =>
        node.Attr.Values.SelectMany(a => a.ValueCase == AttrValue.ValueOneofCase.Func ? [a.Func] : a.List?.Func.ToArray() ?? []).Select(f => f.Name).Append(node.Op).Select(Function).OfType<FunctionDef>();

    public Value Variable(string name, TfNode reader) => States.Read(name, reader, () => Stored(name, reader)) ?? reader.Graph.AddConstant(name, Stored(name, reader));

    /// <summary>Gives a variable another value.</summary>
    public void Assign(string name, TfNode writer, Value value) => States.Assign(name, writer, value, () => Stored(name, writer));

    private Tensor Stored(string name, TfNode user) =>
        _variables(name) ?? throw user.Damaged($"variable '{name}' has no stored value; freeze the graph, or keep its checkpoint or the folder 'variables' beside it");

    private static string Advice(string op) => op switch
    {
        "XlaCallModule" => "a program in StableHLO; write the model with jax2tf.convert(.., native_serialization=False)",
        "XlaRngBitGenerator" => "random bits; give random numbers as an input",
        "MatrixSolveLs" or "Svd" or "Qr" or "Lu" or "Eig" or "SelfAdjointEigV2" or "MatrixExponential" or "MatrixLogarithm" or "MatrixSquareRoot" =>
            "linear algebra, which ONNX does not have; compute it before, in the program",
        _ => "",
    };

    /// <summary>Names every operator without a conversion, with its nodes, at once.</summary>
    /// <param name="outputs">what is wanted of the main graph</param>
    public void RefuseUnknown(IEnumerable<string> outputs)
    {
        var unknown = new List<(string Kind, string Place)>();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        Visit(Main, outputs);
        UnknownLayers.Refuse("The TensorFlow graph", unknown, "Replace these operators in the source model, or cut the graph before them.", Advice);

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
                foreach (string input in Before(source, node)) stack.Push(TfSource.Parse(input).Node);
                foreach (FunctionDef called in Called(node))
                    if (seen.Add(called.Signature.Name)) Visit(Body(called), Returns(called).Concat(Effects(called)));
            }
        }
    }
}
