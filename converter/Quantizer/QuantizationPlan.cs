using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Quantizing;

/// <summary>
/// Decides which values become int8 (or int16, where the options say so) and with which parameters. Layers are quantized; other operators follow where what they read is
/// int8 already, or where they stand between graph inputs and a layer. A value that an operator takes in whole (a layer before
/// its Relu, a product before its bias, a table before a table) stays unstored and gets no parameters.
/// </summary>
internal sealed class QuantizationPlan
{
    /// <summary>How much coarser a Concat's common scale may make one of its parts.</summary>
    private const double MaxConcatLoss = 4;

    private readonly Graph _graph;
    private readonly Dictionary<Value, RangeObserver> _observed;
    private readonly QuantizationOptions _options;
    private readonly Dictionary<Node, QuantizationRole> _roles = [];
    private readonly Dictionary<Node, string> _reasons = [];
    private readonly HashSet<Node> _active = [];
    private readonly HashSet<Value> _taken = [];
    private readonly HashSet<Value> _outputs;
    private readonly HashSet<Value> _last;
    private readonly HashSet<Node> _layers;
    private readonly Dictionary<Value, Value> _parents = [];

    /// <param name="graph">float, but for what <paramref name="before"/> made integers of</param>
    /// <param name="observed">ranges of the values</param>
    /// <param name="options">types and forms of layers</param>
    /// <param name="before">a plan that is written into the graph already; its nodes are left as they are</param>
    public QuantizationPlan(Graph graph, Dictionary<Value, RangeObserver> observed, QuantizationOptions options, QuantizationPlan? before = null)
    {
        _graph = graph;
        _observed = observed;
        _options = options;
        _outputs = [.. graph.Outputs];
        _layers = before?._layers ?? [.. graph.Nodes.Where(n => QuantizationRoles.Of(n).Role == QuantizationRole.Layer)];
        Classify(before);
        _last = Last(n => _roles[n] == QuantizationRole.Layer);
        if (!options.Int8IO) LeaveEnd();
        Activate();
        TakeIn();
        foreach (Value value in graph.Inputs.Concat(graph.Nodes.SelectMany(n => n.Outputs).OfType<Value>()))
            if (IsQuantized(value)) Quantized.Add(value);
        Parameters = Parametrize();
    }

    /// <summary>Values to quantize, in the order in which they are computed.</summary>
    public List<Value> Quantized { get; } = [];

    public IReadOnlyDictionary<Value, TensorQuantization> Parameters { get; }

    /// <summary>The type of quantized values.</summary>
    public DType Activations => _options.Activations;

    /// <summary>Nodes that become integer operators, in order.</summary>
    public IEnumerable<Node> Active => _graph.Nodes.Where(_active.Contains);

    public QuantizationRole RoleOf(Node node) => _active.Contains(node) ? _roles[node] : QuantizationRole.Float;

    /// <summary>Constants that must be dequantized from int8 too: operands of arithmetic and concatenation.</summary>
    public bool TakesInt8(Node node, int input) =>
        _active.Contains(node) && !_biasAdds.Contains(node) && QuantizationRoles.DataInputs(node, _roles[node]).Contains(input);

    /// <summary>The bias of a product, given by an Add behind it: (Add, index of the bias).</summary>
    public IEnumerable<(Node Product, Node Add, int Bias)> BiasedProducts()
    {
        foreach (Node node in _graph.Nodes)
            if (_active.Contains(node) && BiasAdd(node) is var (add, bias)) yield return (node, add, bias);
    }

    /// <summary>The value that holds a layer's result once its bias and clamp are taken in.</summary>
    public Value Stored(Value value)
    {
        while (_taken.Contains(value)) value = value.Consumers[0].Output;
        return value;
    }

    /// <summary>True when every reader of a value must read what was stored; otherwise only int8 readers do.</summary>
    public bool ReadByAll(Value value) => value.Producer != null ? _active.Contains(value.Producer) : _options.Int8IO;

    /// <summary>What stays float, to be asked before the plan is written into the graph.</summary>
    public IEnumerable<(Node Node, KeptFloat Kept)> KeptFloat() => _graph.Nodes
        .Where(n => !_active.Contains(n) && _options.FormOf(n) is null or LayerForm.Float && n.Outputs.Any(o => o is { DType: DType.Float32 }) && n.Inputs.Any(i => i is { IsConstant: false }))
        .Select(n => (n, new KeptFloat(n.ToString(), _reasons.GetValueOrDefault(n, "nothing around it is int8"))));

    private readonly HashSet<Node> _biasAdds = [];

