using EdgeLite.Converter.Importers.TensorFlow.Proto;
using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.TensorFlow;

/// <summary>
/// A part of a TensorFlow graph while it is turned into nodes: the main graph, the body of a function, of a loop, or one side of a
/// condition. Nodes are converted when their results are asked for.
/// </summary>
/// <param name="model">the model</param>
/// <param name="context">the graph that is built</param>
/// <param name="source">the nodes</param>
/// <param name="parent">the part around this one, which has the same nodes; null for main graph and functions</param>
internal sealed class TfScope(TfModel model, TfContext context, TfSource source, TfScope? parent)
{
    /// <summary>Control flow of version 1, whose inputs are converted in another part or not at all.</summary>
    private static readonly HashSet<string> s_frames = new(StringComparer.Ordinal) { "Exit", "Merge", "Enter", "RefEnter", "Switch", "RefSwitch" };

    private readonly Dictionary<(string Node, int Output), TfItem> _items = [];
    private readonly HashSet<string> _converted = new(StringComparer.Ordinal), _refused = new(StringComparer.Ordinal);

    public TfModel Model { get; } = model;
    public TfContext Context { get; } = context;
    public TfSource Source { get; } = source;
    public TfScope? Parent { get; } = parent;

    /// <summary>The predicate whose one side this is (version 1 conditions); null when it is none.</summary>
    public string? Predicate { get; init; }

    public void Set(string node, int output, TfItem item) => _items[(node, output)] = item;

    public bool IsConverted(string node) => _converted.Contains(node);

    /// <summary>Converts a node that gives nothing.</summary>
    public void Run(string node) => Convert(node);

    public TfItem Resolve(string reference)
    {
        (string Node, int Output) key = TfSource.Parse(reference);
        if (Known(key) is { } item) return item;
        Convert(key.Node);
        return Known(key) ?? throw new EdgeLiteException(Status.Unsupported,
            $"{Source.Find(key.Node)?.Op} '{key.Node}': its output {key.Output} is needed and not supported.");
    }

    /// <summary>What was converted already; of a refused node a placeholder.</summary>
    private TfItem? Known((string Node, int Output) key) => _items.TryGetValue(key, out TfItem? item) ? item
        : _refused.Contains(key.Node) ? _items[key] = Context.Refusals.Placeholder(Context.Graph, key.Node) : null;

    /// <summary>What the part around this one has under that name, brought here.</summary>
    public TfItem FromParent(string reference)
    {
        TfItem item = Parent!.Resolve(reference);
        return Parent.Context == Context ? item : Context.Capture(item);
    }

    /// <summary>Whether a side of the condition with that predicate is being built here or further out.</summary>
    public bool IsInside(string predicate)
    {
        for (TfScope? s = this; s != null; s = s.Parent)
            if (s.Predicate == predicate) return true;
        return false;
    }

    private void Convert(string root)
    {
        var stack = new Stack<string>([root]);
        var open = new HashSet<string>(StringComparer.Ordinal);
        while (stack.Count > 0)
        {
            string name = stack.Peek();
            if (_converted.Contains(name))
            {
                stack.Pop();
                continue;
            }
            NodeDef node = Source[name];
            if (Parent != null && (node.Op is "Placeholder" or "PlaceholderV2" or "PlaceholderWithDefault" || Parent.IsConverted(name)))
            {
                Borrow(name);
                stack.Pop();
                continue;
            }
            bool ready = true;
            if (!s_frames.Contains(node.Op))
                foreach (string input in Model.Before(Source, node))
                {
                    (string Node, int Output) key = TfSource.Parse(input);
                    if (_items.ContainsKey(key) || _converted.Contains(key.Node)) continue;
                    stack.Push(key.Node);
                    ready = false;
                }
            if (!ready)
            {
                if (!open.Add(name)) throw new EdgeLiteException(Status.Corrupt, $"The TensorFlow graph has a cycle through {node.Op} '{name}'.");
                continue;
            }
            stack.Pop();
            ConvertOrRefuse(node);
            _converted.Add(name);
        }
    }

