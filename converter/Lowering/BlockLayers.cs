using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Passes;
using EdgeLite.Core;
using EdgeLite.Ops;
using EdgeLite.Ops.EdgeLite;

namespace EdgeLite.Converter.Lowering;

/// <summary>
/// MatMul and Gemm of floats with a constant of few bits that a block-wise DequantizeLinear expands, also behind a Slice of its padding
/// and a Transpose (as MatMulNBits is imported), become edgelite.BlockGemm, which computes on the packed weights.
/// </summary>
public sealed class BlockLayers : IGraphPass
{
    public string Name => "block-layers";

    public bool Run(Graph graph)
    {
        bool changed = false;
        foreach (Node node in graph.Nodes.ToArray())
            if (graph.Nodes.Contains(node) && (node.Is("MatMul") || node.Is("Gemm"))) changed |= Lower(graph, node);
        return changed;
    }

    /// <summary>Lowers one node, if it is such a product; with <paramref name="roundsInput"/> the layer rounds each block of its input to int8.</summary>
    public static bool Lower(Graph graph, Node node, bool roundsInput = false)
    {
        bool isGemm = node.OpType == "Gemm";
        if (node.Input(0) is not { DType: DType.Float32, Shape: { IsRanked: true, Rank: >= 1 } } x) return false;
        AttributeSet a = node.Attributes;
        if (isGemm && (a.Int("transA", 0) != 0 || a.Float("alpha", 1) != 1 || a.Float("beta", 1) != 1)) return false;
        if (Find(node.Input(1), isGemm && a.Int("transB", 0) != 0) is not { } w) return false;
        if (x.Shape[x.Shape.Rank - 1] is >= 0 and var k && k != w.Layout.Rows) return false;

        Value? bias = null, addend = isGemm ? node.Input(2) : null;
        int n = w.Layout.Columns;
        Node last = node;
        if (!isGemm && Match.SoleConsumer(graph, node.Output) is { } add && add.Is("Add") && add.Output.Shape.IsRanked && add.Output.Shape.Rank == x.Shape.Rank
            && Match.OtherInput(add, v => v == node.Output) is { IsConstant: true } row)
            (last, addend) = (add, row);
        if (addend?.Constant is { DType: DType.Float32 } constant && DenseLayers.Bias(constant, n) is { } values)
        {
            bias = graph.AddConstant(addend.Name + ".bias", values);
            addend = null;
        }
        else if (last != node) (last, addend) = (node, null);
        string name = w.Stored.Name;
        Value packed = graph.AddConstant(name + ".packed", Pack(w));
        Value scales = graph.AddConstant(name + ".scales", PackParameters(w, w.Scales, w.Scales.DType));
        Value? zeros = w.Zeros == null ? null : graph.AddConstant(name + ".zeros", PackParameters(w, w.Zeros, DType.UInt8));
        Value?[] inputs = bias != null ? [x, packed, scales, zeros, bias] : zeros != null ? [x, packed, scales, zeros] : [x, packed, scales];
        Value y = Rewrite.Insert(graph, last, "BlockGemm", last.Output.Name + ".dense", inputs,
            AttributeSet.Of(("out_features", n), ("bits", w.Layout.Bits), ("block_size", w.Layout.BlockSize), ("int8", roundsInput ? 1L : 0L)), "edgelite");
        if (addend != null) y = Rewrite.Insert(graph, node, "Add", node.Output.Name + ".plus", [y, addend]);
        y.SourceName = last.Output.SourceName ?? last.Output.Name;
        Rewrite.Replace(graph, last.Output, y, keepName: true);
        return true;
    }

    /// <summary>Constant weights W[K][N] of few bits. <c>InRows</c>: stored as [N][K].</summary>
    private sealed record Weights(Value Stored, Tensor Scales, Tensor? Zeros, bool InRows, BlockLayout Layout)
    {
        /// <summary>Number to add to stored weights and zero points so that they lie in [0, 2^bits).</summary>
        public int Offset => Stored.DType.IsSigned() ? 1 << (Stored.DType.Bits() - 1) : 0;

        public long StoredK => Stored.Shape[InRows ? 1 : 0];
    }

