using EdgeLite.Core;
using EdgeLite.Devices;
using EdgeLite.Devices.Cuda;
using EdgeLite.Format;
using EdgeLite.Ops;

namespace EdgeLite.Sessions;

/// <summary>Plans and runs one graph of a model; a subgraph of If, Loop or Scan has an executor of its own.</summary>
internal sealed class GraphExecutor : ISubgraph, IDisposable
{
    /// <summary>Plans kept for different input shapes; the least recently used one goes first.</summary>
    private const int MaxPlans = 4;

    /// <param name="inputs">types of the inputs; open where states grow</param>
    /// <param name="graph">the graph, typed for them</param>
    /// <param name="plan">the plan, if every shape is known</param>
    /// <param name="dynamic">the plan, if not</param>
    private sealed class Entry(TensorType[] inputs, TypedGraph graph, IStaticPlan? plan, DynamicPlan? dynamic)
    {
        public readonly TensorType[] Inputs = inputs;
        public readonly TypedGraph Graph = graph;
        public readonly IStaticPlan? Static = plan;
        public readonly DynamicPlan? Dynamic = dynamic;
        public Tensor[] InputTensors => Static?.Inputs ?? Dynamic!.Inputs;
        public Tensor[] OutputTensors => Static?.Outputs ?? Dynamic!.Outputs;
    }

    private readonly GraphDefinition _definition;
    private readonly Operator[] _operators;
    private readonly IDevice _device;
    private readonly int _threads;
    private readonly bool _keepAll;
    private readonly List<Entry> _plans = [];

    public GraphExecutor(GraphDefinition definition, IDevice device, int threads, bool keepAll, Func<ISubgraph, ISubgraph> subgraph)
    {
        _definition = Instantiate(definition, subgraph);
        _operators = TypedGraph.CreateOperators(_definition);
        _device = device;
        _threads = threads;
        _keepAll = keepAll;
    }

    /// <summary>The pool of the session; a subgraph runs on the same one.</summary>
    public nint Pool { get; set; }

    public GraphDefinition Definition => _definition;
    public string Name => _definition.Name;
    public int InputCount => _definition.Inputs.Length;
    public int OutputCount => _definition.Outputs.Length;

    public bool IsPrepared => _plans.Count > 0;
    public Tensor[] Inputs => _plans[0].InputTensors;
    public Tensor[] Outputs => _plans[0].OutputTensors;

    /// <summary>The present plan when it is static, otherwise null.</summary>
    public IStaticPlan? Static => _plans[0].Static;

    /// <summary>Whether the present plan takes input <paramref name="i"/> in any size, as its state grows.</summary>
    public bool IsOpen(int i) => !_plans[0].Inputs[i].IsKnown && !_plans[0].Inputs[i].IsList;

    /// <summary>Makes the plan for these input types current, building it when it is not kept already.</summary>
    public void Prepare(ReadOnlySpan<TensorType> inputs)
    {
        for (int i = 0; i < _plans.Count; i++)
        {
            if (!GrowingStates.Fit(_plans[i].Inputs, inputs)) continue;
            Entry found = _plans[i];
            found.Dynamic?.SetInputTypes(inputs);
            if (i == 0) return;
            _plans.RemoveAt(i);
            _plans.Insert(0, found);
            return;
        }
        CheckInputs(inputs);
        Entry entry = Build(inputs);
        if (_plans.Count == MaxPlans)
        {
            Release(_plans[^1]);
            _plans.RemoveAt(_plans.Count - 1);
        }
        _plans.Insert(0, entry);
    }

    /// <summary>Sizes come from the file: one that overflows or that the machine cannot hold is an error of the model, not a crash.</summary>
    private Entry Build(ReadOnlySpan<TensorType> inputs)
    {
        try
        {
            TypedGraph graph = TypedGraph.Create(_definition, _operators, inputs);
            TensorType[] types = inputs.ToArray();
            return !GrowingStates.Open(_definition, _operators, ref graph, types) && graph.IsStatic
                ? new Entry(types, graph, MakePlan(graph), null)
                : new Entry(types, graph, null, new DynamicPlan(graph, inputs, _device, _threads, FrontOf(graph)));
        }
        catch (Exception e) when (e is OverflowException or OutOfMemoryException)
        {
            throw TooLarge(e);
        }
    }