    private void Borrow(string name)
    {
        if (!Parent!.IsConverted(name)) Parent.Resolve(name);
        foreach (((string Node, int Output) key, TfItem item) in Parent._items.Where(i => i.Key.Node == name).ToArray())
            _items[key] = Parent.Context == Context ? item : Context.Capture(item);
        _converted.Add(name);
    }

    /// <summary>Converts a node; what a refused one gives, and what is behind it, are placeholders, made when they are asked for.</summary>
    private void ConvertOrRefuse(NodeDef node)
    {
        Refusals refusals = Context.Refusals;
        (string Node, int Output)[] inputs = [.. TfSource.DataInputs(node).Select(TfSource.Parse).Where(k => Known(k) != null).Distinct()];
        if (!inputs.SelectMany(i => _items[i].Values).Any(refusals.IsPlaceholder))
        {
            if (refusals.Try(node.Op, () => ConvertNode(node))) return;
        }
        else if (HasParts(node)) refusals.TryBehind(node.Op, () => ConvertNode(node));
        else
            refusals.TryRanks(node.Op, rank =>
            {
                var apart = new TfScope(Model, new TfContext(new Graph(node.Name), null), Source, null);
                foreach ((string Node, int Output) i in inputs) apart.Set(i.Node, i.Output, _items[i].Map(v => refusals.StandIn(apart.Context.Graph, v, rank)));
                apart.ConvertNode(node);
            });
        foreach ((string Node, int Output) key in _items.Keys.Where(k => k.Node == node.Name).ToArray()) _items.Remove(key);
        _refused.Add(node.Name);
    }

    /// <summary>Whether nodes are converted for this one, which are looked at one by one.</summary>
    private bool HasParts(NodeDef node) => s_frames.Contains(node.Op) || Model.Function(node.Op) != null || node.Attr.Values.Any(a => a.ValueCase == AttrValue.ValueOneofCase.Func || a.List?.Func.Count > 0);

    private void ConvertNode(NodeDef node)
    {
        var tf = new TfNode(this, node);
        try
        {
            if (TfModel.Operator(node.Op) is { } convert) convert(tf);
            else if (Model.Function(node.Op) is { } function)
            {
                TfItem[] results = Call(function, [.. Enumerable.Range(0, tf.InputCount).Select(tf.Item)], Context);
                for (int i = 0; i < results.Length; i++) tf.Set(i, results[i]);
            }
            else throw new EdgeLiteException(Status.UnknownOperator, $"Not supported: {node.Op} ({node.Name}).");
        }
        catch (Exception e) when (e is IndexOutOfRangeException or ArgumentException or OverflowException or InvalidOperationException
            or KeyNotFoundException or DivideByZeroException or InvalidCastException)
        {
            throw new EdgeLiteException(Status.Corrupt, $"{node.Op} '{node.Name}': the graph contradicts itself ({e.Message})", e);
        }
        catch (EdgeLiteException e) when (!e.Message.Contains('\'', StringComparison.Ordinal))
        {
            throw new EdgeLiteException(e.Status, $"{node.Op} '{node.Name}': {e.Message}", e);
        }
    }

    /// <summary>Converts a function in the place of a call: arguments are given, results are returned.</summary>
    public TfItem[] Call(FunctionDef function, ReadOnlySpan<TfItem> arguments, TfContext into)
    {
        if (arguments.Length != function.Signature.InputArg.Count)
            throw new EdgeLiteException(Status.Corrupt, $"Function '{function.Signature.Name}' has {function.Signature.InputArg.Count} arguments and is called with {arguments.Length}.");
        if (Model.Depth >= 64) throw new EdgeLiteException(Status.Corrupt, $"Function '{function.Signature.Name}' is called without end.");
        var scope = new TfScope(Model, into, Model.Body(function), null);
        for (int i = 0; i < arguments.Length; i++) scope.Set(function.Signature.InputArg[i].Name, 0, arguments[i]);
        Model.Depth++;
        try
        {
            TfItem[] results = [.. Model.Returns(function).Select(scope.Resolve)];
            foreach (string effect in Model.Effects(function)) scope.Run(effect);
            return results;
        }
        finally
        {
            Model.Depth--;
        }
    }
}
