using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.Onnx.Upgrades.Microsoft.Generation;

/// <summary>The language model inside a search: a graph that gives the logits of the next token, and what it needs from step to step.</summary>
internal abstract class Decoder
{
    private readonly Value[] _captures;

    protected Decoder(NodeDraft node)
    {
        Node = node;
        Step = Subgraph(node, "decoder") ?? throw node.Error("attribute 'decoder' is missing");
        _captures = [.. node.Inputs.TakeLast(node.Captures).Select(v => v!)];
    }

    /// <summary>The values of the first step: ids, then what else changes from step to step.</summary>
    public abstract Value[] First { get; }

    /// <summary>What another graph gave already for the first step: logits, then what is kept; null: the first step is like the others.</summary>
    public virtual Value[]? FirstOutputs => null;

    /// <summary>[n][1 or more] of int64: the words that every sequence begins with.</summary>
    public abstract Value Prompt { get; }

    protected NodeDraft Node { get; }

    protected Graph Step { get; }

    /// <summary>Types of <see cref="First"/> in all steps.</summary>
    public abstract TensorType[] Types { get; }

    /// <summary>Logits and what is kept, from the values of a step.</summary>
    public abstract Value[] Run(DraftBuilder b, IReadOnlyList<Value> values);

    /// <summary>The values of the next step.</summary>
    /// <param name="b">where it is emitted</param>
    /// <param name="values">those of the last step</param>
    /// <param name="outputs">what <see cref="Run"/> gave</param>
    /// <param name="sequence">[n][length] of int64 with the new tokens at the end</param>
    /// <param name="rows">[n] of int64: which row of the last step each row goes on from; null: its own</param>
    public abstract Value[] Next(DraftBuilder b, IReadOnlyList<Value> values, IReadOnlyList<Value> outputs, Value sequence, Value? rows);

    protected Value[] Evaluate(DraftBuilder b, Graph graph, IReadOnlyList<Value> inputs)
    {
        if (graph.Inputs.Count != inputs.Count + _captures.Length) throw Node.Unsupported($"graph '{OnnxTensor.Clean(graph.Name)}' has {graph.Inputs.Count - _captures.Length} inputs, {inputs.Count} are expected");
        Value[] given = [.. inputs, .. _captures.Select(b.Capture)];
        for (int i = 0; i < inputs.Count; i++)
            if (graph.Inputs[i].DType != given[i].DType && graph.Inputs[i].DType != DType.Undefined) given[i] = b.Cast(given[i], graph.Inputs[i].DType);
        return b.Inline(graph, given);
    }

    /// <summary>Inputs that the graph has of its own.</summary>
    protected int InputsOf(Graph graph) => graph.Inputs.Count - _captures.Length;

    protected static Value LastToken(DraftBuilder b, Value sequence) => b.Cast(b.Emit("Slice", [sequence, b.Ints(-1), b.Ints(long.MaxValue), b.Ints(1)]), DType.Int32);

    protected static Graph? Subgraph(NodeDraft node, string name) => node.Attributes.Find(name)?.Graph as Graph;

    /// <summary>Nothing yet: zeros of the shape of an input of the graph with <paramref name="rows"/> at one axis and 0 at the axis of the entries.</summary>
    protected Value Empty(Value input, Value rows, int rowAxis, int entryAxis)
    {
        if (!input.Shape.IsRanked || input.Shape.Rank <= entryAxis) throw Node.Error($"the shape of input '{OnnxTensor.Clean(input.Name)}' of the decoder is not known");
        var dims = new Value[input.Shape.Rank];
        for (int d = 0; d < dims.Length; d++)
            dims[d] = d == rowAxis ? rows : d == entryAxis ? Node.Ints("none", 0)
                : input.Shape[d] >= 0 ? Node.Ints("size", input.Shape[d]) : throw Node.Error($"input '{OnnxTensor.Clean(input.Name)}' of the decoder has shape {input.Shape}; heads and their size must be known");
        return Node.Emit("ConstantOfShape", [Node.Emit("Concat", dims, ("axis", 0))], ("value", new Tensor(input.DType, new Shape(1))));
    }
}
