using EdgeLite.Core;
using EdgeLite.Format;
using EdgeLite.Ops;

namespace EdgeLite.Sessions;

/// <summary>
/// States whose next value has another size than the present one, such as caches that get an entry with each run. A plan for them is made
/// once, for inputs of open size, and serves every size that comes.
/// </summary>
internal static class GrowingStates
{
    /// <summary>Whether a state grows. Then the types to plan for have the dimensions that grow unknown, and all free dimensions of the other
    /// inputs, which follow them, too.</summary>
    /// <param name="definition">the graph</param>
    /// <param name="operators">its operators</param>
    /// <param name="graph">the graph typed for the inputs given; typed anew for the result</param>
    /// <param name="types">types of the inputs, all known; those to plan for</param>
    public static bool Open(GraphDefinition definition, Operator[] operators, ref TypedGraph graph, TensorType[] types)
    {
        bool grows = false;
        // A state that is open may open others that follow it.
        for (bool changed = definition.States.Length > 0; changed;)
        {
            changed = false;
            foreach (StateBinding state in definition.States) changed |= OpenState(definition, graph, state, types);
            if (!changed) break;
            grows = true;
            for (int i = 0; i < types.Length; i++)
                if (!IsState(definition, i) && !types[i].IsList) types[i] = new TensorType(types[i].DType, Opened(types[i].Shape, definition.Values[definition.Inputs[i]].Type.Shape));
            graph = TypedGraph.Create(definition, operators, types);
        }
        return grows;
    }

    /// <summary>Whether inputs of the types <paramref name="actual"/> can be run by a plan for <paramref name="planned"/>.</summary>
    public static bool Fit(ReadOnlySpan<TensorType> planned, ReadOnlySpan<TensorType> actual)
    {
        for (int i = 0; i < planned.Length; i++)
            if (planned[i] != actual[i] && (planned[i].IsKnown || planned[i].IsList || planned[i].DType != actual[i].DType || !planned[i].Shape.Admits(actual[i].Shape))) return false;
        return true;
    }

    private static bool OpenState(GraphDefinition definition, TypedGraph graph, StateBinding state, TensorType[] types)
    {
        TensorType to = types[state.Input], from = graph.Types[definition.Outputs[state.Output]];
        if (from == to || to.IsList || from.DType != to.DType) return false;
        if (from.Shape.IsRanked && from.Shape.Rank != to.Shape.Rank) return false;
        Shape declared = definition.Values[definition.Inputs[state.Input]].Type.Shape;
        Span<long> dims = stackalloc long[to.Shape.Rank];
        bool changed = false;
        for (int d = 0; d < dims.Length; d++)
        {
            long next = from.Shape.IsRanked ? from.Shape[d] : Shape.Unknown;
            bool isFree = !declared.IsRanked || declared[d] < 0;
            dims[d] = next == to.Shape[d] || !isFree ? to.Shape[d] : Shape.Unknown;
            changed |= dims[d] != to.Shape[d];
        }
        types[state.Input] = new TensorType(to.DType, new Shape(dims));
        return changed;
    }

    /// <summary>The shape with the dimensions unknown that the declaration leaves free.</summary>
    private static Shape Opened(Shape shape, Shape declared)
    {
        Span<long> dims = stackalloc long[shape.Rank];
        for (int d = 0; d < dims.Length; d++) dims[d] = declared.IsRanked && declared[d] >= 0 ? shape[d] : Shape.Unknown;
        return new Shape(dims);
    }

    private static bool IsState(GraphDefinition definition, int input)
    {
        foreach (StateBinding state in definition.States)
            if (state.Input == input) return true;
        return false;
    }
}
