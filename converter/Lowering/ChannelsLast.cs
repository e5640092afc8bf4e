using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Passes;
using EdgeLite.Core;
using EdgeLite.Ops;

namespace EdgeLite.Converter.Lowering;

/// <summary>
/// Gives spatial operators their channels-last form between Transposes: convolutions with constant float32 weights become
/// edgelite.Conv, DepthwiseConv, ConvTranspose with packed weights; pools, normalisations and the like get
/// <c>channels_last</c>. TransposeMotion then removes most of the Transposes.
/// </summary>
public sealed class ChannelsLast : IGraphPass
{
    /// <summary>Operators with a channels_last attribute; only X is in another layout.</summary>
    private static readonly HashSet<string> s_spatial =
    [
        "MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool", "BatchNormalization", "InstanceNormalization",
        "DepthToSpace", "SpaceToDepth", "LRN",
    ];

    public string Name => "channels-last";

    public bool Run(Graph graph)
    {
        bool changed = false;
        foreach (Node node in graph.Nodes.ToArray())
        {
            if (node.Domain.Length > 0) continue;
            if (node.OpType is "Conv" or "ConvTranspose") changed |= LowerConv(graph, node);
            else if (s_spatial.Contains(node.OpType)) changed |= SetChannelsLast(graph, node);
            else if (node.OpType == "Resize") changed |= WrapResize(graph, node);
        }
        return changed;
    }

    /// <summary>The permutation from channels first to channels last: 0, 2, 3, ..., 1.</summary>
    public static int[] ToLast(int rank) => [0, .. Enumerable.Range(2, rank - 2), 1];

    /// <summary>And back: 0, r-1, 1, 2 ...</summary>
    public static int[] ToFirst(int rank) => [0, rank - 1, .. Enumerable.Range(1, rank - 2)];

    /// <summary>X[n][c][w] or X[n][c][h][w] as a channels-last value of rank 4.</summary>
    public static Value Enter(Graph graph, Node before, Value x, int spatialRank)
    {
        Value last = Rewrite.Transpose(graph, before, x, ToLast(spatialRank + 2), x.Name + ".nhwc");
        return spatialRank == 2 ? last
            : Rewrite.Insert(graph, before, "Unsqueeze", x.Name + ".h1", [last, Rewrite.Ints(graph, "axis1", 1)]);
    }

    /// <summary>The inverse of <see cref="Enter"/>, under the name <paramref name="hint"/>.</summary>
    public static Value Leave(Graph graph, Node before, Value y, int spatialRank, string hint)
    {
        if (spatialRank == 1) y = Rewrite.Insert(graph, before, "Squeeze", y.Name + ".1d", [y, Rewrite.Ints(graph, "axis1", 1)]);
        return Rewrite.Transpose(graph, before, y, ToFirst(spatialRank + 2), hint);
    }

    private static bool LowerConv(Graph graph, Node node)
    {
        if (node.Input(0) is not { DType: DType.Float32, Shape.IsRanked: true } x) return false;
        if (node.Input(1) is not { IsConstant: true, DType: DType.Float32 } w || ConvGeometry.Of(node, w.Shape) is not { } geometry) return false;
        if (node.Input(2) is { } bias && (bias.DType != DType.Float32 || bias.Shape != new Shape(geometry.OutChannels))) return false;
        Value packed = WeightPacker.Pack(graph, w, geometry.Packing, geometry.Groups);
        Value entered = Enter(graph, node, x, geometry.SpatialRank);
        Value y = Rewrite.Insert(graph, node, geometry.OpType, node.Output.Name + ".nhwc", [entered, packed, node.Input(2)], geometry.Attributes(), "edgelite");
        y.SourceName = node.Output.SourceName ?? node.Output.Name;
        Rewrite.Replace(graph, node.Output, Leave(graph, node, y, geometry.SpatialRank, node.Output.Name), keepName: true);
        return true;
    }

    private static bool SetChannelsLast(Graph graph, Node node)
    {
        if (node.Attributes.Int("channels_last", 0) != 0 || node.Input(0) is not { Shape: { IsRanked: true, Rank: 3 or 4 } } x) return false;
        if (node.Outputs.Skip(1).Any(o => o != null)) return false;
        // Global pools and normalisations over one spatial axis gain nothing from a second.
        int rank = x.Shape.Rank;
        bool isWindow = node.OpType is "MaxPool" or "AveragePool";
        int spatial = rank - 2;
        if (rank == 3 && node.OpType is "DepthToSpace" or "SpaceToDepth") return false;
        AttributeSet attributes = node.Attributes.Clone();
        Value entered;
        if (isWindow && spatial == 1)
        {
            foreach (string name in new[] { "kernel_shape", "strides", "dilations" })
                if (attributes.Ints(name) is { } one) attributes[name] = new long[] { 1, one[0] };
            if (attributes.Ints("pads") is { } pads) attributes["pads"] = new long[] { 0, pads[0], 0, pads[1] };
            entered = Enter(graph, node, x, 1);
        }
        else entered = Rewrite.Transpose(graph, node, x, ToLast(rank), x.Name + ".nhwc");
        attributes["channels_last"] = 1L;
        Value?[] inputs = [.. node.Inputs];
        inputs[0] = entered;
        Value y = Rewrite.Insert(graph, node, node.OpType, node.Output.Name + ".nhwc", inputs, attributes);
        y.SourceName = node.Output.SourceName ?? node.Output.Name;
        Value left = isWindow ? Leave(graph, node, y, spatial, node.Output.Name) : Rewrite.Transpose(graph, node, y, ToFirst(rank), node.Output.Name);
        Rewrite.Replace(graph, node.Output, left, keepName: true);
        return true;
    }

    /// <summary>A Resize of height and width alone, by constant scales or sizes, is done channels last.</summary>
    private static bool WrapResize(Graph graph, Node node)
    {
        if (node.Input(0) is not { Shape: { IsRanked: true, Rank: 4 } } x) return false;
        Shape y = node.Output.Shape;
        if (!y.IsRanked || y[1] != x.Shape[1] || y[1] < 0) return false;
        if (Match.Producer(x, "Transpose") is { } before && Match.Permutation(before)!.AsSpan().SequenceEqual(ToFirst(4))) return false;
        if (IsChannelsLastAlready(node)) return false;
        Value entered = Rewrite.Transpose(graph, node, x, ToLast(4), x.Name + ".nhwc");
        graph.SetInput(node, 0, Rewrite.Transpose(graph, node, entered, ToFirst(4), x.Name + ".nchw"));
        return true;
    }

    private static bool IsChannelsLastAlready(Node node)
    {
        // Batch and last dimension unchanged, the one before resized: a Resize that has crossed a Transpose.
        Shape x = node.Inputs[0]!.Shape, y = node.Output.Shape;
        return x[3] == y[3] && x[3] >= 0 && (x[2] != y[2] || x[1] != y[1]);
    }
}
