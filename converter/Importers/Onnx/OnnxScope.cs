using EdgeLite.Converter.Importers.Onnx.Proto;
using EdgeLite.Converter.Ir;
using EdgeLite.Core;
using EdgeLite.Ops;
using Kind = EdgeLite.Converter.Importers.Onnx.Proto.AttributeProto.Types.AttributeType;

namespace EdgeLite.Converter.Importers.Onnx;

/// <summary>
/// Reads one graph or one function body of the file into a graph, with the names that are visible there. A subgraph has a scope
/// and a graph of its own; a function body has a scope of its own and adds to the caller's graph.
/// </summary>
internal sealed class OnnxScope(OnnxModelContext model, Graph graph, IReadOnlyDictionary<string, long> opsets)
{
    private readonly Dictionary<string, Value?> _names = [];
    private readonly InferContext _infer = new();

    /// <summary>Names of the file that a value of this graph will get; values made up on the way avoid them.</summary>
    private HashSet<string> _reserved = [];

    /// <summary>Types that the file declares for values between nodes.</summary>
    private Dictionary<string, TypeProto> _declared = [];

    /// <summary>In a function body: the attributes of the call, defaults included.</summary>
    private Dictionary<string, AttributeProto>? _arguments;

    /// <summary>In a function body: what the caller calls the function's outputs.</summary>
    private Dictionary<string, string>? _outputNames;

    /// <summary>Put before the names of a function body's own values.</summary>
    private string _prefix = "";

    private bool _isRoot = true;

    public Graph Graph => graph;

    /// <summary>Reads a whole graph: inputs, constants, nodes, outputs.</summary>
    /// <param name="proto">The graph of the file.</param>
    /// <param name="captured">For a subgraph: outer values that it gets, in order; constants among them are copied instead.</param>
    public void ReadGraph(GraphProto proto, IReadOnlyList<KeyValuePair<string, Value>>? captured = null)
    {
        _isRoot = captured == null;
        _reserved = OnnxNames.Defined(proto);
        _declared = Declared(proto.ValueInfo.Concat(proto.Output));
        var constants = new Dictionary<string, Tensor>();
        foreach (TensorProto tensor in proto.Initializer) AddInitializer(tensor.Name, OnnxTensor.Read(tensor, model.Folder));
        foreach (SparseTensorProto sparse in proto.SparseInitializer)
            AddInitializer(sparse.Values?.Name ?? "", OnnxTensor.ReadSparse(sparse, model.Folder));

        foreach (ValueInfoProto input in proto.Input)
        {
            if (constants.ContainsKey(input.Name)) continue;
            if (input.Name.Length == 0) throw Bad("an input has no name");
            TensorType type = OnnxModelContext.Type(input.Type, _isRoot ? graph : null, input.Name);
            Define(input.Name, graph.AddInput(input.Name, type));
        }
        foreach (var (name, tensor) in constants) Define(name, graph.AddConstant(name, tensor));
        foreach (var (name, outer) in captured ?? [])
        {
            Value value = outer.Constant is { } tensor
                ? graph.AddConstant(Fresh(name), tensor)
                : graph.AddInput(Fresh(name), outer.Type with { Shape = Anonymous(outer.Shape) });
            if (!_names.ContainsKey(name)) Define(name, value);
        }

        foreach (NodeProto node in OnnxNames.Sorted(proto.Node, graph.Name)) ReadNode(node);
        foreach (ValueInfoProto output in proto.Output) AddOutput(output);
        foreach (Value value in graph.Values.Where(v => v.IsConstant && v.Consumers.Count == 0 && !graph.Outputs.Contains(v)).ToArray())
            graph.Remove(value);

        void AddInitializer(string name, Tensor tensor)
        {
            if (name.Length == 0) throw Bad("an initializer has no name");
            if (!constants.TryAdd(name, tensor)) throw Bad($"initializer '{OnnxTensor.Clean(name)}' is there twice");
        }
    }

    private void AddOutput(ValueInfoProto output)
    {
        if (!_names.TryGetValue(output.Name, out Value? value) || value == null)
            throw Bad($"output '{OnnxTensor.Clean(output.Name)}' is never computed");
        // A ZipMap declares maps, what is left of it are tensors; anything else that is no tensor is refused by its kind.
        if (value.DType == DType.Undefined) OnnxModelContext.Type(output.Type, null, output.Name);
        if (_isRoot && value.Name != output.Name)
        {
            bool taken = graph.Find(output.Name) != null;
            if (!taken && value.Producer != null && !graph.Outputs.Contains(value)) graph.Rename(value, output.Name);
            else value = graph.Add("Identity", taken ? Fresh(output.Name) : output.Name, [value], type: value.Type);
        }
        graph.AddOutput(value);
    }

