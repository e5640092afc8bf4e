using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Passes;
using EdgeLite.Core;
using EdgeLite.Ops.EdgeLite;

namespace EdgeLite.Converter.Lowering;

/// <summary>
/// A factor for each channel that is computed at run time (the gate of squeeze-and-excite) scales the weights of the 1x1 convolution that
/// follows instead of the picture: <c>Conv(Mul(x, g), w) = Conv(x, Mul(w, g))</c>, where the picture is one and has more places than there are
/// weights for each of its channels. Runs on channels-last convolutions with packed weights.
/// </summary>
public sealed class ChannelGates : IGraphPass
{
    /// <summary>Measured: weights, whose rows are short, take two to four times as long to scale as a picture of their size.</summary>
    private const int PlacesForAWeight = 4;

    public string Name => "channel-gates";

    public bool Run(Graph graph)
    {
        bool changed = false;
        foreach (Node node in graph.Nodes.ToArray())
            changed |= node.Is("Mul") && graph.Find(node.Output.Name) == node.Output && Moved(graph, node);
        return changed;
    }

    private static bool Moved(Graph graph, Node mul)
    {
        if (mul.Output is not { DType: DType.Float32, Shape: { IsKnown: true, Rank: 4 } } scaled || scaled.Shape[0] != 1) return false;
        long channels = scaled.Shape[3], places = scaled.Shape[1] * scaled.Shape[2];
        if (Match.OtherInput(mul, v => v.Shape.IsKnown && !Match.SameShape(v.Shape, scaled.Shape)) is not { } x || !Match.SameShape(x.Shape, scaled.Shape)) return false;
        Value gate = mul.Inputs[0] == x ? mul.Inputs[1]! : mul.Inputs[0]!;
        if (gate.Shape.Count != channels || gate.Shape.Rank < 1 || gate.Shape[gate.Shape.Rank - 1] != channels) return false;

        if (Match.SoleConsumer(graph, scaled) is not { OpType: "Conv", Domain: "edgelite" } conv || conv.Inputs[0] != scaled) return false;
        if (conv.Attributes.Ints("kernel_shape") is not [1, 1] || conv.Attributes.Int("group", 1) != 1) return false;
        if (conv.Inputs[1]!.Constant is not { } weights || places < PlacesForAWeight * conv.Attributes.Int("out_channels", 0)) return false;

        const int panel = PanelLayout.Panel;
        Value rows = graph.AddConstant(conv.Inputs[1]!.Name + ".rows", weights.Reshaped(new Shape(weights.Count / (channels * panel), channels, panel)));
        Value column = Rewrite.Insert(graph, conv, "Reshape", gate.Name + ".column", [gate, Rewrite.Ints(graph, gate.Name + ".column.shape", channels, 1)]);
        graph.SetInput(conv, 1, Rewrite.Insert(graph, conv, "Mul", rows.Name + ".gated", [rows, column]));
        graph.SetInput(conv, 0, x);
        Rewrite.RemoveIfDead(graph, mul);
        return true;
    }
}
