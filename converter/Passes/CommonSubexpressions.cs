using EdgeLite.Converter.Ir;
using EdgeLite.Core;
using EdgeLite.Ops;

namespace EdgeLite.Converter.Passes;

/// <summary>Nodes that compute the same from the same are one node; small equal constants are one constant.</summary>
public sealed class CommonSubexpressions : IGraphPass
{
    private const long LargestConstant = 4096;

    public string Name => "common-subexpressions";

    public bool Run(Graph graph)
    {
        bool changed = MergeConstants(graph);
        var seen = new Dictionary<int, List<Node>>();
        foreach (Node node in graph.Nodes.ToArray())
        {
            if (node.Outputs.Count == 0 || graph.Find(node.Outputs.First(o => o != null)!.Name)?.Producer != node) continue;
            int hash = Hash(node);
            if (!seen.TryGetValue(hash, out List<Node>? alike)) seen[hash] = alike = [];
            Node? same = alike.FirstOrDefault(other => Same(other, node));
            if (same == null || !IsPure(node) || ClashingOutputs(graph, same, node))
            {
                alike.Add(node);
                continue;
            }
            Value?[] outputs = [.. node.Outputs];
            for (int i = 0; i < outputs.Length; i++)
                if (outputs[i] is { } output) graph.ReplaceUses(output, same.Outputs[i]!);
            graph.Remove(node);
            changed = true;
        }
        return changed;
    }

    private static bool IsPure(Node node) =>
        OperatorTable.Find(node.Domain, node.OpType) != null && node.CreateOperator()!.IsPure && !Graph.Subgraphs(node).Any();

    /// <summary>Two graph outputs cannot be one value.</summary>
    private static bool ClashingOutputs(Graph graph, Node a, Node b)
    {
        for (int i = 0; i < b.Outputs.Count; i++)
            if (b.Outputs[i] is { } output && (a.Outputs[i] == null || Match.IsOutput(graph, output) && Match.IsOutput(graph, a.Outputs[i]!))) return true;
        return false;
    }

    private static int Hash(Node node)
    {
        var hash = new HashCode();
        hash.Add(node.OpType);
        foreach (Value? input in node.Inputs) hash.Add(input == null ? 0 : System.Runtime.CompilerServices.RuntimeHelpers.GetHashCode(input));
        return hash.ToHashCode();
    }

    private static bool Same(Node a, Node b)
    {
        if (a.OpType != b.OpType || a.Domain != b.Domain || a.Inputs.Count != b.Inputs.Count || a.Outputs.Count != b.Outputs.Count) return false;
        for (int i = 0; i < a.Inputs.Count; i++)
            if (!ReferenceEquals(a.Inputs[i], b.Inputs[i])) return false;
        if (a.Attributes.Count != b.Attributes.Count) return false;
        foreach ((string name, AttributeValue value) in a.Attributes.Items)
            if (b.Attributes.Find(name) is not { } other || !value.ContentEquals(other)) return false;
        return true;
    }

    private static bool MergeConstants(Graph graph)
    {
        bool changed = false;
        var seen = new Dictionary<(DType, string), List<Value>>();
        foreach (Value value in graph.Values.ToArray())
        {
            if (value.Constant is not { Strings: null } tensor || tensor.ByteLength > LargestConstant || Match.IsOutput(graph, value)) continue;
            var key = (tensor.DType, $"{tensor.Shape}:{Hash(tensor.Bytes)}");
            if (!seen.TryGetValue(key, out List<Value>? alike)) seen[key] = alike = [];
            Value? same = alike.FirstOrDefault(other => other.Constant!.Bytes.SequenceEqual(tensor.Bytes));
            if (same == null)
            {
                alike.Add(value);
                continue;
            }
            graph.ReplaceUses(value, same);
            graph.Remove(value);
            changed = true;
        }
        return changed;
    }

    private static int Hash(ReadOnlySpan<byte> bytes)
    {
        var hash = new HashCode();
        hash.AddBytes(bytes);
        return hash.ToHashCode();
    }
}
