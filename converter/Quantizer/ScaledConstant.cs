using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Quantizing;

/// <summary>Constants multiplied element by element, as the repairs before quantization do.</summary>
internal static class ScaledConstant
{
    /// <summary>Gives <paramref name="node"/> a constant of its own in place of input <paramref name="input"/>: element i times
    /// <paramref name="factor"/>(i, shape).</summary>
    public static void Replace(Graph graph, Node node, int input, string suffix, Func<long, Shape, double> factor)
    {
        Value old = node.Inputs[input]!;
        var scaled = new Tensor(DType.Float32, old.Shape);
        for (long i = 0; i < scaled.Count; i++) scaled.SetDouble(i, old.Constant!.GetDouble(i) * factor(i, old.Shape));
        graph.SetInput(node, input, graph.AddConstant(old.Name + suffix, scaled));
        if (old.Consumers.Count == 0 && !graph.Outputs.Contains(old)) graph.Remove(old);
    }
}
