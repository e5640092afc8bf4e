using EdgeLite.Core;
using EdgeLite.Ops;

namespace EdgeLite.Converter.Ir;

/// <summary>
/// A model between importer and writer: values and nodes over ONNX operators, nodes in an order in which every value is
/// computed before it is used. A subgraph (branch, loop body) is closed: what it needs of the outer graph are its last inputs.
/// </summary>
public sealed class Graph : ISubgraph
{
    private readonly Dictionary<string, Value> _values = [];
    private readonly List<Node> _nodes = [];
    private readonly List<Value> _inputs = [];
    private readonly List<Value> _outputs = [];
    private int _fresh;

    public Graph(string name)
    {
        Name = name;
        Sizes = new DerivedSizes(Symbols);
    }

    public string Name { get; set; }
    public IReadOnlyList<Node> Nodes => _nodes;
    public IReadOnlyList<Value> Inputs => _inputs;
    public IReadOnlyList<Value> Outputs => _outputs;
    public IReadOnlyCollection<Value> Values => _values.Values;

    /// <summary>Names of symbolic dimensions; <see cref="Shape.Symbol"/> indexes this list.</summary>
    public List<string> Symbols { get; } = [];

    /// <summary>Sizes that are computed of the symbols.</summary>
    internal DerivedSizes Sizes { get; }

    /// <summary>Free key-value pairs of the source model (author, labels, signatures).</summary>
    public Dictionary<string, string> Metadata { get; } = [];

    int ISubgraph.InputCount => _inputs.Count;
    int ISubgraph.OutputCount => _outputs.Count;

    /// <summary>The dimension that stands for a symbol; added when new.</summary>
    public long SymbolDim(string symbol)
    {
        int index = Symbols.IndexOf(symbol);
        if (index < 0)
        {
            index = Symbols.Count;
            Symbols.Add(symbol);
        }
        return Shape.Symbol(index);
    }

    public Value? Find(string name) => _values.GetValueOrDefault(name);

    public Value AddInput(string name, TensorType type)
    {
        Value value = NewValue(name, type);
        _inputs.Add(value);
        return value;
    }

    /// <summary>A constant; the tensor must not change afterwards.</summary>
    public Value AddConstant(string name, Tensor tensor)
    {
        Value value = NewValue(FreshName(name), new TensorType(tensor.DType, tensor.Shape));
        value.Constant = tensor;
        return value;
    }

    /// <summary>A value that a node added later will produce. The name must be new.</summary>
    public Value NewValue(string name, TensorType type)
    {
        var value = new Value(name, type);
        if (!_values.TryAdd(name, value))
            throw new EdgeLiteException(Status.InvalidGraph, $"Graph '{Name}' defines value '{name}' twice.");
        return value;
    }

    /// <summary>Appends a node (or inserts it before <paramref name="before"/>) whose outputs are given values without producer.</summary>
    public Node AddNode(string domain, string opType, string name, ReadOnlySpan<Value?> inputs, ReadOnlySpan<Value?> outputs,
        AttributeSet? attributes = null, Node? before = null)
    {
        var node = new Node(this, domain, opType, name, attributes ?? new AttributeSet());
        foreach (Value? input in inputs) Attach(node, input);
        foreach (Value? output in outputs)
        {
            if (output is { Producer: not null } or { IsConstant: true })
                throw new EdgeLiteException(Status.InvalidGraph, $"{node} defines value '{output.Name}', which has a definition already.");
            if (output != null) output.Producer = node;
            node.OutputList.Add(output);
        }
        int index = before == null ? _nodes.Count : _nodes.IndexOf(before);
        _nodes.Insert(index, node);
        return node;
    }

    /// <summary>Appends a node with one new output of the given type (inferred later when left out).</summary>
    public Value Add(string opType, string name, ReadOnlySpan<Value?> inputs, AttributeSet? attributes = null, string domain = "",
        Node? before = null, TensorType type = default)
    {
        Value output = NewValue(FreshName(name), type);
        AddNode(domain, opType, output.Name, inputs, [output], attributes, before);
        return output;
    }

    public void AddOutput(Value value) => _outputs.Add(value);

    /// <summary>Takes the outputs from number <paramref name="count"/> on off the graph; what computes them stays.</summary>
    public void TruncateOutputs(int count) => _outputs.RemoveRange(count, _outputs.Count - count);

    /// <summary>Replaces output number <paramref name="index"/> of the graph; names are not touched.</summary>
    public void SetOutput(int index, Value value) => _outputs[index] = value;

    public void SetInput(Node node, int index, Value? value)
    {
        while (node.InputList.Count <= index) node.InputList.Add(null);
        node.InputList[index]?.ConsumerList.Remove(node);
        node.InputList[index] = value;
        value?.ConsumerList.Add(node);
    }

