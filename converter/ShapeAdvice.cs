using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter;

/// <summary>What to say to --shape where a file leaves sizes of inputs free: sizes of the right form, as the layers tell that inputs go into.</summary>
internal static class ShapeAdvice
{
    private const int MostSteps = 64;
    private static readonly string[] s_picture = ["1", "3", "224", "224"];

    /// <summary>"--shape NAME=1x3x224x224" for each input of free sizes: those that it declares, a batch of 1, and what its first layer tells;
    /// for a rank that nothing tells, a picture.</summary>
    public static string Example(Graph graph) =>
        string.Join(' ', graph.Inputs.Where(i => !i.Type.IsKnown && !i.Type.IsList).Select(i => $"--shape {i.Name}={string.Join('x', Complete(i, ByLayers(i)))}"));

    /// <summary>Throws, with what to do, where shape rules refuse samples of <paramref name="shapes"/>, which were chosen for the free sizes.</summary>
    public static void RequireFit(Graph graph, IReadOnlyList<Shape> shapes)
    {
        if (Refusal(graph, shapes) is not { } refusal) return;
        IEnumerable<string> sizes = graph.Inputs.Zip(shapes).Where(p => !p.First.Type.IsKnown && !p.First.Type.IsList).Select(p => $"{p.First.Name}={string.Join('x', p.Second.AsSpan().ToArray())}");
        throw new EdgeLiteException(refusal.Status, $"The model does not take {string.Join(", ", sizes)}: {refusal.Message} Give sizes that it takes, in the form --shape {string.Join(" --shape ", sizes)}.", refusal);
    }

    /// <summary>What shape rules say against inputs of these shapes; null: nothing. The graph stays as it is.</summary>
    public static EdgeLiteException? Refusal(Graph graph, IReadOnlyList<Shape> shapes)
    {
        if (graph.Inputs.All(i => i.Type.IsKnown || i.Type.IsList)) return null;
        TensorType[] types = [.. graph.Inputs.Select(i => i.Type)];
        try
        {
            for (int i = 0; i < types.Length; i++)
                if (!types[i].IsList) graph.Inputs[i].Type = types[i] with { Shape = shapes[i] };
            ShapeInference.Run(graph);
            return null;
        }
        catch (EdgeLiteException e) when (e.Status is Status.InvalidShape or Status.InvalidGraph or Status.InvalidArgument)
        {
            return e;
        }
        finally
        {
            for (int i = 0; i < types.Length; i++) graph.Inputs[i].Type = types[i];
            ShapeInference.Run(graph);
        }
    }

    private static IEnumerable<string> Complete(Value input, string[]? told)
    {
        if (!input.Shape.IsRanked) return told ?? s_picture;
        if (told?.Length != input.Shape.Rank) told = null;
        return input.Shape.AsSpan().ToArray().Select((dim, d) => dim >= 0 ? $"{dim}" : d == 0 ? "1" : told?[d] ?? (input.Shape.Rank == s_picture.Length ? "224" : "64"));
    }

    private static string[]? ByLayers(Value value)
    {
        var reached = new List<Value> { value };
        for (int at = 0; at < reached.Count && at < MostSteps; at++)
            foreach (Node node in reached[at].Consumers)
            {
                if (ByLayer(node, reached[at]) is { } sizes) return sizes;
                // What works element by element passes the shape on.
                if (node.OpType is "Cast" or "Identity" or "Add" or "Sub" or "Mul" or "Div" or "Clip" or "Relu" or "Pad" && node.Outputs[0] is { } next && !reached.Contains(next)) reached.Add(next);
            }
        return null;
    }

    private static string[]? ByLayer(Node node, Value x)
    {
        if (node.Inputs.Count < 2 || node.Inputs[1] is not { } other) return null;
        Shape? weights = ReferenceEquals(node.Inputs[0], x) && other.Shape.IsKnown ? other.Shape : null;
        switch (node.OpType)
        {
            case "Conv" when weights is { Rank: >= 3 } w:
                long channels = w[1] * node.Attributes.Int("group", 1);
                return ["1", $"{channels}", .. w.Rank switch { 3 => new[] { "1000" }, 4 => ["224", "224"], _ => ["16", "112", "112"] }];
            case "MatMul" when weights is { Rank: 2 } w: return ["1", $"{w[0]}"];
            case "Gemm" when weights is { Rank: 2 } w: return ["1", $"{w[node.Attributes.Int("transB", 0) != 0 ? 1 : 0]}"];
            case "LSTM" or "GRU" or "RNN" when weights is { Rank: 3 } w: return ["100", "1", $"{w[2]}"];
            case "Gather" when ReferenceEquals(other, x) && node.Inputs[0] is { IsConstant: true }: return ["1", "128"];
            default: return null;
        }
    }
}
