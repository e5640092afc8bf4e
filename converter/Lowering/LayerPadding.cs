using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Passes;
using EdgeLite.Ops;

namespace EdgeLite.Converter.Lowering;

/// <summary>A Pad of height and width before a channels-last convolution is padding of the convolution: zeros before float
/// ones, the input's zero point before integer ones.</summary>
public sealed class LayerPadding : IGraphPass
{
    public string Name => "layer-padding";

    public bool Run(Graph graph)
    {
        bool changed = false;
        foreach (Node node in graph.Nodes.ToArray())
        {
            if (node.Domain != "edgelite" || node.OpType is not ("Conv" or "DepthwiseConv" or "QConv" or "QDepthwiseConv")) continue;
            if (graph.Find(node.Output.Name)?.Producer != node || Match.Producer(node.Inputs[0], "Pad") is not { } pad) continue;
            if (pad.Attributes.String("mode", "constant") != "constant" || Pads(pad) is not { } added) continue;
            double value = 0;
            if (pad.Input(2) != null && !Match.Scalar(pad.Input(2), out value)) continue;
            if (value != (node.OpType[0] == 'Q' ? node.Attributes.Int("x_zero_point", 0) : 0)) continue;
            AttributeSet attributes = node.Attributes.Clone();
            attributes["pads"] = (attributes.Ints("pads") ?? [0, 0, 0, 0]).Zip(added, (a, b) => a + b).ToArray();
            Value?[] inputs = [.. node.Inputs];
            inputs[0] = pad.Inputs[0];
            Value y = Rewrite.Insert(graph, node, node.OpType, node.Output.Name, inputs, attributes, node.Domain);
            Rewrite.Replace(graph, node.Output, y, keepName: true);
            changed = true;
        }
        return changed;
    }

    /// <summary>[top, left, bottom, right] of a Pad over NHWC that leaves batch and channels alone, or null.</summary>
    private static long[]? Pads(Node pad)
    {
        if (pad.Inputs[0] is not { Shape: { IsRanked: true, Rank: 4 } } || Match.Ints(pad.Input(1)) is not { } given || given.Any(p => p < 0)) return null;
        long[]? axes = pad.Input(3) == null ? [0, 1, 2, 3] : Match.Ints(pad.Input(3));
        if (axes == null || given.Length != 2 * axes.Length) return null;
        var pads = new long[4];
        for (int i = 0; i < axes.Length; i++)
        {
            int axis = Match.Axis(axes[i], 4);
            (long begin, long end) = (given[i], given[axes.Length + i]);
            if (axis is 1 or 2) (pads[axis - 1], pads[axis + 1]) = (begin, end);
            else if (begin != 0 || end != 0) return null;
        }
        return pads;
    }
}
