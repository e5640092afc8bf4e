using EdgeLite.Converter.Ir;
using EdgeLite.Core;
using EdgeLite.Ops;

namespace EdgeLite.Converter.Importers.TensorFlow;

/// <summary>
/// Builds an ONNX Loop of a TensorFlow loop. A list that the body fills from the first element on, one element each time, becomes a
/// scanned output; any other list is carried as one tensor of all its elements.
/// </summary>
internal sealed class TfLoop(TfNode node, TfItem[] initial, bool[] invariant, Func<TfContext, TfItem[], TfItem> condition, Func<TfContext, TfItem[], TfItem[]> body)
{
    private const int MaxRounds = 8;

    private readonly TfContext _outer = node.Context;
    private readonly TfItem[] _initial = [.. initial];
    private readonly bool[] _scanned = [.. initial.Select((x, i) => !invariant[i] && x is TfListItem { Stacked: null })];

    public TfItem[] Build()
    {
        if (condition(_outer, _initial) is not TfTensorItem { Value: var first }) throw node.InputError("its condition is not a tensor");
        if (first.Constant is { Count: 1 } known && known.GetInt64(0) == 0) return _initial;
        TensorType[] types = [.. _initial.Select(TypeOf)];
        for (int round = 0; round < MaxRounds; round++)
        {
            var context = new TfContext(new Graph(node.Name), _outer);
            Value iteration = context.Graph.AddInput("iteration", new TensorType(DType.Int64, Shape.Scalar));
            context.Graph.AddInput("condition_in", new TensorType(DType.Bool, Shape.Scalar));
            TfItem[] state = [.. _initial.Select((item, i) => Inside(context, item, i, types[i]))];
            TfItem[] next = body(context, state);
            if (next.SelectMany(n => n.Values).Any(context.Refusals.IsPlaceholder)) throw node.InputError("what it carries is not known");
            if (next.Length != state.Length) throw node.Damaged($"its body has {next.Length} results, expected {state.Length}");
            if (!Scans(context, iteration, state, next) || Loosened(types, next)) continue;
            return Finish(context, first, state, next);
        }
        throw node.Error("the shapes of what it carries do not settle");
    }

    private static TensorType TypeOf(TfItem item) => item switch
    {
        TfTensorItem t => ShapeInference.WithoutSymbols(t.Value.Type),
        TfListItem { Stacked: { } stacked } => ShapeInference.WithoutSymbols(stacked.Type),
        _ => default,
    };

    private bool IsCarried(int i) => !invariant[i] && !_scanned[i] && _initial[i] is TfTensorItem or TfListItem;

    private TfItem Inside(TfContext context, TfItem item, int i, TensorType type)
    {
        if (_scanned[i]) return ((TfListItem)context.Capture(item)) with { Writes = new TfWrites() };
        if (!IsCarried(i)) return context.Capture(item);
        Value input = context.Graph.AddInput(context.Graph.FreshName($"state{i}"), type);
        if (item.Values.Any(context.Refusals.IsPlaceholder)) context.Refusals.MarkPlaceholder(input);
        return item is TfListItem list ? list with { Stacked = input, Size = list.Size == null ? null : context.Capture(list.Size) } : input;
    }

    /// <summary>Checks the lists to be scanned; the others are made ready to be carried, and the body is built again.</summary>
    private bool Scans(TfContext context, Value iteration, TfItem[] state, TfItem[] next)
    {
        bool settled = true;
        for (int i = 0; i < state.Length; i++)
        {
            if (!_scanned[i]) continue;
            TfWrites writes = ((TfListItem)state[i]).Writes!;
            bool keeps = next[i] is TfListItem n && ReferenceEquals(n.Writes, writes);
            if (keeps && writes is { Made.Count: 0, IsRead: false }) continue;
            if (keeps && writes is { Made.Count: 1, IsRead: false } && Counts(writes.Made[0].Index, iteration, state, next)) continue;
            if (writes.Made.Count == 0) throw node.InputError("a list is read before anything is written to it");
            Carry(i, writes.Made[0].Element, context);
            settled = false;
        }
        return settled;
    }

    /// <summary>Whether a value inside the body is 0, 1, 2, .. from iteration to iteration.</summary>
    private bool Counts(Value index, Value iteration, TfItem[] state, TfItem[] next)
    {
        index = Behind(index);
        if (ReferenceEquals(index, iteration)) return true;
        for (int i = 0; i < state.Length; i++)
        {
            if (state[i] is not TfTensorItem s || !ReferenceEquals(s.Value, index)) continue;
            return _initial[i] is TfTensorItem { Value.Constant: { Count: 1 } start } && start.GetInt64(0) == 0 && next[i] is TfTensorItem n
                && Behind(n.Value).Producer is { OpType: "Add" } add
                && (ReferenceEquals(Behind(add.Inputs[0]!), index) && IsOne(add.Inputs[1]!) || ReferenceEquals(Behind(add.Inputs[1]!), index) && IsOne(add.Inputs[0]!));
        }
        return false;
    }

    private static bool IsOne(Value value) => value.Constant is { Count: 1 } c && c.GetInt64(0) == 1;

    private static Value Behind(Value value)
    {
        while (value.Producer is { OpType: "Identity" or "Cast" or "Reshape" or "Squeeze" or "Unsqueeze" } p) value = p.Inputs[0]!;
        return value;
    }

