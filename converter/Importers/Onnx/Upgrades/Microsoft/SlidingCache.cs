using EdgeLite.Converter.Ir;

namespace EdgeLite.Converter.Importers.Onnx.Upgrades.Microsoft;

/// <summary>
/// A cache of C places for a window of W: after T tokens its first L(T) = T - G ceil(max(T - C, 0) / G) rows, G = C - W + 1, hold the last positions in
/// order (GroupQueryAttention's sliding_window_cache). All rows of the cache and the new ones are attended to, what is no entry or lies outside
/// the window masked; then the rows to keep are gathered.
/// </summary>
internal sealed class SlidingCache
{
    private readonly NodeDraft _node;
    private readonly Value _places, _gap, _before, _after, _resident, _length;
    private readonly long _window;

    /// <param name="node">GroupQueryAttention</param>
    /// <param name="start">[b]: how many tokens came before</param>
    /// <param name="valid">[b]: how many there are now</param>
    /// <param name="length">[1]: new ones, with padding</param>
    public SlidingCache(NodeDraft node, Value start, Value valid, Value length)
    {
        _node = node;
        _window = node.Attributes.Int("local_window_size", -1);
        if (_window < 1 || node.Attributes.Int("causal", 1) == 0) throw node.Error("sliding_window_cache needs a local_window_size and causal order");
        if (node.Input(3) == null || node.Input(4) == null) throw node.Error("sliding_window_cache needs past_key and past_value");
        if (node.Input(10) != null || node.Attributes.Int("qk_output", 0) != 0) throw node.Unsupported("sliding_window_cache with an attention bias or qk_output is not supported");
        if (node.Required(3).Shape is { IsRanked: true } shape && shape[2] >= 0 && shape[2] < _window) throw node.Error($"a cache of {shape[2]} places is too small for a window of {_window}");
        _places = node.Emit("Shape", [node.Required(3)], ("start", 2), ("end", 3));
        _gap = node.Emit("Sub", [_places, node.Ints("window", _window - 1)]);
        _length = length;
        _before = Column(start);
        _after = Column(valid);
        _resident = Resident(_before);
    }

    /// <summary>The rows of the cache, then the new ones.</summary>
    public Value Join(Value past, Value entries) => _node.Emit("Concat", [past, entries], ("axis", 2));

    /// <summary>[b][1][new][places + new]: true where a key lies in a query's window.</summary>
    public Value Mask()
    {
        Value rows = Count(_places), added = _node.Emit("Add", [_before, Count(_length)]);
        Value old = _node.Emit("Add", [_node.Emit("Sub", [_before, _resident]), rows]);
        Value none = _node.Ints("none", long.MaxValue / 2);
        Value keys = _node.Emit("Concat", [_node.Emit("Where", [_node.Emit("Less", [rows, _resident]), old, none]), _node.Emit("Add", [_before, Count(_length)])], ("axis", 1));
        keys = _node.Emit("Unsqueeze", [keys, _node.Ints("axes", 1, 2)]);
        Value queries = _node.Emit("Unsqueeze", [added, _node.Ints("axes", 1, 3)]);
        return _node.Emit("And", [_node.Emit("LessOrEqual", [keys, queries]), _node.Emit("Greater", [keys, _node.Emit("Sub", [queries, _node.Ints("window", _window)])])]);
    }

    /// <summary>Of <see cref="Join"/> the rows that stay; behind them is anything.</summary>
    public Value Keep(Value joined)
    {
        Value position = _node.Emit("Add", [_node.Emit("Sub", [_after, Resident(_after)]), Count(_places)]);
        Value old = _node.Emit("Sub", [position, _node.Emit("Sub", [_before, _resident])]), added = _node.Emit("Add", [_node.Emit("Sub", [position, _before]), _places]);
        Value row = _node.Emit("Where", [_node.Emit("Less", [position, _before]), old, added]);
        Value last = _node.Emit("Sub", [_node.Emit("Add", [_places, _length]), _node.Ints("one", 1)]);
        row = _node.Emit("Unsqueeze", [_node.Emit("Min", [row, last]), _node.Ints("axes", 1, 3)]);
        Value shape = _node.Emit("Concat",
            [_node.Emit("Shape", [joined], ("start", 0), ("end", 2)), _places, _node.Emit("Shape", [joined], ("start", 3), ("end", 4))], ("axis", 0));
        return _node.Emit("GatherElements", [joined, _node.Emit("Expand", [row, shape])], ("axis", 2));
    }

    /// <summary>L(T).</summary>
    private Value Resident(Value tokens)
    {
        Value over = _node.Emit("Sub", [_node.Emit("Add", [_node.Emit("Sub", [tokens, _places]), _gap]), _node.Ints("one", 1)]);
        Value times = _node.Emit("Div", [_node.Emit("Max", [over, _node.Ints("zero", 0)]), _gap]);
        return _node.Emit("Sub", [tokens, _node.Emit("Mul", [_gap, times])]);
    }

    private Value Column(Value perSample) => _node.Emit("Reshape", [perSample, _node.Ints("column", -1, 1)]);

    /// <summary>0 .. n-1.</summary>
    private Value Count(Value n) => _node.Emit("Range", [_node.Int("zero", 0), _node.Emit("Squeeze", [n]), _node.Int("one", 1)]);
}
