using System.Runtime.CompilerServices;
using EdgeLite.Converter.Ir;
using EdgeLite.Core;
using EdgeLite.Ops.EdgeLite;

namespace EdgeLite.Converter.Lowering;

/// <summary>How a constant is packed.</summary>
internal enum Packing
{
    Conv,
    ConvTranspose,
    Depthwise,
    Gemm,
    GemmTransposed,
}

/// <summary>Packs constants, each once a way, so that weights that several nodes share stay shared.</summary>
internal static class WeightPacker
{
    private static readonly ConditionalWeakTable<Graph, Dictionary<(Tensor, Packing, int), Value>> s_packed = [];

    public static Value Pack(Graph graph, Value weights, Packing packing, int groups = 1) =>
        Pack(graph, weights.Name, weights.Constant!, packing, groups);

    public static Value Pack(Graph graph, string name, Tensor w, Packing packing, int groups = 1)
    {
        Dictionary<(Tensor, Packing, int), Value> known = s_packed.GetOrCreateValue(graph);
        if (known.TryGetValue((w, packing, groups), out Value? value) && graph.Find(value.Name) == value) return value;
        Tensor packed = packing switch
        {
            Packing.Conv => PanelPacking.PackConv(w, groups),
            Packing.ConvTranspose => PanelPacking.PackConvTranspose(w, groups),
            Packing.Depthwise => PanelPacking.PackDepthwise(w),
            _ => PanelPacking.PackGemm(w, packing == Packing.GemmTransposed),
        };
        value = graph.AddConstant(name + ".packed", packed);
        known[(w, packing, groups)] = value;
        return value;
    }
}
