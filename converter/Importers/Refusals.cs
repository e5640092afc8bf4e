using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers;

/// <summary>
/// The settings of known layers that an import refuses, collected so that one error names them all. A refused layer gives placeholders,
/// and so do the layers behind it, which are still looked at: of those, what they refuse counts when it does not depend on what they
/// are given (<see cref="Status.Unsupported"/>, as opposed to <see cref="Status.InvalidShape"/> and whatever a wrong input leads to).
/// </summary>
internal sealed class Refusals
{
    private const int MaxPerKind = 8;

    /// <summary>Ranks to try for inputs that are not known, the usual ones first.</summary>
    private static readonly int[] s_ranks = [4, 3, 2, 5, 1];

    private readonly SortedDictionary<string, List<EdgeLiteException>> _byKind = new(StringComparer.Ordinal);
    private readonly HashSet<object> _placeholders = new(ReferenceEqualityComparer.Instance);
    private int _count, _times;

    /// <summary>Whether anything was refused.</summary>
    public bool Any => _count > 0;

    /// <summary>Marks what a refused layer should have computed or assigned: a value, or a variable of the model.</summary>
    public void MarkPlaceholder(object item) => _placeholders.Add(item);

    public bool IsPlaceholder(object item) => _placeholders.Contains(item);

    /// <summary>A value in the place of one that a refused layer should have computed.</summary>
    public Value Placeholder(Graph graph, string name, TensorType type)
    {
        Value value = graph.NewValue(graph.FreshName(name), type);
        MarkPlaceholder(value);
        return value;
    }

    /// <summary>A tensor of which nothing is known, in the place of one that a refused layer should have computed.</summary>
    public Value Placeholder(Graph graph, string name) => Placeholder(graph, name, new TensorType(DType.Float32, Shape.Unranked));

    /// <summary>Converts a layer of <paramref name="graph"/>; false when it is refused, or stands behind one that is. Then only settings are
    /// looked for, in a graph of its own, whose values <paramref name="convert"/> finds for those that it names.</summary>
    /// <param name="kind">what the layer is</param>
    /// <param name="graph">where it goes</param>
    /// <param name="inputs">what it is given</param>
    /// <param name="convert">converts it into a graph, given what stands there for a value of <paramref name="graph"/></param>
    /// <param name="isBehind">whether it stands behind a refused layer though its inputs do not tell: where layers take weights one
    /// after the other</param>
    public bool TryConvert(string kind, Graph graph, IEnumerable<Value> inputs, Action<Graph, Func<Value, Value>> convert, bool isBehind = false)
    {
        if (!isBehind && !inputs.Any(IsPlaceholder)) return Try(kind, () => convert(graph, value => value));
        TryRanks(kind, rank =>
        {
            var apart = new Graph(graph.Name);
            convert(apart, value => StandIn(apart, value, rank));
        });
        return false;
    }

    /// <summary>Converts a layer; false when it, or a layer inside it, is refused. A damaged one throws.</summary>
    public bool Try(string kind, Action convert)
    {
        int before = _times;
        try
        {
            convert();
        }
        catch (Exception e) when (_times > before && IsFailure(e))
        {
            // A layer inside was refused, and this one fails on its placeholder.
        }
        catch (EdgeLiteException e) when (e.Status is Status.Unsupported or Status.InvalidShape)
        {
            Add(kind, e);
        }
        return _times == before;
    }

    /// <summary>Looks for settings that are refused in a layer whose inputs, placeholders among them, have the types that they will have.</summary>
    public void TryBehind(string kind, Action convert)
    {
        int before = _times;
        if (Attempt(convert) is { Status: Status.Unsupported } e && _times == before) Add(kind, e);
    }

    /// <summary>Looks for settings that are refused in a layer whose inputs are not known: converts it, in a graph that is thrown away, for
    /// inputs of one rank after another until one succeeds.</summary>
    public void TryRanks(string kind, Action<int> convert)
    {
        EdgeLiteException? refused = null;
        foreach (int rank in s_ranks)
        {
            EdgeLiteException? e = Attempt(() => convert(rank));
            if (e == null) return;
            if (e.Status == Status.Unsupported) refused ??= e;
        }
        if (refused != null) Add(kind, refused);
    }

    /// <summary>An input of a graph that is thrown away, in the place of a value: of that rank where the value is a placeholder.</summary>
    public Value StandIn(Graph scratch, Value value, int rank)
    {
        if (value.Constant is { } constant) return scratch.AddConstant(value.Name, constant);
        // Symbols are those of the other graph.
        Shape shape = IsPlaceholder(value) ? new Shape([.. Enumerable.Repeat(Shape.Unknown, rank)])
            : value.Shape.IsRanked ? new Shape([.. value.Shape.AsSpan().ToArray().Select(d => d < 0 ? Shape.Unknown : d)]) : Shape.Unranked;
        return scratch.AddInput(scratch.FreshName(value.Name), new TensorType(value.DType, shape));
    }

    /// <summary>What was refused, each in a line of its own behind a line break.</summary>
    public string Text => string.Concat(_byKind.SelectMany(k => k.Value.Take(MaxPerKind).Select(e => "\n  " + e.Message)
        .Concat(k.Value.Count > MaxPerKind ? [$"\n  and {k.Value.Count - MaxPerKind} more of {k.Key}"] : [])));

    /// <summary>Throws when something was refused: what was thrown for it, or one error for all.</summary>
    public void ThrowIfAny()
    {
        if (_count == 0) return;
        if (_count == 1) throw _byKind.Values.First()[0];
        throw new EdgeLiteException(Status.Unsupported, $"{_count} layers have settings that cannot be converted:{Text}\nSet them otherwise in the source model, or replace these layers by others of docs/importers.md.");
    }

    /// <summary>What a conversion throws, null for nothing. On placeholders anything may go wrong, and means nothing about the file.</summary>
    private static EdgeLiteException? Attempt(Action convert)
    {
        try
        {
            convert();
            return null;
        }
        catch (Exception e) when (IsFailure(e))
        {
            return e as EdgeLiteException ?? new EdgeLiteException(Status.InvalidShape, e.Message, e);
        }
    }

    private static bool IsFailure(Exception e) => e is EdgeLiteException or IndexOutOfRangeException or ArgumentException or OverflowException or InvalidOperationException
        or KeyNotFoundException or DivideByZeroException or InvalidCastException;

    private void Add(string kind, EdgeLiteException refusal)
    {
        _times++;
        if (!_byKind.TryGetValue(kind, out List<EdgeLiteException>? all)) _byKind[kind] = all = [];
        // A layer that is called several times is named once.
        if (all.Exists(e => e.Message == refusal.Message)) return;
        all.Add(refusal);
        _count++;
    }
}