    /// <summary>Starts a list with zeros; the size of an element is that of <paramref name="written"/> inside the body.</summary>
    private void Carry(int i, Value written, TfContext context)
    {
        var list = (TfListItem)_initial[i];
        if (!written.Shape.IsKnown)
        {
            // The sizes are found by computing one element before the loop; only its shape is used.
            Value[] arguments = [.. context.Graph.Inputs.Select((_, k) => Argument(context, k))];
            var copy = new Graph(node.Name);
            var map = new Dictionary<Value, Value>();
            Value[] results = _outer.Graph.Inline(WithOutput(context.Graph, written), arguments, n => _outer.Graph.FreshName($"{node.Name}/first/{n}"));
            _initial[i] = TfLists.Allocate(node, _outer, list, results[^1]);
        }
        else _initial[i] = TfLists.Allocate(node, _outer, list, written);
        _scanned[i] = false;
    }

    private static Graph WithOutput(Graph graph, Value value)
    {
        graph.AddOutput(value);
        return graph;
    }

    /// <summary>What input number <paramref name="k"/> of the body is in the first iteration.</summary>
    private Value Argument(TfContext context, int k)
    {
        Value input = context.Graph.Inputs[k];
        if (k == 0) return _outer.Graph.AddConstant("zero", Tensor.FromScalar(0L));
        if (k == 1)
        {
            var yes = new Tensor(DType.Bool, Shape.Scalar);
            yes.SetInt64(0, 1);
            return _outer.Graph.AddConstant("true", yes);
        }
        foreach ((Value outer, Value inner) in context.Captures)
            if (ReferenceEquals(inner, input)) return outer;
        int carried = Enumerable.Range(0, _initial.Length).Where(IsCarried).ElementAt(k - 2);
        return ValueOf(_initial[carried]);
    }

    private static Value ValueOf(TfItem item) => item switch
    {
        TfTensorItem t => t.Value,
        TfListItem { Stacked: { } s } => s,
        _ => throw new InvalidOperationException("a list without elements is carried"),
    };

    /// <summary>Makes the types of carried values wide enough for what comes back; true when one changed.</summary>
    private bool Loosened(TensorType[] types, TfItem[] next)
    {
        bool changed = false;
        for (int i = 0; i < types.Length; i++)
        {
            if (!IsCarried(i) || next[i] is not (TfTensorItem or TfListItem)) continue;
            TensorType was = types[i].Shape.IsRanked || types[i].DType != DType.Undefined ? types[i] : TypeOf(_initial[i]);
            types[i] = new TensorType(was.DType, Common(was.Shape, TypeOf(next[i]).Shape));
            changed |= types[i] != was;
        }
        return changed;
    }

    private static Shape Common(Shape a, Shape b)
    {
        if (!a.IsRanked || !b.IsRanked || a.Rank != b.Rank) return Shape.Unranked;
        var dims = new long[a.Rank];
        for (int i = 0; i < dims.Length; i++) dims[i] = a[i] == b[i] ? a[i] : Shape.Unknown;
        return new Shape(dims);
    }

    private TfItem[] Finish(TfContext context, Value first, TfItem[] state, TfItem[] next)
    {
        if (condition(context, next) is not TfTensorItem { Value: var again }) throw node.InputError("its condition is not a tensor");
        int[] carried = [.. Enumerable.Range(0, state.Length).Where(IsCarried)];
        int[] scanned = [.. Enumerable.Range(0, state.Length).Where(i => _scanned[i] && ((TfListItem)state[i]).Writes!.Made.Count == 1)];
        TfImporter.AddOutput(context.Graph, ScalarBool(context, again), "condition_out");
        foreach (int i in carried) TfImporter.AddOutput(context.Graph, ValueOf(next[i]), context.Graph.FreshName($"next{i}"));
        foreach (int i in scanned) TfImporter.AddOutput(context.Graph, ((TfListItem)state[i]).Writes!.Made[0].Element, context.Graph.FreshName($"element{i}"));
        AttributeSet attributes = AttributeSet.Of(("body", AttributeValue.OfGraph(context.Graph)), ("captures", context.Captures.Count));
        Value[] outputs = _outer.EmitMany(node.Name, "Loop", carried.Length + scanned.Length,
            [null, ScalarBool(_outer, first), .. carried.Select(i => ValueOf(_initial[i])), .. context.Captures.Select(c => c.Outer)], attributes);
        var results = (TfItem[])_initial.Clone();
        for (int k = 0; k < carried.Length; k++)
            results[carried[k]] = _initial[carried[k]] is TfListItem list ? list with { Stacked = outputs[k] } : outputs[k];
        for (int k = 0; k < scanned.Length; k++)
            results[scanned[k]] = (TfListItem)_initial[scanned[k]] with { Stacked = outputs[carried.Length + k] };
        return results;
    }

    private Value ScalarBool(TfContext context, Value value)
    {
        if (value.Shape is { IsRanked: true, Rank: 0 }) return value;
        return context.Emit(node.Name + "/condition", "Reshape", [value, context.Graph.AddConstant("scalar_shape", new Tensor(DType.Int64, new Shape(0)))], new AttributeSet());
    }
}
