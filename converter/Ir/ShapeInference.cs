using EdgeLite.Core;
using EdgeLite.Ops;

namespace EdgeLite.Converter.Ir;

/// <summary>Computes type and shape of every value from the inputs on, with symbolic dimensions, by the operators' own rules and what symbols tell.</summary>
public static class ShapeInference
{
    /// <summary>Operators that the runtime lacks, each with the nodes that use it; empty when the graph can be run.</summary>
    public static IReadOnlyList<(string Operator, List<string> Nodes)> FindUnknownOperators(Graph graph)
    {
        var unknown = new SortedDictionary<string, List<string>>(StringComparer.Ordinal);
        Collect(graph);
        return unknown.Select(u => (u.Key, u.Value)).ToList();

        void Collect(Graph g)
        {
            foreach (Node node in g.Nodes)
            {
                if (OperatorTable.Find(node.Domain, node.OpType) == null)
                {
                    if (!unknown.TryGetValue(node.OperatorName, out List<string>? nodes)) unknown[node.OperatorName] = nodes = [];
                    nodes.Add(node.Name);
                }
                foreach (Graph sub in Graph.Subgraphs(node)) Collect(sub);
            }
        }
    }

    public static void Run(Graph graph)
    {
        var context = new InferContext();
        foreach (Value input in graph.Inputs)
            for (int d = 0; input.Shape.IsRanked && d < input.Shape.Rank; d++)
                if (input.Shape[d] == Shape.Unknown) input.Type = input.Type with { Shape = input.Shape.With(d, input.OwnDim(graph, d)) };
        foreach (Node node in graph.Nodes) Infer(node, context);
    }

    /// <summary>Infers one node's outputs again after it or its inputs changed. Those of an operator that is not known here keep the types
    /// they have.</summary>
    public static void Infer(Node node, InferContext? context = null)
    {
        context ??= new InferContext();
        if (node.CreateOperator() is not { } op) return;
        context.Reset(node, node.Inputs.Count, node.Outputs.Count);
        for (int i = 0; i < node.Inputs.Count; i++)
            if (node.Inputs[i] is { } input) context.SetInput(i, input.Type, input.Constant);
        for (int i = 0; i < op.Definition.MinInputs; i++)
            if (!op.Definition.Inputs[i].IsOptional && !context.HasInput(i)) throw context.Error($"required input {i} ({op.Definition.InputName(i)}) is missing");
        try
        {
            op.InferTypes(context);
        }
        catch (OverflowException) // of sizes that the file states
        {
            throw context.Error("its sizes are beyond 64 bits");
        }
        for (int i = 0; i < node.Outputs.Count; i++)
            if (node.Outputs[i] is { } output) output.Type = context.Output(i);
        SymbolicSizes.Complete(node);
    }

    /// <summary>Each graph numbers its own symbols, so those of a type that crosses into another graph become unknown.</summary>
    internal static TensorType WithoutSymbols(TensorType type) => type.Shape.IsRanked
        ? type with { Shape = new Shape([.. type.Shape.AsSpan().ToArray().Select(d => Math.Max(d, Shape.Unknown))]) }
        : type;

    internal static void InferSubgraph(Graph graph, ReadOnlySpan<TensorType> inputs, Span<TensorType> outputs)
    {
        if (inputs.Length != graph.Inputs.Count)
            throw new EdgeLiteException(Status.InvalidGraph, $"Subgraph '{graph.Name}' has {graph.Inputs.Count} inputs, got {inputs.Length}.");
        for (int i = 0; i < inputs.Length; i++) graph.Inputs[i].Type = WithoutSymbols(inputs[i]);
        Run(graph);
        for (int i = 0; i < outputs.Length; i++) outputs[i] = WithoutSymbols(graph.Outputs[i].Type);
    }
}