    private static Weights? Find(Value? value, bool transposed)
    {
        bool swapped = transposed;
        long? sliced = null;
        while (true)
        {
            if (Match.Producer(value, "Transpose") is { } transpose && value!.Shape.Rank == 2)
            {
                if (Match.Permutation(transpose) is not [1, 0]) return null;
                swapped = !swapped;
                value = transpose.Inputs[0];
            }
            else if (Match.Producer(value, "Slice") is { } slice && sliced == null && slice.Input(4) == null && Match.Ints(slice.Input(1)) is [0] && Match.Ints(slice.Input(2)) is [> 0 and var end]
                && Match.Ints(slice.Input(3)) is [var axis] && axis == (swapped ? 1 : 0))
            {
                sliced = end;
                value = slice.Inputs[0];
            }
            else break;
        }
        if (Match.Producer(value, "DequantizeLinear") is not { } node || node.Attributes.Int("block_size", 0) is not (> 0 and var size)) return null;
        if (node.Inputs[0] is not { Constant: { Shape.Rank: 2 } stored } source || stored.DType is not (DType.Int8 or DType.UInt8 or DType.Int4 or DType.UInt4 or DType.Int2 or DType.UInt2)) return null;
        if (node.Output.DType != DType.Float32 || ConstantOf(node.Input(1)) is not { DType: DType.Float32 or DType.Float16, Shape.Rank: 2 } scales) return null;
        Tensor? zeros = node.Input(2) == null ? null : ConstantOf(node.Input(2));
        if (node.Input(2) != null && zeros == null || Match.Axis(node.Attributes.Int("axis", 1), 2) != (swapped ? 1 : 0)) return null;
        long k = Math.Min(sliced ?? long.MaxValue, stored.Shape[swapped ? 1 : 0]), n = stored.Shape[swapped ? 0 : 1];
        if (k > int.MaxValue || n > int.MaxValue) return null;
        int bits = stored.DType.Bits();
        if (bits == 4 && (size >= k || size % 32 == 0) && IsNarrow(stored)) bits = 3;
        var layout = new BlockLayout(bits, (int)k, (int)n, size);
        if (!layout.IsPossible) return null;
        // The middle of the range is the zero point of weights without one.
        int middle = stored.DType.IsSigned() ? 0 : 1 << (stored.DType.Bits() - 1);
        if (zeros == null && middle != 0) (zeros = new Tensor(stored.DType, scales.Shape)).Bytes.Clear();
        if (zeros != null && Enumerable.Range(0, (int)zeros.Count).All(i => zeros.GetInt64(i) == middle)) zeros = null;
        return new Weights(source, scales, zeros, swapped, layout);
    }

    /// <summary>A constant, or one that is only reshaped.</summary>
    private static Tensor? ConstantOf(Value? value) => value?.Constant
        ?? (Match.Producer(value, "Reshape") is { } reshape && reshape.Inputs[0]?.Constant is { } inner && value!.Shape.IsKnown ? inner.Reshaped(value.Shape) : null);

    /// <summary>True for int4 numbers that all lie in [-4, 3].</summary>
    private static bool IsNarrow(Tensor stored)
    {
        if (stored.DType != DType.Int4) return false;
        for (long i = 0; i < stored.Count; i++)
            if (stored.GetInt64(i) is < -4 or > 3) return false;
        return true;
    }

    private static unsafe Tensor Pack(Weights w)
    {
        BlockLayout layout = w.Layout;
        var packed = new Tensor(DType.UInt8, new Shape(layout.Bytes));
        packed.Bytes.Clear();
        int offset = layout.Bits == 3 ? 4 : w.Offset;
        Tensor stored = w.Stored.Constant!;
        for (int i = 0; i < layout.Rows; i++)
            for (int j = 0; j < layout.Columns; j++)
                layout.Set(packed.Data, i, j, (int)stored.GetInt64(w.InRows ? j * w.StoredK + i : (long)i * layout.Columns + j) + offset);
        return packed;
    }

    private static Tensor PackParameters(Weights w, Tensor values, DType type)
    {
        BlockLayout layout = w.Layout;
        var packed = new Tensor(type, new Shape(layout.Parameters));
        packed.Bytes.Clear();
        long storedBlocks = values.Shape[w.InRows ? 1 : 0];
        for (int b = 0; b < layout.Blocks; b++)
            for (int j = 0; j < layout.Columns; j++)
            {
                long from = w.InRows ? j * storedBlocks + b : (long)b * layout.Columns + j;
                if (type == DType.UInt8) packed.SetInt64(layout.Parameter(b, j), values.GetInt64(from) + (layout.Bits == 3 ? 4 : w.Offset));
                else packed.SetDouble(layout.Parameter(b, j), values.GetDouble(from));
            }
        return packed;
    }
}
