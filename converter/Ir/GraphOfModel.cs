using EdgeLite.Core;
using EdgeLite.Format;

namespace EdgeLite.Converter.Ir;

/// <summary>Turns the main graph of a written model back into a graph, for comparing and looking at.</summary>
public static class GraphOfModel
{
    public static Graph Read(Model model)
    {
        GraphDefinition definition = model.Graphs[0];
        var graph = new Graph(definition.Name);
        graph.Symbols.AddRange(definition.Symbols);
        foreach ((string key, string value) in model.Metadata) graph.Metadata[key] = value;
        var values = new Value?[definition.Values.Length];
        foreach (int v in definition.Inputs) values[v] = graph.AddInput(definition.Values[v].Name, definition.Values[v].Type);
        for (int v = 0; v < values.Length; v++)
            if (definition.Values[v].Constant is { } constant) values[v] = graph.AddConstant(definition.Values[v].Name, constant);
        foreach (NodeDefinition node in definition.Nodes)
        {
            foreach (int v in node.Outputs)
            {
                if (v < 0) continue;
                values[v] = graph.NewValue(definition.Values[v].Name, definition.Values[v].Type);
                values[v]!.SourceName = definition.Values[v].SourceName;
            }
            graph.AddNode(node.Domain, node.OpType, node.Name, [.. node.Inputs.Select(v => v < 0 ? null : values[v])],
                [.. node.Outputs.Select(v => v < 0 ? null : values[v])], node.Attributes.Clone());
        }
        foreach (int v in definition.Outputs) graph.AddOutput(values[v] ?? throw new EdgeLiteException(Status.InvalidGraph, "An output has no value."));
        return graph;
    }
}
