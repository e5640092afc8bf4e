using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.Onnx.Upgrades.Microsoft;

/// <summary>A cache in which past and present share one buffer: its first entries count, the new ones are written behind them.</summary>
/// <param name="node">the attention node</param>
/// <param name="taken">how many entries count, in a tensor of one element</param>
/// <param name="beams">cache_indirection[samples][beams][places]: in which beam's cache each entry of a beam lies; null: in its own</param>
/// <param name="axis">that of the places; the size of an entry follows, what is in front of it are rows</param>
internal sealed class SharedCache(NodeDraft node, Value taken, Value? beams, int axis)
{
    private readonly Value _taken = node.Emit("Reshape", [node.Emit("Cast", [taken], ("to", (long)DType.Int64)), node.Ints("one", 1)]);

    /// <summary>The entries that count.</summary>
    public Value Past(Value cache)
    {
        Value past = First(cache, axis);
        if (beams == null) return past;
        if (node.RequiredRank(9) != 3) throw node.Error($"cache_indirection is {beams}; expected [samples][beams][places]");
        // Caches of all beams of all samples lie behind each other.
        Value width = node.Emit("Shape", [beams], ("start", 1), ("end", 2)), samples = node.Emit("Shape", [beams], ("start", 0), ("end", 1));
        Value own = node.Emit("Mul", [node.Emit("Range", [node.Int("zero", 0), node.Emit("Squeeze", [samples]), node.Int("step", 1)]), width]);
        Value row = node.Emit("Add", [node.Emit("Cast", [First(beams, 2)], ("to", (long)DType.Int64)), node.Emit("Unsqueeze", [own, node.Ints("axes", 1, 2)])]);
        row = node.Emit("Reshape", [row, node.Emit("Concat", [node.Ints("rows", -1, 1), _taken, node.Ints("size", 1)], ("axis", 0))]);
        return node.Emit("GatherElements", [past, node.Emit("Expand", [row, node.Emit("Shape", [past])])], ("axis", 0));
    }

    /// <summary>The cache with the new entries in.</summary>
    public Value Written(Value cache, Value entries) =>
        node.Emit("TensorScatter", [cache, entries, node.Emit("Expand", [_taken, node.Emit("Shape", [cache], ("start", 0), ("end", 1))])], ("axis", axis));

    private Value First(Value x, int along) => node.Emit("Slice", [x, node.Ints("start", 0), _taken, node.Ints("axis", along)]);
}
