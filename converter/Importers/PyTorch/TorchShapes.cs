using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.PyTorch;

/// <summary>Sizes that inputs of a TorchScript file may have, told by the layers that they go into.</summary>
internal static class TorchShapes
{
    private const int MostSteps = 64;
    private static readonly string[] s_picture = ["1x3x224x224"];

    /// <summary>"--shape NAME=1x3x224x224" for each input without a rank, as far as its first layer tells; a picture where nothing does.</summary>
    public static string Example(Graph graph) =>
        string.Join(' ', graph.Inputs.Where(i => !i.Shape.IsRanked).Select(i => $"--shape {i.Name}={string.Join('x', Sizes(i) ?? s_picture)}"));

    private static string[]? Sizes(Value value)
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