    private void Classify(QuantizationPlan? before)
    {
        _options.RequireKeptNodes(_graph);
        foreach (Node node in _graph.Nodes)
        {
            (QuantizationRole role, string? reason) = QuantizationRoles.Of(node);
            if (_options.KeepFloat.LastOrDefault(entry => QuantizationOptions.Fits(entry, node)) is { } kept)
                (role, reason) = (QuantizationRole.Float, $"asked for by '{kept}'");
            if (role != QuantizationRole.Float && _options.FormOf(node) is { } form && !(form == LayerForm.SixteenBits && Activations == DType.Int16))
                (role, reason) = (QuantizationRole.Float, "the budget needs it");
            if (before?._active.Contains(node) == true) role = QuantizationRole.Float;
            if (role != QuantizationRole.Float)
            {
                Value? unusable = node.Inputs.Concat(node.Outputs).FirstOrDefault(
                    v => QuantizationRoles.IsActivation(v) && (!_observed.TryGetValue(v!, out RangeObserver? o) || o.NonFinite > 0 || o.Count == 0));
                if (unusable != null)
                {
                    bool seen = _observed.TryGetValue(unusable, out RangeObserver? o) && o.NonFinite > 0;
                    (role, reason) = (QuantizationRole.Float, seen ? $"'{unusable.Name}' held NaN or infinity on calibration data" : $"'{unusable.Name}' was never computed on calibration data");
                }
            }
            _roles[node] = role;
            if (reason != null) _reasons[node] = reason;
        }
    }

    /// <summary>What only makes answers of the last layers' results (scores, coordinates) is computed on few numbers, of which each counts:
    /// it stays float, but for what a layer takes in and what moves its int8 numbers.</summary>
    private void LeaveEnd()
    {
        HashSet<Value> end = Last(_layers.Contains);
        foreach (Node node in _graph.Nodes)
        {
            if (_roles[node] is QuantizationRole.Float or QuantizationRole.Layer or QuantizationRole.Moving || !node.Outputs.All(o => o == null || end.Contains(o))) continue;
            if (IsBiasAdd(node) || QuantizationRoles.IsClamp(node) && node.Inputs[0]?.Producer is { } before && (_roles[before] == QuantizationRole.Layer || IsBiasAdd(before)) && SoleReader(before.Output) == node) continue;
            _roles[node] = QuantizationRole.Float;
            _reasons[node] = "no layer follows, and float costs little there";
        }
    }

    private void Activate()
    {
        foreach (Node node in _graph.Nodes)
            if (_roles[node] == QuantizationRole.Layer) _active.Add(node);
        bool changed = true;
        while (changed)
        {
            changed = false;
            foreach (Node node in _graph.Nodes)
            {
                if (_active.Contains(node) || _roles[node] == QuantizationRole.Float) continue;
                Value[] data = [.. QuantizationRoles.DataInputs(node, _roles[node]).Select(i => node.Inputs[i]!).Where(v => !v.IsConstant)];
                bool follows = data.Any(v => v.Producer != null && _active.Contains(v.Producer));
                bool leads = data.All(v => v.Producer == null || _active.Contains(v.Producer)) && node.Outputs.Any(o => o!.Consumers.Any(c => _active.Contains(c)));
                if (!follows && !leads) continue;
                _active.Add(node);
                changed = true;
            }
        }
    }

    private void TakeIn()
    {
        foreach (Node node in _graph.Nodes)
        {
            if (!_active.Contains(node)) continue;
            if (BiasAdd(node) is var (add, _))
            {
                _taken.Add(node.Output);
                _biasAdds.Add(add);
                _active.Add(add);
                continue;
            }
            if (node.Outputs.Count != 1 || SoleReader(node.Output) is not { } next || !_active.Contains(next)) continue;
            bool clamps = _roles[node] is QuantizationRole.Layer or QuantizationRole.Arithmetic or QuantizationRole.Averaging || _biasAdds.Contains(node);
            if (clamps ? QuantizationRoles.IsClamp(next) : IsFreeTable(node) && _roles[next] == QuantizationRole.Table) _taken.Add(node.Output);
        }
    }

    // A table whose operand is stored; the clamp of a layer is none.
    private bool IsFreeTable(Node node) => _roles[node] == QuantizationRole.Table && !_biasAdds.Contains(node)
        && QuantizationRoles.DataInputs(node, QuantizationRole.Table).All(
            i => !_taken.Contains(node.Inputs[i]!) || node.Inputs[i]!.Producer is { } p && _roles[p] == QuantizationRole.Table && !_biasAdds.Contains(p));

    /// <summary>The Add of a constant row behind a MatMul, when it alone reads the product.</summary>
    private (Node Add, int Bias)? BiasAdd(Node node)
    {
        if (!node.Is("MatMul") || SoleReader(node.Output) is not { } add || !add.Is("Add") || _roles[add] == QuantizationRole.Float) return null;
        int bias = add.Inputs[0] == node.Output ? 1 : 0;
        return QuantizationRoles.IsBias(add.Inputs[bias]!, node.Inputs[1]!.Shape[1]) && add.Output.Shape == node.Output.Shape ? (add, bias) : null;
    }

