using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Passes;

/// <summary>Runs passes in order, again and again until none finds anything, and verifies the graph after each that changed it.</summary>
public sealed class PassRunner(IReadOnlyList<IGraphPass> passes)
{
    /// <summary>More rounds than any model needs; reaching it means that two passes undo each other.</summary>
    private const int MaxRounds = 50;

    /// <summary>Called after each pass that changed the graph, with the pass and the graph.</summary>
    public Action<IGraphPass, Graph>? AfterPass { get; init; }

    /// <summary>True when anything changed.</summary>
    public bool RunToFixpoint(Graph graph)
    {
        bool any = false;
        for (int round = 0; round < MaxRounds; round++)
        {
            bool changed = RunOnce(graph);
            if (!changed) return any;
            any = true;
            // What became constant tells shapes that depended on it.
            ShapeInference.Run(graph);
        }
        throw new EdgeLiteException(Status.Internal,
            $"Graph '{graph.Name}': the passes {string.Join(", ", passes.Select(p => p.Name))} still change it after {MaxRounds} rounds.");
    }

    /// <summary>Runs each pass once, over subgraphs first.</summary>
    public bool RunOnce(Graph graph)
    {
        bool any = false;
        foreach (IGraphPass pass in passes)
        {
            if (!RunWithSubgraphs(pass, graph)) continue;
            any = true;
            try
            {
                GraphVerifier.Verify(graph);
            }
            catch (EdgeLiteException e)
            {
                throw new EdgeLiteException(Status.Internal, $"Pass {pass.Name} broke the graph: {e.Message}", e);
            }
            AfterPass?.Invoke(pass, graph);
        }
        return any;
    }

    private static bool RunWithSubgraphs(IGraphPass pass, Graph graph)
    {
        bool changed = false;
        foreach (Node node in graph.Nodes.ToArray())
            foreach (Graph sub in Graph.Subgraphs(node))
                if (!node.Is("If") || Fits(sub)) changed |= RunWithSubgraphs(pass, sub);
        return pass.Run(graph) | changed;
    }

    /// <summary>A branch that the shapes rule out (one for another sample rate, say) is no error, as long as the other one fits; it stays as
    /// it is, since passes work on shapes. The operator If judges the pair.</summary>
    private static bool Fits(Graph branch)
    {
        try
        {
            ShapeInference.Run(branch);
            return true;
        }
        catch (EdgeLiteException)
        {
            return false;
        }
    }
}
