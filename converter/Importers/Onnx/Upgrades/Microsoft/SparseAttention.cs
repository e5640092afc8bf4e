using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.Onnx.Upgrades.Microsoft;

/// <summary>
/// Attention of grouped queries in which a query sees some blocks of keys only: head h has layout h % layouts, whose blocks in a row of queries
/// are named in compressed rows (block_row_indices[layouts][rows + 1], block_col_indices[layouts][most]). GroupQueryAttention with a mask.
/// Inputs: query, key?, value?, past_key, past_value, block_row_indices, block_col_indices, total_sequence_length, key_total_sequence_lengths, cos?, sin?.
/// </summary>
[Upgrades("SparseAttention", Domain = "com.microsoft")]
internal sealed class SparseAttention : OperatorUpgrade
{
    public override void Apply(NodeDraft node)
    {
        Value total = node.Required(7), lengths = node.Emit("Sub", [node.Required(8), node.Constant("one", Tensor.FromScalar(1))]);
        Value?[] inputs = [node.Input(0), node.Input(1), node.Input(2), node.Required(3), node.Required(4), lengths, total, node.Input(9), node.Input(10), null, Mask(node)];
        node.Inputs.Clear();
        node.Inputs.AddRange(inputs);
        new GroupQueryAttention().Apply(node);
    }

    /// <summary>Bool [b][heads][s][places in the cache].</summary>
    private static Value Mask(NodeDraft node)
    {
        long heads = node.Attributes["num_heads"].Int, size = node.Attributes["sparse_block_size"].Int;
        Tensor blocks = Blocks(node);
        long layouts = blocks.Shape[0];
        if (size < 1 || heads % layouts != 0) throw node.Error($"{heads} heads, {layouts} layouts and blocks of {size} do not fit each other");
        // The place of each new query: the last ones of its sample, in a prompt from 0 on.
        Value length = node.Emit("Shape", [node.Required(0)], ("start", 1), ("end", 2));
        Value total = Int64(node, node.Required(7)), keys = Int64(node, node.Required(8));
        Value start = node.Emit("Where", [node.Emit("Equal", [total, length]), node.Ints("zero", 0), node.Emit("Sub", [keys, length])]);
        Value places = node.Emit("Add", [node.Emit("Unsqueeze", [start, node.Ints("axis", 1)]), Count(node, length)]);
        Value last = node.Int("last", blocks.Shape[1] - 1), block = node.Int("size", size);
        Value rows = node.Emit("Min", [node.Emit("Div", [places, block]), last]);
        Value columns = node.Emit("Min", [node.Emit("Div", [Count(node, node.Emit("Shape", [node.Required(3)], ("start", 2), ("end", 3))), block]), last]);
        Value seen = node.Emit("Gather", [node.Emit("Gather", [node.Constant("blocks", blocks), rows], ("axis", 1)), columns], ("axis", 3));
        return node.Emit("Tile", [node.Emit("Transpose", [seen], ("perm", new long[] { 1, 0, 2, 3 })), node.Ints("times", 1, heads / layouts, 1, 1)]);
    }

    /// <summary>Which blocks are seen: bool [layouts][rows][columns].</summary>
    private static Tensor Blocks(NodeDraft node)
    {
        if (node.Required(5).Constant is not { Shape.Rank: 2 } rows || node.Required(6).Constant is not { Shape.Rank: 2 } columns) throw node.Unsupported("block indices that the model computes are not supported");
        long layouts = rows.Shape[0], size = rows.Shape[1] - 1, most = columns.Shape[1];
        if (layouts < 1 || size < 1 || columns.Shape[0] != layouts) throw node.Error($"block indices {rows.Shape} and {columns.Shape} do not belong together");
        var blocks = new Tensor(DType.Bool, new Shape(layouts, size, size));
        for (long l = 0; l < layouts; l++)
            for (long r = 0; r < size; r++)
            {
                long from = rows.GetInt64(l * (size + 1) + r), to = rows.GetInt64(l * (size + 1) + r + 1);
                if (from < 0 || to > most) throw node.Error($"row {r} of layout {l} has the entries {from} to {to} of {most}");
                for (long i = from; i < to; i++)
                {
                    long column = columns.GetInt64(l * most + i);
                    if (column < 0 || column >= size) throw node.Error($"layout {l} has a block in column {column} of {size}");
                    blocks.SetInt64((l * size + r) * size + column, 1);
                }
            }
        return blocks;
    }

    private static Value Count(NodeDraft node, Value length) => node.Emit("Range", [node.Int("zero", 0), node.Emit("Squeeze", [length]), node.Int("step", 1)]);

    private static Value Int64(NodeDraft node, Value x) => node.Emit("Cast", [x], ("to", (long)DType.Int64));
}