    private EdgeLiteException TooLarge(Exception e) => e is OverflowException
        ? new EdgeLiteException(Status.InvalidGraph, $"Graph '{Name}' has sizes that overflow 64 bits or a kernel's 32-bit dimension.", e)
        : new EdgeLiteException(Status.OutOfMemory, $"Graph '{Name}' needs more memory than there is.", e);

    /// <summary>Of a graph whose shapes depend on values the part before that, for a GPU. States change their memory, so that a graph with some has none.</summary>
    private CudaPlan? FrontOf(TypedGraph graph)
    {
        if (!CudaDevice.IsSupported || _device is not CudaDevice cuda || _keepAll || graph.Definition.States.Length > 0) return null;
        foreach (int v in graph.Definition.Inputs)
            if (!graph.Types[v].IsKnown || graph.Types[v].IsList) return null;
        return graph.Front() is { } front ? new CudaPlan(front, cuda, _threads, false) : null;
    }

    private IStaticPlan MakePlan(TypedGraph graph) => CudaDevice.IsSupported && _device is CudaDevice cuda
        ? new CudaPlan(graph, cuda, _threads, _keepAll)
        : new StaticPlan(graph, _device, _threads, _keepAll);

    /// <param name="onValue">shown each value as it is computed, or null</param>
    public void Run(Action<int, Tensor>? onValue = null)
    {
        Entry current = _plans[0];
        try
        {
            if (current.Dynamic is { } dynamic) dynamic.Run(Pool, onValue);
            else if (onValue == null) current.Static!.Run(Pool);
            else if (current.Static is StaticPlan plan) plan.RunShowing(Pool, onValue);
            else throw new EdgeLiteException(Status.Unsupported, "Values on a GPU are not shown as they are computed; keep them with KeepAllValues.");
        }
        catch (Exception e) when (e is OverflowException or OutOfMemoryException)
        {
            throw TooLarge(e); // shapes that depend on values
        }
    }

    /// <summary>Makes the states that the last run left those that the next one starts from.</summary>
    public void AdvanceStates()
    {
        _plans[0].Static?.AdvanceStates();
        _plans[0].Dynamic?.AdvanceStates();
    }

    public void Dispose()
    {
        foreach (Entry entry in _plans) Release(entry);
        _plans.Clear();
        foreach (NodeDefinition node in _definition.Nodes)
            foreach (var (_, value) in node.Attributes)
                if (value.Kind == AttributeKind.Graph) ((GraphExecutor)value.Graph).Dispose();
    }

    void ISubgraph.Infer(ReadOnlySpan<TensorType> inputs, Span<TensorType> outputs)
    {
        TypedGraph graph = TypedGraph.Create(_definition, _operators, inputs);
        for (int i = 0; i < outputs.Length; i++) outputs[i] = graph.Types[_definition.Outputs[i]];
    }

    ReadOnlySpan<Tensor> ISubgraph.Run(ReadOnlySpan<Tensor> inputs)
    {
        Span<TensorType> types = stackalloc TensorType[inputs.Length];
        for (int i = 0; i < inputs.Length; i++) types[i] = inputs[i].Type;
        Prepare(types);
        Tensor[] targets = Inputs;
        for (int i = 0; i < inputs.Length; i++) inputs[i].CopyTo(targets[i]);
        Run();
        return Outputs;
    }

    private void CheckInputs(ReadOnlySpan<TensorType> inputs)
    {
        for (int i = 0; i < inputs.Length; i++) CheckInput(i, inputs[i]);
    }

    /// <summary>Refuses a type that is not fully known or contradicts what input <paramref name="i"/> is declared to be.</summary>
    public void CheckInput(int i, TensorType type)
    {
        ValueDefinition value = _definition.Values[_definition.Inputs[i]];
        TensorType declared = value.Type;
        if (declared.DType != DType.Undefined && declared.DType != type.DType)
            throw new EdgeLiteException(Status.InvalidType, $"Input '{value.Name}' is {declared.DType.Name()}, got {type.DType.Name()}.");
        if (declared.DType != DType.Undefined && declared.Kind != type.Kind)
            throw new EdgeLiteException(Status.InvalidType, $"Input '{value.Name}' is {declared}, got {type}.");
        if (type.IsList) return;
        if (!type.Shape.IsKnown)
            throw new EdgeLiteException(Status.InvalidShape, $"Input '{value.Name}' needs a full shape; its declared shape is {Describe(declared.Shape)}: give the unknown dimensions a size.");
        if (!declared.Shape.Admits(type.Shape))
            throw new EdgeLiteException(Status.InvalidShape, $"Input '{value.Name}' has shape {Describe(declared.Shape)}, got {type.Shape}.");
    }

