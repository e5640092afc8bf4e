using EdgeLite.Converter.Ir;
using EdgeLite.Core;
using EdgeLite.Ops;

namespace EdgeLite.Converter.Passes;

/// <summary>The few edits that passes are made of. Each keeps types inferred, and names of outputs in place.</summary>
public static class Rewrite
{
    /// <summary>Adds a node before <paramref name="before"/> and infers its output's type.</summary>
    public static Value Insert(Graph graph, Node? before, string opType, string hint, ReadOnlySpan<Value?> inputs,
        AttributeSet? attributes = null, string domain = "")
    {
        Value output = graph.Add(opType, hint, inputs, attributes, domain, before);
        ShapeInference.Infer(output.Producer!);
        return output;
    }

    /// <summary>Adds a node of several outputs; null in <paramref name="hints"/> where an output is not wanted.</summary>
    public static Value?[] InsertMany(Graph graph, Node? before, string opType, ReadOnlySpan<string?> hints, ReadOnlySpan<Value?> inputs,
        AttributeSet? attributes = null, string domain = "")
    {
        var outputs = new Value?[hints.Length];
        for (int i = 0; i < hints.Length; i++)
            outputs[i] = hints[i] is { } hint ? graph.NewValue(graph.FreshName(hint), default) : null;
        Node node = graph.AddNode(domain, opType, outputs.First(o => o != null)!.Name, inputs, outputs, attributes, before);
        ShapeInference.Infer(node);
        return outputs;
    }

    public static Value Ints(Graph graph, string hint, params ReadOnlySpan<long> values) =>
        graph.AddConstant(hint, Tensor.FromArray(values, new Shape(values.Length)));

    public static Value Floats(Graph graph, string hint, ReadOnlySpan<float> values) =>
        graph.AddConstant(hint, Tensor.FromArray(values, new Shape(values.Length)));

    public static Value Transpose(Graph graph, Node? before, Value x, ReadOnlySpan<int> perm, string hint) =>
        Insert(graph, before, "Transpose", hint, [x], AttributeSet.Of(("perm", Match.ToLongs(perm))));

    /// <summary>Makes all readers of <paramref name="from"/> read <paramref name="to"/>, and removes what is no longer needed.
    /// Where a graph output would lose its name (another output, an input or a constant stands in for it), an Identity carries it.
    /// The name of a value that disappears is given to its replacement when <paramref name="keepName"/> says so.</summary>
    public static void Replace(Graph graph, Value from, Value to, bool keepName = false)
    {
        if (ReferenceEquals(from, to)) return;
        Node? dead = from.Producer;
        string name = from.Name;
        if (Match.IsOutput(graph, from) && (to.IsConstant || to.Producer == null || Match.IsOutput(graph, to)))
        {
            Value carried = Insert(graph, null, "Identity", from.Name, [to]);
            // The Identity stands last in the list, so other readers go to its source.
            foreach (Node consumer in from.Consumers.Distinct().ToArray())
                for (int i = 0; i < consumer.Inputs.Count; i++)
                    if (ReferenceEquals(consumer.Inputs[i], from)) graph.SetInput(consumer, i, to);
            graph.ReplaceUses(from, carried);
            keepName = false;
        }
        else
        {
            keepName &= !Match.IsOutput(graph, from);
            graph.ReplaceUses(from, to);
        }
        if (dead != null) RemoveIfDead(graph, dead);
        if (keepName && graph.Find(name) == null && !Match.IsOutput(graph, to)) graph.Rename(to, name);
    }

    /// <summary>Replaces each output of <paramref name="node"/> that is read by what <paramref name="replacement"/> makes for its index, before the
    /// node; with the last one the node goes.</summary>
    public static void ReplaceOutputs(Graph graph, Node node, Func<int, Value> replacement)
    {
        Value?[] old = [.. node.Outputs];
        bool isRead = false;
        for (int i = 0; i < old.Length; i++)
        {
            if (old[i] is not { } from || !Match.IsRead(graph, from)) continue;
            isRead = true;
            Replace(graph, from, replacement(i), keepName: true);
        }
        if (!isRead) RemoveIfDead(graph, node);
    }

    /// <summary>True when <see cref="Replace"/> would need an Identity.</summary>
    public static bool NeedsIdentity(Graph graph, Value from, Value to) =>
        Match.IsOutput(graph, from) && (to.Producer == null || Match.IsOutput(graph, to));

    /// <summary>Removes the node when nobody reads its outputs, then likewise what fed it. Impure nodes without readers go too.</summary>
    public static void RemoveIfDead(Graph graph, Node node)
    {
        var pending = new Stack<Node>([node]);
        var removed = new HashSet<Node>();
        while (pending.TryPop(out Node? next))
        {
            if (removed.Contains(next) || next.Outputs.Any(o => o != null && Match.IsRead(graph, o))) continue;
            Value[] inputs = [.. next.Inputs.Where(i => i != null).Distinct()!];
            graph.Remove(next);
            removed.Add(next);
            foreach (Value input in inputs)
            {
                if (input.Consumers.Count > 0 || Match.IsOutput(graph, input)) continue;
                if (input.Producer != null) pending.Push(input.Producer);
                else if (input.IsConstant) graph.Remove(input);
            }
        }
    }
}
