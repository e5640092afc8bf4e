using EdgeLite.Converter.Ir;
using EdgeLite.Core;
using EdgeLite.Ops;

namespace EdgeLite.Converter.Importers.TensorFlow;

/// <summary>
/// One graph that is being built, with what it takes from the graph around it. Nodes whose inputs are constants are computed at
/// once, and the entries of shape vectors that are known are kept, so that operators find their parameters.
/// </summary>
internal sealed class TfContext(Graph graph, TfContext? outer)
{
    private const long LargestFolded = 1L << 24;
    private static readonly HashSet<string> s_notFolded = new(StringComparer.Ordinal)
    { "RandomNormal", "RandomUniform", "RandomNormalLike", "RandomUniformLike", "Multinomial", "Bernoulli", "If", "Loop" };

    private readonly Dictionary<Value, Value> _captured = [];
    private readonly Dictionary<Value, long[]> _entries = [];
    private readonly InferContext _infer = new();

    public Graph Graph { get; } = graph;
    public TfContext? Outer { get; } = outer;

    /// <summary>What was refused in this graph, those around it and those in it.</summary>
    public Refusals Refusals { get; } = outer?.Refusals ?? new();

    /// <summary>Values of the outer graph with the inputs they are here, in the order of the inputs.</summary>
    public List<(Value Outer, Value Inner)> Captures { get; } = [];

    /// <summary>An entry of a shape vector of which nothing is known.</summary>
    public const long Unknown = long.MinValue;

    /// <summary>The value here of a value of the outer graph.</summary>
    public Value Capture(Value value)
    {
        if (_captured.TryGetValue(value, out Value? inner)) return inner;
        if (value.Constant is { } constant) inner = Graph.AddConstant(value.Name, constant);
        else
        {
            inner = Graph.AddInput(Graph.FreshName(value.Name), ShapeInference.WithoutSymbols(value.Type));
            Captures.Add((value, inner));
            if (Refusals.IsPlaceholder(value)) Refusals.MarkPlaceholder(inner);
        }
        return _captured[value] = inner;
    }

    public TfItem Capture(TfItem item) => item.Map(Capture);

    /// <summary>Adds a node of one output, or its value when that can be computed now.</summary>
    public Value Emit(string name, string opType, ReadOnlySpan<Value?> inputs, AttributeSet attributes) => EmitMany(name, opType, 1, inputs, attributes)[0];

    public Value[] EmitMany(string name, string opType, int outputs, ReadOnlySpan<Value?> inputs, AttributeSet attributes)
    {
        if (Fold(name, opType, outputs, inputs, attributes) is { } folded) return folded;
        if (opType == "Shape" && KnownShape(name, inputs[0]!, attributes) is { } known) return [known];
        if (opType is "Slice" or "Gather" && KnownPart(name, opType, inputs, attributes) is { } part) return [part];
        var values = new Value[outputs];
        for (int i = 0; i < outputs; i++) values[i] = Graph.NewValue(Graph.FreshName(i == 0 ? name : $"{name}:{i}"), default);
        Node node = Graph.AddNode("", opType, values[0].Name, inputs, values, attributes);
        ShapeInference.Infer(node, _infer);
        Note(node, values[0]);
        return values;
    }

    /// <summary>The known entries of an integer vector: sizes, symbols (of this graph), or <see cref="Unknown"/>.</summary>
    public long[]? Entries(Value vector) =>
        vector.Constant is { } c && c.DType is DType.Int32 or DType.Int64 ? vector.Constant.ToInt64Array() : _entries.GetValueOrDefault(vector);

    private Value[]? Fold(string name, string opType, int outputs, ReadOnlySpan<Value?> inputs, AttributeSet attributes)
    {
        if (s_notFolded.Contains(opType)) return null;
        foreach (Value? input in inputs)
            if (input is { IsConstant: false }) return null;
        if (opType is "Expand" or "ConstantOfShape" or "Tile" && Size(opType, inputs) > LargestFolded) return null;
        var scratch = new Graph("constants");
        var values = new Value[outputs];
        for (int i = 0; i < outputs; i++) values[i] = scratch.NewValue($"{name}:{i}", default);
        var constants = new Value?[inputs.Length];
        for (int i = 0; i < inputs.Length; i++) constants[i] = inputs[i] is { } v ? scratch.AddConstant($"in{i}", v.Constant!) : null;
        Node node = scratch.AddNode("", opType, name, constants, values, attributes);
        Tensor?[] results = GraphInterpreter.Execute(node, [.. constants.Select(c => c?.Constant)], _infer);
        return [.. results.Select((r, i) => Graph.AddConstant(i == 0 ? name : $"{name}:{i}", r!))];
    }