    private void ReadNode(NodeProto proto)
    {
        string domain = OnnxModelContext.Domain(proto.Domain);
        string name = model.NodeName(_prefix + proto.Name, _prefix + (proto.Output.FirstOrDefault(o => o.Length > 0) ?? proto.OpType));
        string where = $"{OnnxTensor.Clean(proto.OpType)} '{OnnxTensor.Clean(name)}'";
        if (proto.OpType.Length == 0) throw Bad($"node '{OnnxTensor.Clean(name)}' has no operator");
        var inputs = new List<Value?>();
        foreach (string input in proto.Input) inputs.Add(Lookup(input, where));

        if (model.FindFunction(proto) is { } function)
        {
            Expand(function, proto, inputs, name, where);
            return;
        }
        var draft = new NodeDraft(this, domain, proto.OpType, name, Opset(domain), inputs, [.. proto.Output.Select(o => o.Length > 0)]);
        ReadAttributes(proto, draft, where);
        if (domain.Length == 0 && proto.OpType == "Constant")
        {
            Bind(proto, [AddConstant(draft, proto.Output.FirstOrDefault() ?? "", where)], where);
            return;
        }
        if (OpsetUpgrades.Find(domain, proto.OpType) is { } upgrade) upgrade.Apply(draft);
        if (draft.Results != null) Bind(proto, draft.Results, where, replaced: true);
        else Bind(proto, AddNode(draft, proto), where);
    }

    private Value?[] AddNode(NodeDraft draft, NodeProto proto)
    {
        int count = draft.HasOutput.Length;
        while (count > 1 && !draft.HasOutput[count - 1]) count--;
        while (draft.Inputs.Count > 0 && draft.Inputs[^1] == null) draft.Inputs.RemoveAt(draft.Inputs.Count - 1);
        var outputs = new Value?[count];
        for (int i = 0; i < count; i++)
        {
            if (!draft.HasOutput[i]) continue;
            string output = proto.Output[i];
            TensorType type = _declared.TryGetValue(output, out TypeProto? declared)
                ? OnnxModelContext.Type(declared, _isRoot ? graph : null, output)
                : default;
            outputs[i] = graph.NewValue(NameOf(output), type);
        }
        InferEarly(graph.AddNode(draft.Domain, draft.OpType, draft.Name, draft.Inputs.ToArray(), outputs, draft.Attributes));
        return outputs;
    }

    /// <summary>Gives the names of a node's outputs their values; a value that an upgrade made gets the file's name.</summary>
    private void Bind(NodeProto proto, Value?[] results, string where, bool replaced = false)
    {
        for (int i = 0; i < proto.Output.Count; i++)
        {
            string output = proto.Output[i];
            if (output.Length == 0) continue;
            Value? value = i < results.Length ? results[i] : null;
            if (replaced && value?.Producer != null && !_reserved.Contains(value.Name)) graph.Rename(value, NameOf(output));
            if (!_names.TryAdd(output, value)) throw Bad($"{where} defines '{OnnxTensor.Clean(output)}', which is defined already");
        }
    }

    private Value AddConstant(NodeDraft draft, string output, string where)
    {
        if (draft.Attributes.Count != 1) throw Bad($"{where} must have exactly one value, it has {draft.Attributes.Count}");
        AttributeValue value = draft.Attributes.Items[0].Value;
        Tensor tensor = value.Kind switch
        {
            AttributeKind.Tensor => value.Tensor,
            AttributeKind.Int => Tensor.FromScalar(value.Int),
            AttributeKind.Float => Tensor.FromScalar(value.Float),
            AttributeKind.Ints => Tensor.FromArray<long>(value.Ints, new Shape(value.Ints.Length)),
            AttributeKind.Floats => Tensor.FromArray<float>(value.Floats, new Shape(value.Floats.Length)),
            AttributeKind.String => Tensor.FromStrings([value.String], Shape.Scalar),
            AttributeKind.Strings => Tensor.FromStrings(value.Strings, new Shape(value.Strings.Length)),
            _ => throw Bad($"{where} has a value of kind {value.Kind}"),
        };
        return graph.AddConstant(NameOf(output), tensor);
    }

