using EdgeLite.Converter.Ir;
using EdgeLite.Ops;

namespace EdgeLite.Converter.Passes;

/// <summary>
/// A Pad of zeros before a Conv, or of minus infinity before a MaxPool, is padding of the layer; before an AveragePool zeros are,
/// when the pool counts them (count_include_pad).
/// </summary>
public sealed class PadFolding : IGraphPass
{
    public string Name => "pad-folding";

    public bool Run(Graph graph)
    {
        bool changed = false;
        foreach (Node node in graph.Nodes.ToArray())
        {
            if (node.Domain.Length > 0 || node.OpType is not ("Conv" or "MaxPool" or "AveragePool") || node.Attributes.Int("channels_last", 0) != 0) continue;
            if (Match.Producer(node.Inputs[0], "Pad") is not { } pad || pad.Attributes.String("mode", "constant") != "constant") continue;
            changed |= Fold(graph, node, pad);
        }
        return changed;
    }

    private static bool Fold(Graph graph, Node node, Node pad)
    {
        if (pad.Inputs[0] is not { Shape: { IsRanked: true, Rank: >= 3 } } x || SpatialPads(pad, x.Shape.Rank) is not { } pads) return false;
        int n = x.Shape.Rank - 2;
        double value = 0;
        if (pad.Input(2) != null && !Match.Scalar(pad.Input(2), out value)) return false;
        AttributeSet attributes = node.Attributes.Clone();
        string auto = attributes.String("auto_pad", "NOTSET");
        if (auto is not ("NOTSET" or "VALID" or "")) return false;
        long[] own = auto == "VALID" ? new long[2 * n] : attributes.Ints("pads") ?? new long[2 * n];
        switch (node.OpType)
        {
            case "Conv" when value == 0:
                break;
            case "MaxPool" when value <= -3.4e38 && node.Inputs[0]!.DType == Core.DType.Float32 && attributes.Int("ceil_mode", 0) == 0:
                break;
            case "AveragePool" when value == 0 && attributes.Int("ceil_mode", 0) == 0
                && (attributes.Int("count_include_pad", 0) != 0 || own.All(p => p == 0)):
                attributes["count_include_pad"] = 1L;
                break;
            default:
                return false;
        }
        // A window may not be wider than what it overlaps of the padding alone.
        if (node.OpType != "Conv")
        {
            long[] kernel = attributes.Ints("kernel_shape")!;
            for (int i = 0; i < 2 * n; i++)
                if (own[i] + pads[i] >= kernel[i % n]) return false;
        }
        attributes.Remove("auto_pad");
        attributes["pads"] = own.Zip(pads, (a, b) => a + b).ToArray();
        Value?[] inputs = [.. node.Inputs];
        inputs[0] = x;
        if (node.Outputs.Skip(1).Any(o => o != null)) return false;
        Value y = Rewrite.Insert(graph, node, node.OpType, node.Output.Name, inputs, attributes);
        Rewrite.Replace(graph, node.Output, y, keepName: true);
        return true;
    }

    /// <summary>[begin.., end..] of the spatial axes; null when others are padded or something is cut away.</summary>
    private static long[]? SpatialPads(Node pad, int rank)
    {
        if (Match.Ints(pad.Input(1)) is not { } given || given.Any(p => p < 0)) return null;
        long[]? axes = pad.Input(3) == null ? [.. Enumerable.Range(0, rank).Select(a => (long)a)] : Match.Ints(pad.Input(3));
        if (axes == null || given.Length != 2 * axes.Length) return null;
        var pads = new long[2 * (rank - 2)];
        for (int i = 0; i < axes.Length; i++)
        {
            int axis = Match.Axis(axes[i], rank);
            long begin = given[i], end = given[axes.Length + i];
            if (axis >= 2) (pads[axis - 2], pads[rank - 2 + axis - 2]) = (begin, end);
            else if (begin != 0 || end != 0) return null;
        }
        return pads;
    }
}
