using EdgeLite.Converter.Ir;
using EdgeLite.Core;
using EdgeLite.Ops;

namespace EdgeLite.Converter.Importers.Cntk;

/// <summary>
/// Functions that depend on each other by way of PastValue (or FutureValue): one step of a recurrence. They become the body of a Scan along
/// the sequence, whose states are what the delays remember: [steps, ..] each, the oldest first.
/// </summary>
internal sealed class CntkRecurrence
{
    private readonly CntkImporter _network;
    private readonly HashSet<string> _members;
    private readonly string[] _order, _delays, _outside;
    private readonly Dictionary<string, CntkValue> _values;

    /// <param name="network">the whole</param>
    /// <param name="group">the variables that depend on each other</param>
    /// <param name="values">what has been converted already, all that these functions need among it</param>
    public CntkRecurrence(CntkImporter network, string[] group, Dictionary<string, CntkValue> values)
    {
        (_network, _values, _members) = (network, values, [.. group]);
        _delays = [.. group.Where(IsDelay)];
        List<string[]> order = CntkOrder.Of(group, v => IsDelay(v) ? [] : network.Needs(v).Where(_members.Contains));
        if (_delays.Length == 0 || order.Find(g => g.Length > 1) != null)
            throw new EdgeLiteException(Status.Unsupported, $"'{order.Find(g => g.Length > 1)?[0] ?? group[0]}' depends on itself without PastValue or FutureValue between.");
        _order = [.. order.Select(g => g[0])];
        _outside = [.. group.SelectMany(v => IsDelay(v) ? network.Needs(v).Take(1) : network.Needs(v)).Where(v => !_members.Contains(v)).Distinct(StringComparer.Ordinal)];
        if (_delays.Select(network.OpOf).Distinct().Count() > 1) throw new EdgeLiteException(Status.Unsupported, $"'{_delays[0]}' depends on itself forwards and backwards in time (PastValue and FutureValue in one recurrence), which has no conversion.");
        if (_delays.FirstOrDefault(d => network.Needs(d).Skip(1).Any(_members.Contains)) is { } odd) throw new EdgeLiteException(Status.Unsupported, $"The initial state of '{odd}' depends on what follows from it, which has no conversion.");
    }

    private bool IsDelay(string variable) => _network.OpOf(variable) is CntkOp.PastValue or CntkOp.FutureValue;

    private int Steps(string delay) => _network.Setting(delay, "offset") is > 0 and < 1 << 16 and long steps ? (int)steps : throw new EdgeLiteException(Status.Corrupt, $"'{delay}' looks {_network.Setting(delay, "offset")} steps away.");

    /// <summary>Outside values that have a sequence, step by step; those of one step (the last of a sequence) are the same in each.</summary>
    private string[] Scanned()
    {
        string[] all = [.. _outside.Where(v => _values[v].HasBatch)], several = [.. all.Where(v => _values[v].Value.Shape[0] != 1)];
        return several.Length > 0 ? several : all;
    }

    /// <summary>Adds the Scan, and its results to the values.</summary>
    /// <param name="graph">where it goes</param>
    /// <param name="refusals">what the network's functions refuse</param>
    /// <param name="wanted">those of the variables that something else needs</param>
    public void Convert(Graph graph, Refusals refusals, string[] wanted)
    {
        Dictionary<string, long[]> sizes = Sizes();
        string name = _delays[0];
        var body = new Graph(name + "/step");
        var step = new NodeBuilder(body, "step", $"The step of '{name}'");
        var inner = new Dictionary<string, CntkValue>(StringComparer.Ordinal);
        foreach (string delay in _delays)
        {
            Value state = body.AddInput(delay, new TensorType(DType.Float32, new Shape([Steps(delay), .. sizes[delay]])));
            inner[delay] = new(Steps(delay) == 1 ? state : step.Emit("Slice", [state, step.Ints(0), step.Ints(1), step.Ints(0)]), true);
        }
        string[] scanned = Scanned(), captured = [.. _outside.Except(scanned).Where(v => !_values[v].Value.IsConstant)];
        if (scanned.Length == 0) throw new EdgeLiteException(Status.Unsupported, $"The recurrence of '{name}' reads no sequence, so how many steps it takes is not known. Export the model to ONNX instead.");
        foreach (string variable in scanned)
        {
            Value slice = body.AddInput(body.FreshName(variable), ShapeInference.WithoutSymbols(new TensorType(DType.Float32, new Shape(_values[variable].Dims))));
            inner[variable] = new(step.Emit("Unsqueeze", [slice, step.Ints(0)]), true);
        }
        foreach (string variable in captured) inner[variable] = _values[variable] with { Value = body.AddInput(body.FreshName(variable), ShapeInference.WithoutSymbols(_values[variable].Value.Type)) };
        foreach (string variable in _outside.Where(v => _values[v].Value.IsConstant)) inner[variable] = Constant(body, variable);
        foreach (string variable in _order.Except(_delays)) _network.Convert(variable, body, inner);
        if (refusals.Any)
        {
            foreach (string variable in wanted) _values[variable] = new(refusals.Placeholder(graph, variable), true);
            return;
        }

        foreach (string delay in _delays)
        {
            Value next = inner[_network.Needs(delay)[0]].Value, state = body.Find(delay)!;
            if (Steps(delay) > 1) next = step.Emit("Concat", [step.Emit("Slice", [state, step.Ints(1), step.Ints(long.MaxValue), step.Ints(0)]), next], ("axis", 0));
            if (!next.Shape.IsRanked || next.Shape.Rank != state.Shape.Rank || next.Shape.AsSpan()[1..].ToArray().Zip(sizes[delay]).Any(d => d.First != d.Second))
                throw new EdgeLiteException(Status.Unsupported, $"'{delay}' has the shape {state.Shape} and is {next.Shape} in the next step, which has no conversion.");
            NodeBuilder.AddOutput(body, next, body.FreshName(delay + "/next"));
        }
        foreach (string variable in wanted) NodeBuilder.AddOutput(body, step.Emit("Squeeze", [inner[variable].Value, step.Ints(0)]), body.FreshName(variable + "/each"));

        var outer = new NodeBuilder(graph, name, $"Recurrence of '{name}'");
        Value[] initial = [.. _delays.Select(d => Initial(outer, d, sizes[d]))];
        long direction = _network.OpOf(name) == CntkOp.FutureValue ? 1 : 0;
        Value[] results = outer.EmitMany("Scan", _delays.Length + wanted.Length, [.. initial, .. scanned.Concat(captured).Select(v => _values[v].Value)], ("body", AttributeValue.OfGraph(body)),
            ("num_scan_inputs", (long)scanned.Length), ("captures", (long)captured.Length), ("scan_input_directions", (long[])[.. scanned.Select(_ => direction)]), ("scan_output_directions", (long[])[.. wanted.Select(_ => direction)]));
        for (int i = 0; i < wanted.Length; i++) _values[wanted[i]] = new(results[_delays.Length + i], true);
    }