    /// <summary>Makes every reader of <paramref name="from"/>, graph outputs included, read <paramref name="to"/>.
    /// When <paramref name="from"/> is a graph output, <paramref name="to"/> takes over its name, so that outputs keep theirs.</summary>
    public void ReplaceUses(Value from, Value to)
    {
        if (ReferenceEquals(from, to)) return;
        foreach (Node consumer in from.ConsumerList.Distinct().ToArray())
            for (int i = 0; i < consumer.InputList.Count; i++)
                if (ReferenceEquals(consumer.InputList[i], from)) SetInput(consumer, i, to);
        bool isOutput = false;
        for (int i = 0; i < _outputs.Count; i++)
        {
            if (!ReferenceEquals(_outputs[i], from)) continue;
            _outputs[i] = to;
            isOutput = true;
        }
        if (isOutput && !_inputs.Contains(to) && !to.IsConstant && !_outputs.Any(o => ReferenceEquals(o, to) && o.Name == from.Name)) SwapNames(from, to);
        to.SourceName ??= from.SourceName;
    }

    /// <summary>Removes a node whose outputs nobody reads; its outputs disappear with it.</summary>
    public void Remove(Node node)
    {
        foreach (Value? output in node.OutputList)
        {
            if (output == null) continue;
            if (output.ConsumerList.Count > 0 || _outputs.Contains(output))
                throw new EdgeLiteException(Status.InvalidGraph, $"{node} cannot be removed: '{output.Name}' is still used.");
            _values.Remove(output.Name);
        }
        foreach (Value? input in node.InputList) input?.ConsumerList.Remove(node);
        _nodes.Remove(node);
    }

    /// <summary>Removes an input or constant that nobody reads.</summary>
    public void Remove(Value value)
    {
        if (value.Producer != null || value.ConsumerList.Count > 0 || _outputs.Contains(value))
            throw new EdgeLiteException(Status.InvalidGraph, $"Value '{value.Name}' cannot be removed: it is still used.");
        _inputs.Remove(value);
        _values.Remove(value.Name);
    }

    /// <summary>Puts the inputs in the given order, which must hold each of them; constants in it are passed over.</summary>
    public void OrderInputs(IReadOnlyList<Value> order)
    {
        Value[] sorted = [.. order.Where(v => !v.IsConstant)];
        if (sorted.Length != _inputs.Count || sorted.Except(_inputs).Any())
            throw new EdgeLiteException(Status.InvalidGraph, $"The new order of the inputs of graph '{Name}' does not hold each of them once.");
        _inputs.Clear();
        _inputs.AddRange(sorted);
    }

    /// <summary>Turns an input into a constant.</summary>
    public void FixInput(Value input, Tensor tensor)
    {
        _inputs.Remove(input);
        input.Constant = tensor;
        input.Type = new TensorType(tensor.DType, tensor.Shape);
    }

    public void Rename(Value value, string name)
    {
        if (value.Name == name) return;
        if (_values.ContainsKey(name)) throw new EdgeLiteException(Status.InvalidGraph, $"Value '{name}' exists already.");
        _values.Remove(value.Name);
        value.Name = name;
        _values.Add(name, value);
    }

    /// <summary><paramref name="hint"/> itself when it is free, otherwise with a number.</summary>
    public string FreshName(string hint)
    {
        if (hint.Length > 0 && !_values.ContainsKey(hint)) return hint;
        string name;
        do name = $"{hint}_{_fresh++}";
        while (_values.ContainsKey(name));
        return name;
    }

    /// <summary>Puts the nodes in an order in which values are computed before they are used, otherwise keeping the present one.</summary>
    public void Sort()
    {
        var done = new HashSet<Node>();
        var sorted = new List<Node>(_nodes.Count);
        var stack = new Stack<(Node Node, int Next)>();
        var open = new HashSet<Node>();
        foreach (Node root in _nodes)
        {
            if (done.Contains(root)) continue;
            stack.Push((root, 0));
            open.Add(root);
            while (stack.Count > 0)
            {
                (Node node, int next) = stack.Pop();
                if (next < node.InputList.Count)
                {
                    stack.Push((node, next + 1));
                    Node? producer = node.InputList[next]?.Producer;
                    if (producer == null || done.Contains(producer)) continue;
                    if (!open.Add(producer)) throw new EdgeLiteException(Status.InvalidGraph, $"Graph '{Name}' has a cycle through {producer}.");
                    stack.Push((producer, 0));
                    continue;
                }
                open.Remove(node);
                done.Add(node);
                sorted.Add(node);
            }
        }
        _nodes.Clear();
        _nodes.AddRange(sorted);
    }

    /// <summary>Subgraphs held by attributes of a node.</summary>
    public static IEnumerable<Graph> Subgraphs(Node node) =>
        node.Attributes.Items.Where(a => a.Value.Kind == AttributeKind.Graph).Select(a => (Graph)a.Value.Graph);

    void ISubgraph.Infer(ReadOnlySpan<TensorType> inputs, Span<TensorType> outputs) => ShapeInference.InferSubgraph(this, inputs, outputs);

    ReadOnlySpan<Tensor> ISubgraph.Run(ReadOnlySpan<Tensor> inputs) => new GraphInterpreter(this).Run(inputs);

    private static void Attach(Node node, Value? input)
    {
        node.InputList.Add(input);
        input?.ConsumerList.Add(node);
    }

    private void SwapNames(Value a, Value b)
    {
        (a.Name, b.Name) = (b.Name, a.Name);
        _values[a.Name] = a;
        _values[b.Name] = b;
    }
}
