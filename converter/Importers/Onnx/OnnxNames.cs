using EdgeLite.Converter.Importers.Onnx.Proto;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.Onnx;

/// <summary>Which names a graph of the file defines and which it takes from the graph around it.</summary>
internal static class OnnxNames
{
    /// <summary>Every name that the graph itself defines: inputs, initializers, outputs of nodes.</summary>
    public static HashSet<string> Defined(GraphProto graph)
    {
        var names = new HashSet<string>();
        foreach (ValueInfoProto input in graph.Input) names.Add(input.Name);
        foreach (TensorProto tensor in graph.Initializer) names.Add(tensor.Name);
        foreach (SparseTensorProto sparse in graph.SparseInitializer) names.Add(sparse.Values?.Name ?? "");
        foreach (NodeProto node in graph.Node)
            foreach (string output in node.Output) names.Add(output);
        return names;
    }

    /// <summary>Names that the graph reads but does not define, subgraphs within it included, in order of first use.</summary>
    public static List<string> Free(GraphProto graph)
    {
        HashSet<string> defined = Defined(graph);
        var seen = new HashSet<string>();
        var free = new List<string>();
        foreach (NodeProto node in graph.Node)
            foreach (string name in Used(node)) Add(name);
        foreach (ValueInfoProto output in graph.Output) Add(output.Name);
        return free;

        void Add(string name)
        {
            if (name.Length > 0 && !defined.Contains(name) && seen.Add(name)) free.Add(name);
        }
    }

    /// <summary>Names that a node reads: its inputs and the free names of its subgraphs.</summary>
    public static IEnumerable<string> Used(NodeProto node)
    {
        foreach (string input in node.Input) yield return input;
        foreach (AttributeProto attribute in node.Attribute)
            if (attribute.G != null)
                foreach (string name in Free(attribute.G)) yield return name;
    }

    /// <summary>The nodes in an order in which names are defined before they are used. ONNX demands that of the file, not every
    /// exporter obeys.</summary>
    public static IReadOnlyList<NodeProto> Sorted(IReadOnlyList<NodeProto> nodes, string graph)
    {
        var producer = new Dictionary<string, int>();
        bool sorted = true;
        var uses = new List<string>[nodes.Count];
        for (int i = 0; i < nodes.Count; i++)
        {
            uses[i] = [.. Used(nodes[i])];
            foreach (string output in nodes[i].Output) producer.TryAdd(output, i);
        }
        for (int i = 0; i < nodes.Count && sorted; i++)
            foreach (string use in uses[i]) sorted &= !producer.TryGetValue(use, out int p) || p < i || use.Length == 0;
        if (sorted) return nodes;

        var result = new List<NodeProto>(nodes.Count);
        var waiting = new int[nodes.Count];
        var readers = new List<int>[nodes.Count];
        for (int i = 0; i < nodes.Count; i++) readers[i] = [];
        for (int i = 0; i < nodes.Count; i++)
            foreach (string use in uses[i])
                if (use.Length > 0 && producer.TryGetValue(use, out int p))
                {
                    readers[p].Add(i);
                    waiting[i]++;
                }
        var ready = new PriorityQueue<int, int>();
        for (int i = 0; i < nodes.Count; i++)
            if (waiting[i] == 0) ready.Enqueue(i, i);
        while (ready.TryDequeue(out int i, out _))
        {
            result.Add(nodes[i]);
            foreach (int reader in readers[i])
                if (--waiting[reader] == 0) ready.Enqueue(reader, reader);
        }
        return result.Count == nodes.Count ? result
            : throw new EdgeLiteException(Status.InvalidGraph, $"Graph '{OnnxTensor.Clean(graph)}' of the model has a cycle.");
    }
}
