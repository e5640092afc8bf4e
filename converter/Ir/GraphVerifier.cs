using EdgeLite.Core;

namespace EdgeLite.Converter.Ir;

/// <summary>Checks what every pass may rely on: each value defined once and before its use, producers and consumers in step,
/// outputs present, subgraphs closed. Run after every pass in tests and after the importer always.</summary>
public static class GraphVerifier
{
    public static void Verify(Graph graph)
    {
        var defined = new HashSet<Value>(graph.Inputs);
        var nodes = new HashSet<Node>(graph.Nodes);
        foreach (Value value in graph.Values)
        {
            if (graph.Find(value.Name) != value) throw Error($"value '{value.Name}' is filed under another name");
            if (value.IsConstant) defined.Add(value);
        }
        foreach (Node node in graph.Nodes)
        {
            foreach (Value? input in node.Inputs)
            {
                if (input == null) continue;
                if (graph.Find(input.Name) != input) throw Error($"{node} reads '{input.Name}', which is not a value of this graph");
                if (!defined.Contains(input)) throw Error($"{node} reads '{input.Name}' before it is computed");
                if (input.Consumers.Count(c => c == node) != node.Inputs.Count(i => i == input))
                    throw Error($"'{input.Name}' does not list {node} as its reader correctly");
            }
            foreach (Value? output in node.Outputs)
            {
                if (output == null) continue;
                if (output.Producer != node) throw Error($"'{output.Name}' does not name {node} as its producer");
                if (graph.Find(output.Name) != output) throw Error($"{node} writes '{output.Name}', which is not a value of this graph");
                if (!defined.Add(output)) throw Error($"'{output.Name}' is computed twice");
            }
            foreach (Graph sub in Graph.Subgraphs(node)) Verify(sub);
        }
        foreach (Value output in graph.Outputs)
            if (!defined.Contains(output)) throw Error($"output '{output.Name}' is never computed");
        foreach (Value value in graph.Values)
            foreach (Node consumer in value.Consumers)
                if (!nodes.Contains(consumer)) throw Error($"'{value.Name}' lists {consumer}, which is not in the graph");

        EdgeLiteException Error(string message) => new(Status.InvalidGraph, $"Graph '{graph.Name}': {message}.");
    }
}
