using EdgeLite.Converter.Ir;
using EdgeLite.Core;
using EdgeLite.Ops;

namespace EdgeLite.Converter.Importers.Onnx.Upgrades.Microsoft;

/// <summary>A product with weights of 2, 4 or 8 bits: B[n][blocks][block_size] packed, low bits first, a scale and a zero point for each
/// block. The weights stay packed in the file, as constant of a block-wise DequantizeLinear.</summary>
[Upgrades("MatMulNBits", Domain = "com.microsoft")]
internal sealed class MatMulNBits : OperatorUpgrade
{
    public override unsafe void Apply(NodeDraft node)
    {
        long k = node.Attributes["K"].Int, n = node.Attributes["N"].Int, bits = node.Attributes.Int("bits", 4), size = node.Attributes["block_size"].Int;
        DType type = bits switch { 2 => DType.UInt2, 4 => DType.UInt4, 8 => DType.UInt8, _ => throw node.Unsupported($"weights of {bits} bits are not supported") };
        if (k < 1 || n < 1 || size < 16) throw node.Error($"K {k}, N {n} and blocks of {size} are not possible");
        long blocks = (k + size - 1) / size;
        if (node.Required(1).Constant is not { DType: DType.UInt8 } packed || packed.ByteLength != type.ByteLength(n * blocks * size))
            throw node.Unsupported($"B is {node.Required(1)}; a constant of {type.ByteLength(n * blocks * size)} bytes is expected");
        var weights = new Tensor(type, new Shape(n, blocks * size));
        packed.Bytes.CopyTo(weights.Bytes);

        Value scales = node.Emit("Reshape", [node.Required(2), node.Ints("scales", n, blocks)]);
        // Zero points of the type of A may lie between the integers: they are taken off as numbers.
        Value? offsets = node.Input(3) is { } points && points.DType.IsFloat() ? node.Emit("Mul", [node.Emit("Reshape", [points, node.Ints("points", n, blocks)]), scales]) : null;
        Value? zeros = offsets == null ? node.Constant("zero_points", ZeroPoints(node, type, n, blocks)) : null;
        if (node.Input(4) is { } groups)
        {
            // g_idx[k]: the block whose scale and zero point column k has.
            scales = node.Emit("Gather", [scales, groups], ("axis", 1));
            if (zeros != null) zeros = node.Emit("Gather", [zeros, groups], ("axis", 1));
            if (offsets != null) offsets = node.Emit("Gather", [offsets, groups], ("axis", 1));
            if (blocks * size != k) throw node.Unsupported($"g_idx with K = {k}, which is no multiple of the blocks' {size}, is not supported");
        }
        long group = node.Input(4) == null ? size : 1;
        Value w = node.EmitWith("DequantizeLinear", [node.Constant("weights", weights), scales, zeros], AttributeSet.Of(("axis", 1), ("block_size", group)));
        if (offsets != null)
        {
            Value blocked = node.Emit("Reshape", [w, node.Ints("blocked", n, -1, group)]);
            w = node.Emit("Reshape", [node.Emit("Sub", [blocked, node.Emit("Unsqueeze", [offsets, node.Ints("last", 2)])]), node.Ints("flat", n, blocks * size)]);
        }
        if (blocks * size != k) w = node.Emit("Slice", [w, node.Ints("start", 0), node.Ints("end", k), node.Ints("axis", 1)]);
        Value transposed = node.Emit("Transpose", [w], ("perm", new long[] { 1, 0 }));
        if (node.Input(5) is not { } bias) node.Become("MatMul", [node.Required(0), transposed]);
        else node.Become("Add", [node.Emit("MatMul", [node.Required(0), transposed]), bias]);
        node.MoveTo("");
    }

    /// <summary>Half of the range by default; those that are given are packed row by row, each row in whole bytes.</summary>
    private static unsafe Tensor ZeroPoints(NodeDraft node, DType type, long n, long blocks)
    {
        var zeros = new Tensor(type, new Shape(n, blocks));
        long row = type.ByteLength(blocks);
        Tensor? given = null;
        if (node.Input(3) is { } input)
        {
            given = input.Constant is { DType: DType.UInt8 } t && t.ByteLength == n * row ? t
                : throw node.Unsupported($"zero_points is {input}; a constant of {n * row} bytes is expected");
        }
        for (long i = 0; i < n; i++)
        {
            Tensor? source = given == null ? null : new Tensor(type, new Shape(blocks), given.Data + i * row);
            for (long b = 0; b < blocks; b++) zeros.SetInt64(i * blocks + b, source?.GetInt64(b) ?? 1L << (type.Bits() - 1));
        }
        GC.KeepAlive(given);
        return zeros;
    }
}
