using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.Onnx.Upgrades.Microsoft;

/// <summary>How keys or values [b][heads][places][size] lie in a cache of GroupQueryAttention: as they are, or x / scale rounded to int8, or to 4
/// bits, of which a byte holds two plus 8, low bits first. One scale, or one for each channel of each head.</summary>
/// <param name="Bits">of an entry; 0: not quantized</param>
/// <param name="Scale">float32, broadcast to the cache</param>
/// <param name="Type">of the keys or values that are computed with</param>
internal sealed record CacheForm(int Bits, Value? Scale, DType Type)
{
    public static CacheForm Of(NodeDraft node, string attribute, int scale)
    {
        string kind = node.Attributes.String(attribute, "NONE");
        if (kind == "NONE") return new CacheForm(0, null, default);
        if (kind is not ("PER_TENSOR" or "PER_CHANNEL")) throw node.Unsupported($"a cache with {attribute} '{kind}' is not supported");
        long bits = node.Attributes.Int("kv_cache_bit_width", 8);
        DType wanted = bits == 8 ? DType.Int8 : DType.UInt8;
        if (bits is not (4 or 8)) throw node.Unsupported($"a cache of {bits} bits is not supported");
        foreach (int past in new[] { 3, 4 })
            if (node.Input(past) is { } cache && cache.DType != wanted) throw node.Unsupported($"a cache of {bits} bits in {cache.DType.Name()} is not supported; expected {wanted.Name()}");
        return new CacheForm((int)bits, node.Required(scale), node.Required(0).DType);
    }

    public Value Store(NodeDraft node, Value x)
    {
        if (Scale == null) return x;
        int lowest = -(1 << Bits - 1);
        Value scaled = node.Emit("Round", [node.Emit("Div", [node.Emit("Cast", [x], ("to", (long)DType.Float32)), Scale])]);
        Value entry = node.Emit("Clip", [scaled, Float(node, lowest), Float(node, -lowest - 1)]);
        if (Bits == 8) return node.Emit("Cast", [entry], ("to", (long)DType.Int8));
        Value unsigned = node.Emit("Cast", [node.Emit("Add", [entry, Float(node, -lowest)])], ("to", (long)DType.UInt8));
        Value?[] halves = node.EmitAll("Split", [node.Emit("Reshape", [unsigned, node.Ints("pairs", 0, 0, 0, -1, 2)])], 2, ("axis", -1), ("num_outputs", 2));
        Value both = node.Emit("BitwiseOr", [halves[0], node.Emit("BitShift", [halves[1], Byte(node, 4)], ("direction", "LEFT"))]);
        return node.Emit("Reshape", [both, node.Ints("bytes", 0, 0, 0, -1)]);
    }

    public Value Load(NodeDraft node, Value stored)
    {
        if (Scale == null) return stored;
        Value real = node.Emit("Cast", [stored], ("to", (long)DType.Float32));
        if (Bits == 4)
        {
            // In float32, whose kernels are native.
            Value axis = node.Ints("axis", -1), high = node.Emit("Floor", [node.Emit("Mul", [real, Float(node, 1f / 16)])]), low = node.Emit("Sub", [real, node.Emit("Mul", [high, Float(node, 16)])]);
            Value both = node.Emit("Concat", [node.Emit("Unsqueeze", [low, axis]), node.Emit("Unsqueeze", [high, axis])], ("axis", -1));
            real = node.Emit("Sub", [node.Emit("Reshape", [both, node.Ints("entries", 0, 0, 0, -1)]), Float(node, 8)]);
        }
        return node.Emit("Cast", [node.Emit("Mul", [real, Scale])], ("to", (long)Type));
    }

    private static Value Float(NodeDraft node, float value) => node.Constant("number", Tensor.FromScalar(value));

    private static Value Byte(NodeDraft node, byte value) => node.Constant("byte", Tensor.FromScalar(value));
}
