using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.Onnx.Upgrades.Microsoft;

/// <summary>RotaryEmbedding with three positions of each token, position_ids[3][b][s] (Qwen2-VL, arXiv 2409.12191, section 2.1): mrope_section says how many angles
/// turn by the first, the second and the third; they lie behind each other or (mrope_layout 1) take turns.</summary>
[Upgrades("MRotaryEmbedding", Domain = "com.microsoft")]
internal sealed class MRotaryEmbedding : OperatorUpgrade
{
    public override void Apply(NodeDraft node)
    {
        Value x = node.Required(0), places = node.Required(1), cos = node.Required(2);
        long[] sections = node.Attributes.Ints("mrope_section") ?? [];
        if (sections.Length != 3 || sections.Any(s => s is < 0 or > 1 << 16)) throw node.Error("mrope_section must have three numbers");
        long[] streams = Streams(sections, node.Attributes.Int("mrope_layout", 0) != 0);
        if (cos.Shape is { IsRanked: true, Rank: 2 } shape && shape[1] >= 0 && shape[1] != streams.Length) throw node.Error($"mrope_section has {streams.Length} angles, the caches have {shape[1]}");
        long heads = node.Attributes.Int("num_heads", 0);
        if (node.RequiredRank(0) == 3 && heads == 0)
        {
            if (x.Shape[2] <= 0 || node.Attributes.Int("rotary_embedding_dim", 0) > 0) throw node.Error("num_heads is not given");
            heads = x.Shape[2] / (2 * streams.Length);
        }
        Value stream = node.Constant("streams", Tensor.FromArray<long>(streams, new Shape(1, 1, 1, streams.Length)));
        Value Angles(Value cache)
        {
            Value all = node.Emit("Gather", [cache, places]);
            Value index = node.Emit("Expand", [stream, node.Emit("Concat", [node.Ints("one", 1), node.Emit("Shape", [all], ("start", 1))], ("axis", 0))]);
            return node.Emit("Squeeze", [node.Emit("GatherElements", [all, index], ("axis", 0)), node.Ints("stream", 0)]);
        }
        node.Become("RotaryEmbedding", [x, Angles(cos), Angles(node.Required(3))],
            ("interleaved", node.Attributes.Int("interleaved", 0)), ("num_heads", heads), ("rotary_embedding_dim", node.Attributes.Int("rotary_embedding_dim", 0)));
        node.MoveTo("");
    }

    /// <summary>The position that each angle takes.</summary>
    private static long[] Streams(long[] sections, bool takeTurns)
    {
        var streams = new long[sections.Sum()];
        for (int i = 0; i < streams.Length; i++)
            streams[i] = !takeTurns ? i < sections[0] ? 0 : i < sections[0] + sections[1] ? 1 : 2 : i % 3 is var s and > 0 && i < 3 * sections[s] ? s : 0;
        return streams;
    }
}