    private void ReadAttributes(NodeProto proto, NodeDraft draft, string where)
    {
        var graphs = new List<AttributeProto>();
        foreach (AttributeProto given in proto.Attribute)
        {
            AttributeProto? attribute = given;
            if (given.RefAttrName.Length > 0)
            {
                if (_arguments == null) throw Bad($"{where}: attribute '{OnnxTensor.Clean(given.Name)}' refers to a function's attribute outside a function");
                // An attribute that the caller left out and that has no default is absent here too.
                if (!_arguments.TryGetValue(given.RefAttrName, out attribute)) continue;
            }
            // Present in files of operator set 5 and older, without meaning.
            if (given.Name == "consumed_inputs") continue;
            if (OnnxAttributes.KindOf(attribute) == Kind.Graph && attribute.G != null)
            {
                if (attribute != given) throw new EdgeLiteException(Status.Unsupported, $"{where}: functions with graphs as attributes are not supported.");
                graphs.Add(given);
            }
            else draft.Attributes[given.Name] = OnnxAttributes.Read(attribute, model.Folder, where);
        }
        if (graphs.Count > 0) ReadSubgraphs(graphs, draft, where);
    }

    /// <summary>Reads the branches or the body of a control-flow node. Values that any of them takes from here become inputs of
    /// the node and of each of its graphs, in one order.</summary>
    private void ReadSubgraphs(List<AttributeProto> graphs, NodeDraft draft, string where)
    {
        var captured = new List<KeyValuePair<string, Value>>();
        var seen = new HashSet<string>();
        foreach (AttributeProto attribute in graphs)
            foreach (string name in OnnxNames.Free(attribute.G))
                if (seen.Add(name))
                    captured.Add(new(name, Lookup(name, where) ?? throw Bad($"{where} reads '{OnnxTensor.Clean(name)}', which is absent")));
        foreach (AttributeProto attribute in graphs)
        {
            var sub = new Graph(attribute.G.Name.Length > 0 ? attribute.G.Name : $"{draft.Name}/{attribute.Name}");
            new OnnxScope(model, sub, opsets) { _arguments = _arguments, _prefix = _prefix }.ReadGraph(attribute.G, captured);
            draft.Attributes[attribute.Name] = AttributeValue.OfGraph(sub);
        }
        int count = 0;
        foreach (var (_, value) in captured)
        {
            if (value.IsConstant) continue;
            draft.Inputs.Add(value);
            count++;
        }
        draft.Captures = count;
        // Loop and Scan cannot tell captured from carried inputs by counting.
        if (count > 0) draft.Attributes["captures"] = (long)count;
    }

    private void Expand(FunctionProto function, NodeProto call, List<Value?> inputs, string name, string where)
    {
        if (!model.Expanding.Add(function)) throw new EdgeLiteException(Status.InvalidGraph, $"{where}: the function calls itself.");
        if (inputs.Count > function.Input.Count || call.Output.Count > function.Output.Count)
            throw Bad($"{where} has {inputs.Count} inputs and {call.Output.Count} outputs, the function takes {function.Input.Count} and gives {function.Output.Count}");
        Dictionary<string, long> imports = OnnxModelContext.ReadOpsets(function.OpsetImport);
        foreach (var (domain, version) in opsets) imports.TryAdd(domain, version);
        var body = new OnnxScope(model, graph, imports)
        {
            _reserved = _reserved,
            _declared = Declared(function.ValueInfo),
            _arguments = [],
            _outputNames = [],
            _prefix = name + "/",
            _isRoot = _isRoot,
        };
        foreach (AttributeProto attribute in function.AttributeProto) body._arguments[attribute.Name] = attribute;
        foreach (AttributeProto attribute in call.Attribute)
        {
            if (attribute.RefAttrName.Length == 0) body._arguments[attribute.Name] = attribute;
            else if (_arguments != null && _arguments.TryGetValue(attribute.RefAttrName, out AttributeProto? outer)) body._arguments[attribute.Name] = outer;
        }
        for (int i = 0; i < function.Input.Count; i++) body._names[function.Input[i]] = i < inputs.Count ? inputs[i] : null;
        for (int i = 0; i < call.Output.Count; i++)
            if (call.Output[i].Length > 0) body._outputNames[function.Output[i]] = NameOf(call.Output[i]);
        foreach (NodeProto node in OnnxNames.Sorted(function.Node, function.Name)) body.ReadNode(node);

        var results = new Value?[call.Output.Count];
        for (int i = 0; i < results.Length; i++)
            if (call.Output[i].Length > 0) results[i] = body.Lookup(function.Output[i], where);
        for (int i = 0; i < results.Length; i++)
            if (call.Output[i].Length > 0 && !_names.TryAdd(call.Output[i], results[i]))
                throw Bad($"{where} defines '{OnnxTensor.Clean(call.Output[i])}', which is defined already");
        model.Expanding.Remove(function);
    }