    /// <summary>Refuses inputs whose sizes differ where the model names them alike: what was planned takes them for equal. Inputs that grow from run to run
    /// have the sizes of what they took over.</summary>
    public void CheckSymbols()
    {
        var first = new int[_definition.Symbols.Length]; // 1 and the input that has the symbol first
        var sizes = new long[first.Length];
        for (int i = 0; i < _definition.Inputs.Length; i++)
        {
            ValueDefinition value = _definition.Values[_definition.Inputs[i]];
            Shape declared = value.Type.Shape;
            if (value.Type.IsList || !declared.IsRanked || IsOpen(i)) continue;
            for (int d = 0; d < declared.Rank; d++)
            {
                int symbol = declared[d] < Shape.Unknown ? Shape.SymbolIndex(declared[d]) : -1;
                if (symbol < 0 || symbol >= first.Length) continue;
                long size = Inputs[i].Shape[d];
                if (first[symbol] == 0) (first[symbol], sizes[symbol]) = (i + 1, size);
                int other = first[symbol] - 1;
                if (sizes[symbol] != size)
                    throw new EdgeLiteException(Status.InvalidShape, $"Dimension '{_definition.Symbols[symbol]}' is {sizes[symbol]} in input '{_definition.Values[_definition.Inputs[other]].Name}' {Inputs[other].Shape} "
                        + $"and {size} in '{value.Name}' {Inputs[i].Shape}: the model says that it is one size.");
            }
        }
    }

    /// <summary>A shape with the names of its symbols.</summary>
    public string Describe(Shape shape)
    {
        if (!shape.IsRanked) return shape.ToString();
        var names = new string[shape.Rank];
        for (int i = 0; i < names.Length; i++)
        {
            long dim = shape[i];
            int symbol = dim < Shape.Unknown ? Shape.SymbolIndex(dim) : -1;
            names[i] = dim >= 0 ? dim.ToString() : symbol >= 0 && symbol < _definition.Symbols.Length ? _definition.Symbols[symbol] : "?";
        }
        return $"[{string.Join(',', names)}]";
    }

    /// <summary>A copy of the definition whose graph attributes are executors of this session.</summary>
    private static GraphDefinition Instantiate(GraphDefinition definition, Func<ISubgraph, ISubgraph> subgraph)
    {
        if (!Array.Exists(definition.Nodes, HasSubgraph)) return definition;
        return new GraphDefinition
        {
            Name = definition.Name,
            Values = definition.Values,
            Inputs = definition.Inputs,
            Outputs = definition.Outputs,
            Symbols = definition.Symbols,
            ArenaBytes = definition.ArenaBytes,
            States = definition.States,
            Nodes = Array.ConvertAll(definition.Nodes, node =>
            {
                AttributeSet attributes = node.Attributes.Clone();
                foreach (var (name, value) in node.Attributes)
                    if (value.Kind == AttributeKind.Graph) attributes[name] = AttributeValue.OfGraph(subgraph(value.Graph));
                return new NodeDefinition
                {
                    Domain = node.Domain, OpType = node.OpType, Name = node.Name,
                    Inputs = node.Inputs, Outputs = node.Outputs, Attributes = attributes,
                };
            }),
        };
    }

    private static bool HasSubgraph(NodeDefinition node)
    {
        foreach (var (_, value) in node.Attributes)
            if (value.Kind == AttributeKind.Graph) return true;
        return false;
    }

    private static void Release(Entry entry)
    {
        entry.Static?.Dispose();
        entry.Dynamic?.Dispose();
        for (int v = 0; v < entry.Graph.Constants.Length; v++)
            if (!ReferenceEquals(entry.Graph.Constants[v], entry.Graph.Definition.Values[v].Constant)) entry.Graph.Constants[v]?.Dispose();
    }
}
