using EdgeLite.Converter.Ir;
using EdgeLite.Core;
using EdgeLite.Ops;

namespace EdgeLite.Converter.Importers.Onnx.Upgrades.Microsoft;

/// <summary>Rows of a table that is quantized in blocks: gathered, their scales and zero points too, then dequantized. Of uint8 data each
/// byte holds 8 / bits numbers, low bits first.</summary>
[Upgrades("GatherBlockQuantized", Domain = "com.microsoft")]
internal sealed class GatherBlockQuantized : OperatorUpgrade
{
    public override void Apply(NodeDraft node)
    {
        AttributeSet a = node.Attributes;
        int rank = node.RequiredRank(0), indexRank = node.RequiredRank(1);
        long axis = Axis(a.Int("gather_axis", 0)), quantized = Axis(a.Int("quantize_axis", 1)), size = a.Int("block_size", 128);
        if (axis == quantized) throw node.Unsupported("gather_axis equal to quantize_axis is not supported");
        Value data = node.Required(0), scales = node.Required(2);
        Value? zeros = node.Input(3);
        if (data.DType == DType.UInt8)
        {
            long bits = a.Int("bits", 4);
            DType type = bits switch { 2 => DType.UInt2, 4 => DType.UInt4, 8 => DType.UInt8, _ => throw node.Unsupported($"weights of {bits} bits are not supported") };
            data = Unpacked(node, data, type, data.Shape.IsKnown ? data.Shape[rank - 1] * 8 / bits : 0);
            if (!scales.Shape.IsKnown) throw node.Unsupported("the shape of the scales is not known");
            if (zeros != null) zeros = Unpacked(node, zeros, type, scales.Shape[rank - 1]);
            else
            {
                var middle = new Tensor(type, scales.Shape);
                for (long i = 0; i < middle.Count; i++) middle.SetInt64(i, 1L << (int)(bits - 1));
                zeros = node.Constant("zero_points", middle);
            }
        }
        if (data.DType.IsFloat()) throw node.Unsupported($"data of {data.DType.Name()} is not supported");
        Value Gather(Value x) => node.Emit("Gather", [x, node.Required(1)], ("axis", axis));
        long after = quantized < axis ? quantized : quantized - 1 + indexRank;
        node.Become("DequantizeLinear", [Gather(data), Gather(scales), zeros == null ? null : Gather(zeros)], ("axis", after), ("block_size", size));
        node.MoveTo("");

        long Axis(long given) => given < 0 ? given + rank : given;
    }

    /// <summary>A constant of bytes as numbers of a narrower type; each row of the last dimension fills whole bytes.</summary>
    private static unsafe Value Unpacked(NodeDraft node, Value packed, DType type, long columns)
    {
        if (packed.Constant is not { } bytes) throw node.Unsupported($"{packed} is no constant");
        int rank = bytes.Shape.Rank;
        long[] dims = [.. bytes.Shape.AsSpan()];
        long rows = bytes.Shape.Product(0, rank - 1), stride = dims[rank - 1];
        if (type.ByteLength(columns) != stride) throw node.Error($"{packed} does not hold rows of {columns} numbers of {type.Name()}");
        dims[rank - 1] = columns;
        var numbers = new Tensor(type, new Shape(dims));
        for (long r = 0; r < rows; r++)
        {
            var row = new Tensor(type, new Shape(columns), bytes.Data + r * stride);
            for (long i = 0; i < columns; i++) numbers.SetInt64(r * columns + i, row.GetInt64(i));
        }
        GC.KeepAlive(bytes);
        return node.Constant("unpacked", numbers);
    }
}