    private bool IsBiasAdd(Node node) => node.Inputs.Any(i => i?.Producer is { } product && BiasAdd(product)?.Add == node);

    private Node? SoleReader(Value value) => value.Consumers.Count == 1 && !_outputs.Contains(value) ? value.Consumers[0] : null;

    private bool IsQuantized(Value value)
    {
        if (!QuantizationRoles.IsActivation(value) || _taken.Contains(value)) return false;
        if (value.Producer is { } producer && _active.Contains(producer)) return true;
        if (value.Producer == null && _options.Int8IO && _observed.TryGetValue(value, out RangeObserver? o) && o is { Count: > 0, NonFinite: 0 }) return true;
        foreach (Node reader in value.Consumers)
            for (int i = 0; i < reader.Inputs.Count; i++)
                if (reader.Inputs[i] == value && TakesInt8(reader, i)) return true;
        return false;
    }

    private Dictionary<Value, TensorQuantization> Parametrize()
    {
        foreach (Value value in Quantized) _parents[value] = value;
        foreach (Node node in Active)
        {
            if (_roles[node] is not (QuantizationRole.Moving or QuantizationRole.Averaging)) continue;
            foreach (Value? output in node.Outputs) Unite(node.Inputs[0]!, Stored(output!));
        }
        var fixedRoots = new HashSet<Value>();
        var ranges = new Dictionary<Value, (float Min, float Max)>();
        foreach (Value value in Quantized)
        {
            Value root = Root(value);
            // Fixed parameters suit the function's own result, not what a Concat mixes with it.
            if (_options.Activations == DType.Int8 && value.Producer is { } p && _active.Contains(p) && (p.Is("Softmax") || p.Is("Sigmoid"))) fixedRoots.Add(root);
            ranges[root] = Join(ranges.GetValueOrDefault(root), RangeOf(value));
        }
        foreach (Node node in Active)
            if (_roles[node] == QuantizationRole.Concat) JoinParts(node, ranges, fixedRoots);
        var parameters = new Dictionary<Value, TensorQuantization>();
        foreach (Value value in Quantized)
        {
            Value root = Root(value);
            (float min, float max) = ranges[root];
            parameters[value] = fixedRoots.Contains(root) ? TensorQuantization.Probability : TensorQuantization.FromRange(min, max, _options.Activations);
        }
        return parameters;
    }

    private void JoinParts(Node concat, Dictionary<Value, (float Min, float Max)> ranges, HashSet<Value> fixedRoots)
    {
        Value[] parts = [.. concat.Inputs.Where(i => !i!.IsConstant).Select(i => Root(i!)).Distinct()!];
        Value output = Root(concat.Output);
        if (fixedRoots.Contains(output)) return;
        if (parts.All(fixedRoots.Contains) && concat.Inputs.All(i => !i!.IsConstant))
        {
            fixedRoots.Add(output);
            return;
        }
        (float Min, float Max) all = ranges[output];
        foreach (Value part in parts) all = Join(all, fixedRoots.Contains(part) ? (0, 1) : ranges[part]);
        ranges[output] = all;
        foreach (Value part in parts)
        {
            (float min, float max) = ranges[part];
            if (fixedRoots.Contains(part) || (double)all.Max - all.Min > MaxConcatLoss * ((double)max - min)) continue;
            Unite(output, part);
            output = Root(output);
            ranges[output] = all;
        }
    }

    // Pictures use the ends of their range, and of the numbers that a model answers with the largest count most; what is rare there is
    // not noise.
    private (float Min, float Max) RangeOf(Value value) =>
        _observed[value].Range(value.Producer == null || _last.Contains(value) ? RangeMethod.MinMax : _options.Method, _options.Percentile);

    /// <summary>Values from which no layer leads to an output: the last layers' results and what follows.</summary>
    private HashSet<Value> Last(Func<Node, bool> isLayer)
    {
        var last = new HashSet<Value>();
        foreach (Node node in _graph.Nodes.Reverse())
        {
            bool isLast = node.Outputs.All(o => o == null || o.Consumers.All(c => !isLayer(c) && c.Outputs.All(v => v == null || last.Contains(v))));
            if (isLast) last.UnionWith(node.Outputs.OfType<Value>());
        }
        return last;
    }

    private static (float Min, float Max) Join((float Min, float Max) a, (float Min, float Max) b) => (Math.Min(a.Min, b.Min), Math.Max(a.Max, b.Max));

    private Value Root(Value value)
    {
        while (_parents[value] != value) value = _parents[value];
        return value;
    }

    private void Unite(Value a, Value b) => _parents[Root(b)] = Root(a);
}