    private Value? Lookup(string name, string where)
    {
        if (name.Length == 0) return null;
        return _names.TryGetValue(name, out Value? value) ? value
            : throw Bad($"{where} reads '{OnnxTensor.Clean(name)}', which is not defined");
    }

    private void Define(string name, Value value)
    {
        if (!_names.TryAdd(name, value)) throw Bad($"'{OnnxTensor.Clean(name)}' is defined twice");
    }

    /// <summary>The name in the graph of a name of the file.</summary>
    private string NameOf(string name)
    {
        if (_outputNames == null)
        {
            if (graph.Find(name) != null) throw Bad($"'{OnnxTensor.Clean(name)}' is defined twice");
            return name;
        }
        if (_outputNames.TryGetValue(name, out string? callers) && graph.Find(callers) == null) return callers;
        return Fresh(_prefix + name);
    }

    /// <summary>A name that no value has and none of the file will get.</summary>
    private string Fresh(string hint)
    {
        string name = hint;
        for (int i = 0; graph.Find(name) != null || (name != hint || _outputNames != null || !_isRoot) && _reserved.Contains(name); i++) name = $"{hint}_{i}";
        return name;
    }

    private long Opset(string domain) => opsets.TryGetValue(domain, out long version) ? version : domain.Length == 0 ? OnnxImporter.NewestOpset : 1;

    /// <summary>Adds a node that an upgrade needs; its output gets a new name.</summary>
    internal Value?[] Emit(string domain, string opType, string hint, ReadOnlySpan<Value?> inputs, ReadOnlySpan<bool> wanted, AttributeSet attributes)
    {
        var outputs = new Value?[wanted.Length];
        for (int i = 0; i < outputs.Length; i++)
            if (wanted[i]) outputs[i] = graph.NewValue(FreshInner($"{hint}/{opType}"), default);
        string name = model.NodeName($"{hint}/{opType}", "");
        InferEarly(graph.AddNode(domain, opType, name, inputs, outputs, attributes));
        return outputs;
    }

    internal Value? Find(string name) => _names.GetValueOrDefault(name);

    internal Value[] Inline(Graph body, IReadOnlyList<Value> inputs, string hint) =>
        graph.Inline(body, inputs, name => FreshInner($"{hint}/{name}"), added: InferEarly);

    internal Value EmitConstant(string hint, Tensor tensor) => graph.AddConstant(FreshInner(hint), tensor);

    private string FreshInner(string hint)
    {
        string name = hint;
        for (int i = 0; graph.Find(name) != null || _reserved.Contains(name); i++) name = $"{hint}_{i}";
        return name;
    }

    /// <summary>Types known while reading let upgrades see ranks and element types. Best effort: operators that are not known and
    /// inputs that are wrong are reported by <see cref="ShapeInference"/>, for the whole graph at once.</summary>
    private void InferEarly(Node node)
    {
        if (OperatorTable.Find(node.Domain, node.OpType) == null) return;
        TensorType[] before = [.. node.Outputs.Select(o => o?.Type ?? default)];
        try
        {
            ShapeInference.Infer(node, _infer);
            for (int i = 0; i < before.Length; i++)
                if (node.Outputs[i] is { } output)
                    output.Type = new TensorType(
                        output.DType == DType.Undefined ? before[i].DType : output.DType,
                        output.Shape.IsRanked ? output.Shape : before[i].Shape,
                        output.DType == DType.Undefined ? before[i].Kind : output.Type.Kind);
        }
        catch (EdgeLiteException)
        {
            for (int i = 0; i < before.Length; i++)
                if (node.Outputs[i] is { } output) output.Type = before[i];
        }
    }

    private static Dictionary<string, TypeProto> Declared(IEnumerable<ValueInfoProto> infos)
    {
        var types = new Dictionary<string, TypeProto>();
        foreach (ValueInfoProto info in infos)
            if (info.Type != null) types[info.Name] = info.Type;
        return types;
    }

    /// <summary>The shape without the outer graph's symbols, which mean nothing in a subgraph.</summary>
    private static Shape Anonymous(Shape shape)
    {
        if (!shape.IsRanked) return shape;
        long[] dims = [.. shape.AsSpan()];
        return new Shape([.. dims.Select(d => d < 0 ? Shape.Unknown : d)]);
    }

    private EdgeLiteException Bad(string message) => new(Status.InvalidGraph, $"Graph '{OnnxTensor.Clean(graph.Name)}' of the ONNX model: {message}.");
}
