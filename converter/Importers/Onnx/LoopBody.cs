using EdgeLite.Converter.Ir;
using EdgeLite.Core;
using EdgeLite.Ops;

namespace EdgeLite.Converter.Importers.Onnx;

/// <summary>The body of a Loop that stands for a node: values carried from round to round, and those it captures from the graph around it.</summary>
internal sealed class LoopBody : DraftBuilder
{
    private readonly List<Value> _captured = [];
    private readonly Dictionary<Value, Value> _inner = [];

    /// <param name="node">the node in whose place the loop is put</param>
    /// <param name="carried">types of the carried values; what changes from round to round is an unknown dimension</param>
    public LoopBody(NodeDraft node, params ReadOnlySpan<TensorType> carried)
        : base(node, new Graph(node.Name + "/body"))
    {
        Iteration = Graph.AddInput("iteration", new TensorType(DType.Int64, Shape.Scalar));
        Graph.AddInput("condition", new TensorType(DType.Bool, Shape.Scalar));
        Carried = new Value[carried.Length];
        for (int i = 0; i < carried.Length; i++) Carried[i] = Graph.AddInput($"carried{i}", ShapeInference.WithoutSymbols(carried[i]));
    }

    /// <summary>Number of the round, int64.</summary>
    public Value Iteration { get; }

    public Value[] Carried { get; }

    /// <summary>A value of the graph around, seen from inside.</summary>
    public override Value Capture(Value outer)
    {
        if (_inner.TryGetValue(outer, out Value? known)) return known;
        if (outer.Constant is { } constant) return _inner[outer] = Graph.AddConstant(Graph.FreshName(outer.Name), constant);
        _captured.Add(outer);
        return _inner[outer] = Graph.AddInput(Graph.FreshName(outer.Name), ShapeInference.WithoutSymbols(outer.Type));
    }

    public override Value[] Inline(Graph subgraph, IReadOnlyList<Value> inputs) =>
        Graph.Inline(subgraph, inputs, Graph.FreshName, added: node => ShapeInference.Infer(node));

    /// <summary>Adds the loop and returns the carried values after it, then those of all rounds of each of <paramref name="scanned"/>.</summary>
    /// <param name="trips">at most how many rounds, int64; null: no limit</param>
    /// <param name="first">whether there is a first round, bool; null: yes</param>
    /// <param name="initial">the carried values before the first round</param>
    /// <param name="goesOn">whether another round follows, a bool of the body</param>
    /// <param name="next">the carried values of the next round</param>
    /// <param name="scanned">values of the body to keep of every round</param>
    public Value[] Close(Value? trips, Value? first, ReadOnlySpan<Value> initial, Value goesOn, ReadOnlySpan<Value> next, params ReadOnlySpan<Value> scanned)
    {
        AddOutput(Graph, goesOn, "goes_on");
        for (int i = 0; i < next.Length; i++) AddOutput(Graph, next[i], $"next{i}");
        for (int i = 0; i < scanned.Length; i++) AddOutput(Graph, scanned[i], $"scanned{i}");
        var attributes = AttributeSet.Of(("body", AttributeValue.OfGraph(Graph)), ("captures", _captured.Count));
        var wanted = new bool[next.Length + scanned.Length];
        Array.Fill(wanted, true);
        return [.. Node.EmitAllWith("Loop", [trips, first, .. initial, .. _captured], wanted, attributes).Select(v => v!)];
    }
}