    /// <summary>About how many elements a node that repeats its input makes.</summary>
    private static double Size(string opType, ReadOnlySpan<Value?> inputs)
    {
        double size = opType == "Tile" ? inputs[0]!.Constant!.Count : 1;
        foreach (long d in inputs[opType == "ConstantOfShape" ? 0 : 1]!.Constant!.ToInt64Array()) size *= d;
        return size;
    }

    private Value? KnownShape(string name, Value x, AttributeSet attributes)
    {
        if (attributes.Count > 0 || !x.Shape.IsKnown) return null;
        return Graph.AddConstant(name, Tensor.FromArray<long>(x.Shape.AsSpan(), new Shape(x.Shape.Rank)));
    }

    /// <summary>A part of a shape vector of which all entries are known.</summary>
    private Value? KnownPart(string name, string opType, ReadOnlySpan<Value?> inputs, AttributeSet attributes)
    {
        if (Part(opType, inputs, attributes) is not { } part || part.Entries.Any(e => e < 0)) return null;
        Tensor tensor = Tensor.FromArray<long>(part.Entries, part.IsScalar ? Shape.Scalar : new Shape(part.Entries.Length));
        return Emit(name, "Cast", [Graph.AddConstant(name, tensor)], AttributeSet.Of(("to", (long)inputs[0]!.DType)));
    }

    private (long[] Entries, bool IsScalar)? Part(string opType, ReadOnlySpan<Value?> inputs, AttributeSet attributes)
    {
        if (inputs[0]!.IsConstant || inputs[0]!.Shape is not { IsRanked: true, Rank: 1 } || Entries(inputs[0]!) is not { } entries) return null;
        for (int i = 1; i < inputs.Length; i++)
            if (inputs[i]?.Constant == null) return null;
        if (opType == "Gather")
        {
            long[] at = inputs[1]!.Constant!.ToInt64Array();
            if (inputs[1]!.Shape.Rank > 1 || at.Any(i => i < -entries.Length || i >= entries.Length)) return null;
            return ([.. at.Select(i => entries[i < 0 ? i + entries.Length : i])], inputs[1]!.Shape.Rank == 0);
        }
        var index = Tensor.FromArray<long>([.. Enumerable.Range(0, entries.Length).Select(i => (long)i)], new Shape(entries.Length));
        Value?[] slice = [Graph.AddConstant("index", index), .. inputs[1..]];
        return ([.. Emit("index", "Slice", slice, attributes).Constant!.ToInt64Array().Select(i => entries[i])], false);
    }

    /// <summary>Keeps what is known of the entries of a shape vector.</summary>
    private void Note(Node node, Value result)
    {
        switch (node.OpType)
        {
            case "Shape" when node.Attributes.Count == 0 && node.Inputs[0]!.Shape.IsRanked:
                _entries[result] = [.. node.Inputs[0]!.Shape.AsSpan().ToArray().Select(d => d == Shape.Unknown ? Unknown : d)];
                break;
            case "Slice" or "Gather":
                if (Part(node.OpType, [.. node.Inputs], node.Attributes) is { } part) _entries[result] = part.Entries;
                break;
            case "Cast" or "Squeeze" or "Unsqueeze" or "Identity" or "Reshape":
                if (node.Inputs[0]!.Shape is { IsRanked: true, Rank: <= 1 } && result.Shape is { IsRanked: true, Rank: <= 1 } && Entries(node.Inputs[0]!) is { } same) _entries[result] = same;
                break;
            case "Concat" when result.Shape is { IsRanked: true, Rank: 1 } && result.DType is DType.Int32 or DType.Int64:
                var all = new List<long>();
                foreach (Value? input in node.Inputs)
                {
                    if (Entries(input!) is { } entries) all.AddRange(entries);
                    else if (input!.Shape.IsKnown) all.AddRange(Enumerable.Repeat(Unknown, (int)input.Shape.Count));
                    else return;
                }
                _entries[result] = [.. all];
                break;
        }
    }
}