    /// <summary>What a delay holds before the sequence begins, [steps, sizes..]: its second operand, 0 where it has none.</summary>
    private Value Initial(NodeBuilder outer, string delay, long[] sizes) =>
        CntkDelays.Repeat(outer, _network.Needs(delay) is { Length: > 1 } operands ? _values[operands[1]] : new(outer.Scalar(0), false), Steps(delay), sizes);

    private CntkValue Constant(Graph body, string variable) => _values[variable] with { Value = body.AddConstant(body.FreshName(variable), _values[variable].Value.Constant!) };

    /// <summary>
    /// The static sizes of what the delays hold. The file does not tell them, and they depend on each other: they are those of the functions
    /// that do not need them, of matrix products, and by trial from there on until all agree.
    /// </summary>
    private Dictionary<string, long[]> Sizes()
    {
        var known = new Dictionary<string, long[]>(StringComparer.Ordinal);
        foreach (string delay in _delays)
            if (_network.Needs(delay) is { Length: > 1 } operands && _values[operands[1]].Dims is { Length: > 0 } dims) known[delay] = dims;
        EdgeLiteException? failure = null;
        for (int round = 0; round < 8 + 2 * _delays.Length; round++)
        {
            Dictionary<string, CntkValue> found = Trial(known, out failure);
            bool changed = false;
            foreach (string delay in _delays)
            {
                if (!found.TryGetValue(_network.Needs(delay)[0], out CntkValue operand) || known.TryGetValue(delay, out long[]? before) && before.AsSpan().SequenceEqual(operand.Dims)) continue;
                known[delay] = operand.Dims;
                changed = true;
            }
            if (!changed) break;
        }
        if (_delays.FirstOrDefault(d => !known.TryGetValue(d, out long[]? dims) || dims.Any(n => n <= 0)) is not { } unknown) return known;
        throw new EdgeLiteException(Status.Unsupported, $"The sizes of what '{unknown}' remembers cannot be found{(failure == null ? "." : $": {failure.Message}")}", failure);
    }

    /// <summary>One step in a graph that is thrown away, for as many functions as the known states allow; a matrix product needs only its left
    /// operand, and an element-wise function the larger of its operands.</summary>
    private Dictionary<string, CntkValue> Trial(Dictionary<string, long[]> states, out EdgeLiteException? failure)
    {
        failure = null;
        var scratch = new Graph("trial");
        var values = new Dictionary<string, CntkValue>(StringComparer.Ordinal);
        CntkValue OfSizes(string variable, bool hasBatch, long[] dims) =>
            new(scratch.AddInput(scratch.FreshName(variable), ShapeInference.WithoutSymbols(new TensorType(DType.Float32, new Shape([.. hasBatch ? (long[])[1] : [], .. dims])))), hasBatch);
        foreach (string variable in _outside) values[variable] = _values[variable].Value.IsConstant ? Constant(scratch, variable) : OfSizes(variable, _values[variable].HasBatch, _values[variable].Dims);
        foreach (string variable in _order)
        {
            if (IsDelay(variable))
            {
                if (states.TryGetValue(variable, out long[]? dims)) values[variable] = OfSizes(variable, true, dims);
                continue;
            }
            string[] operands = _network.Needs(variable);
            if (operands.All(values.ContainsKey))
            {
                try
                {
                    _network.Try(variable, scratch, values);
                }
                catch (EdgeLiteException e)
                {
                    failure ??= e;
                }
                continue;
            }
            CntkValue[] some = [.. operands.Where(values.ContainsKey).Select(o => values[o])];
            if (_network.OpOf(variable) == CntkOp.Times && values.TryGetValue(operands[0], out CntkValue left) && _network.Setting(variable, "outputRank") is > 0 and var rank && rank <= left.StaticRank)
                values[variable] = OfSizes(variable, true, left.Dims[^(int)rank..]);
            else if (_network.OpOf(variable) is CntkOp.Plus or CntkOp.Minus or CntkOp.ElementTimes or CntkOp.LogPlus or CntkOp.Select or CntkOp.Clip && some.Length > 0)
                values[variable] = OfSizes(variable, true, some.MaxBy(v => v.Dims.Aggregate(1.0, (p, d) => p * d)).Dims);
        }
        return values;
    }
}
