using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.Onnx.Upgrades.Microsoft;

/// <summary>MurmurHash3 of 32 bits (https://github.com/aappleby/smhasher, MurmurHash3_x86_32) of each element's bytes, which are one or two blocks.</summary>
[Upgrades("MurmurHash3", Domain = "com.microsoft")]
internal sealed class MurmurHash3 : OperatorUpgrade
{
    public override void Apply(NodeDraft node)
    {
        Value x = node.Required(0);
        Value[] blocks = x.DType switch
        {
            DType.Int32 or DType.UInt32 or DType.Float32 => [Bits(x, DType.UInt32)],
            DType.Int64 or DType.UInt64 or DType.Float64 => Halves(Bits(x, DType.UInt64)),
            var type => throw node.Unsupported($"the hash of {type.Name()} is not supported; numbers of 32 and 64 bits are"),
        };
        Value h = Number((uint)node.Attributes.Int("seed", 0));
        foreach (Value block in blocks)
        {
            Value k = node.Emit("Mul", [Rotated(node.Emit("Mul", [block, Number(0xcc9e2d51)]), 15), Number(0x1b873593)]);
            h = node.Emit("Add", [node.Emit("Mul", [Rotated(Xor(h, k), 13), Number(5)]), Number(0xe6546b64)]);
        }
        h = Xor(h, Number((uint)blocks.Length * 4));
        h = node.Emit("Mul", [Xor(h, Shifted(h, "RIGHT", 16)), Number(0x85ebca6b)]);
        h = node.Emit("Mul", [Xor(h, Shifted(h, "RIGHT", 13)), Number(0xc2b2ae35)]);
        h = Xor(h, Shifted(h, "RIGHT", 16));
        node.Results = [node.Attributes.Int("positive", 1) != 0 ? h : node.Emit("BitCast", [h], ("to", (long)DType.Int32))];

        Value Bits(Value v, DType type) => v.DType == type ? v : node.Emit("BitCast", [v], ("to", (long)type));
        Value Number(uint value) => node.Constant("number", Tensor.FromScalar(value));
        Value Xor(Value a, Value b) => node.Emit("BitwiseXor", [a, b]);
        Value Shifted(Value v, string direction, uint bits) => node.Emit("BitShift", [v, Number(bits)], ("direction", direction));
        Value Rotated(Value v, uint bits) => node.Emit("BitwiseOr", [Shifted(v, "LEFT", bits), Shifted(v, "RIGHT", 32 - bits)]);
        Value[] Halves(Value v) =>
            [Low(node.Emit("BitwiseAnd", [v, node.Constant("low", Tensor.FromScalar(0xfffffffful))])), Low(node.Emit("BitShift", [v, node.Constant("half", Tensor.FromScalar(32ul))], ("direction", "RIGHT")))];
        Value Low(Value v) => node.Emit("Cast", [v], ("to", (long)DType.UInt32));
    }
}
