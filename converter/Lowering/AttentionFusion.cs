using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Passes;
using EdgeLite.Core;
using EdgeLite.Ops;

namespace EdgeLite.Converter.Lowering;

/// <summary>
/// softmax(Q K^T * scale + mask) V, as exporters write it out, becomes edgelite.Attention, together with the Transposes that move
/// heads before rows on the way in and back on the way out. Scores may be scaled by a Mul or Div before or after the product. ONNX's
/// own Attention, which has a kernel too, loses such Transposes by its form with folded heads.
/// </summary>
public sealed class AttentionFusion : IGraphPass
{
    public string Name => "attention-fusion";

    public bool Run(Graph graph)
    {
        bool changed = false;
        // Integer layers hand out integers: heads are moved behind what makes floats of them, where they are looked for.
        foreach (Node node in graph.Nodes.ToArray())
            if (node.Is("DequantizeLinear")) changed |= TransposeMotion.TryCross(graph, node);
        foreach (Node node in graph.Nodes.ToArray())
        {
            if (node.Outputs.All(o => o == null || graph.Find(o.Name) != o)) continue;
            changed |= node.Is("Softmax") ? Fuse(graph, node) : node.Is("Attention") && Fold(graph, node);
        }
        return changed;
    }

    private static bool Fuse(Graph graph, Node softmax)
    {
        Value weights = softmax.Output;
        if (weights.DType != DType.Float32 || !weights.Shape.IsRanked || weights.Shape.Rank is not (3 or 4)) return false;
        int rank = weights.Shape.Rank;
        if (Match.Axis(softmax.Attributes.Int("axis", -1), rank) != rank - 1) return false;
        if (Match.SoleConsumer(graph, weights) is not { } second || !second.Is("MatMul") || second.Inputs[0] != weights) return false;

        double scale = 1;
        Value scores = softmax.Inputs[0]!;
        Value? mask = null;
        if (Match.Producer(scores, "Add") is { } add && Match.SoleConsumer(graph, scores) == softmax)
        {
            int side = IsScores(graph, add.Inputs[0]!) ? 0 : IsScores(graph, add.Inputs[1]!) ? 1 : -1;
            if (side < 0) return false;
            mask = add.Inputs[1 - side];
            scores = add.Inputs[side]!;
            // The mask must not widen the scores.
            if (mask!.DType != DType.Float32 || !mask.Shape.IsKnown || !Match.SameShape(add.Output.Shape, scores.Shape) || mask.Shape.Rank > rank) return false;
        }
        scores = Unscaled(graph, scores, ref scale);
        if (Match.Producer(scores, "MatMul") is not { } first || Match.SoleConsumer(graph, scores) == null) return false;
        Value q = Unscaled(graph, first.Inputs[0]!, ref scale), kt = Unscaled(graph, first.Inputs[1]!, ref scale), v = second.Inputs[1]!;
        if (q.Shape.Rank != rank || kt.Shape.Rank != rank || v.Shape.Rank != rank) return false;
        if (!KeysOf(graph, kt, ref scale, out Value? k, out bool kRowsFirst)) return false;
        q = RowsFirst(q, out bool qRowsFirst);
        v = RowsFirst(v, out bool vRowsFirst);
        // Broadcasting products stay as they are.
        Shape y = second.Output.Shape;
        if (!y.IsRanked || y.Rank != rank) return false;
        for (int i = 0; i < rank - 2; i++)
            if (first.Inputs[0]!.Shape[i] != y[i] || first.Inputs[1]!.Shape[i] != y[i] || second.Inputs[1]!.Shape[i] != y[i] || y[i] == Shape.Unknown) return false;
        if (mask != null && rank == 3 && mask.Shape.Rank == 3 && mask.Shape[0] != 1 && mask.Shape[0] != y[0]) return false;

        Replace(graph, second, second.Output, q, k!, v, mask, (float)scale, qRowsFirst, kRowsFirst, vRowsFirst);
        return true;
    }

    /// <summary>Inserts the fused node before <paramref name="before"/>; a Transpose of <paramref name="old"/> that puts rows first again
    /// is taken in.</summary>
    private static void Replace(Graph graph, Node before, Value old, Value q, Value k, Value v, Value? mask, float scale, bool qRows, bool kRows, bool vRows)
    {
        Node? after = Match.SoleConsumer(graph, old);
        int[]? perm = after != null && after.Is("Transpose") ? Match.Permutation(after) : null;
        bool yRows = perm is [1, 0, 2] or [0, 2, 1, 3];
        // [1][heads][rows][width] to [rows][1][heads][width] is the same order of elements.
        bool isLeading = perm is [2, 0, 1, 3] && old.Shape[0] == 1;
        if (isLeading && old.Shape is not { IsKnown: true }) isLeading = false;
        Value target = yRows || isLeading ? after!.Output : old;
        AttributeSet attributes = AttributeSet.Of(("scale", scale), ("q_rows_first", Flag(qRows)), ("k_rows_first", Flag(kRows)),
            ("v_rows_first", Flag(vRows)), ("y_rows_first", Flag(yRows || isLeading)));
        Value y = Rewrite.Insert(graph, before, "Attention", old.Name + ".attention", mask == null ? [q, k, v] : [q, k, v, mask], attributes, "edgelite");
        Shape wanted = target.Shape;
        if (y.Shape.Rank != wanted.Rank || isLeading)
            y = Rewrite.Insert(graph, before, "Reshape", target.Name + ".shaped", [y, Rewrite.Ints(graph, target.Name + ".shape", Sizes(wanted))]);
        y.SourceName = target.SourceName ?? target.Name;
        Rewrite.Replace(graph, target, y, keepName: true);
    }

    /// <summary>Attention of Transposes of [batch][rows][heads][width] as that of [batch][rows][heads * width].</summary>
    private static bool Fold(Graph graph, Node node)
    {
        Value[] folded = new Value[3];
        for (int i = 0; i < 3; i++)
        {
            folded[i] = RowsFirst(node.Inputs[i]!, out bool isRowsFirst);
            if (!isRowsFirst || folded[i].Shape is not { IsRanked: true, Rank: 4 } s || s[2] < 1 || s[3] < 1) return false;
        }
        long heads = folded[0].Shape[2];
        AttributeSet attributes = node.Attributes.Clone();
        attributes["q_num_heads"] = heads;
        attributes["kv_num_heads"] = folded[1].Shape[2];
        for (int i = 0; i < 3; i++)
            folded[i] = Rewrite.Insert(graph, node, "Reshape", node.Inputs[i]!.Name + ".folded", [folded[i], Rewrite.Ints(graph, node.Inputs[i]!.Name + ".folded.shape", 0, 0, folded[i].Shape[2] * folded[i].Shape[3])]);
        Value y = node.Output;
        Value?[] results = Rewrite.InsertMany(graph, node, "Attention", [.. node.Outputs.Select(o => o == null ? null : o.Name + ".attention")], [.. folded, .. node.Inputs.Skip(3)], attributes);
        for (int i = 1; i < node.Outputs.Count; i++)
            if (node.Outputs[i] is { } kept) Rewrite.Replace(graph, kept, results[i]!, keepName: true);
        Value apart = Rewrite.Insert(graph, node, "Reshape", y.Name + ".heads", [results[0]!, Rewrite.Ints(graph, y.Name + ".heads.shape", 0, 0, heads, -1)]);
        Rewrite.Replace(graph, y, Rewrite.Insert(graph, node, "Transpose", y.Name + ".transposed", [apart], AttributeSet.Of(("perm", new long[] { 0, 2, 1, 3 }))), keepName: true);
        return true;
    }

    private static long Flag(bool value) => value ? 1 : 0;

    /// <summary>The sizes of a shape as a Reshape takes them: at most one is not known, and stands as -1.</summary>
    private static long[] Sizes(Shape shape) => [.. shape.AsSpan().ToArray().Select(d => d < 0 ? -1 : d)];

    /// <summary>A product of two computed matrices, scaled or not, that nobody else reads.</summary>
    private static bool IsScores(Graph graph, Value value)
    {
        double scale = 1;
        return Match.Producer(Unscaled(graph, value, ref scale), "MatMul") != null;
    }

    /// <summary>What a Mul or Div by a number scales, as long as nobody else reads the result.</summary>
    private static Value Unscaled(Graph graph, Value value, ref double scale)
    {
        while (value.Producer is { Domain: "", OpType: "Mul" or "Div" } node && Match.SoleConsumer(graph, value) != null)
        {
            if (Match.Scalar(node.Inputs[1], out double factor) && node.Inputs[0]!.Shape.Rank == value.Shape.Rank)
            {
                scale = node.OpType == "Mul" ? scale * factor : scale / factor;
                value = node.Inputs[0]!;
            }
            else if (node.OpType == "Mul" && Match.Scalar(node.Inputs[0], out factor) && node.Inputs[1]!.Shape.Rank == value.Shape.Rank)
            {
                scale *= factor;
                value = node.Inputs[1]!;
            }
            else break;
        }
        return value;
    }

    /// <summary>K from what is K^T: a Transpose that swaps the last two dimensions, possibly with heads and rows in the same go.</summary>
    private static bool KeysOf(Graph graph, Value kt, ref double scale, out Value? k, out bool rowsFirst)
    {
        (k, rowsFirst) = (null, false);
        if (Match.Producer(kt, "Transpose") is not { } transpose) return false;
        Value source = Unscaled(graph, transpose.Inputs[0]!, ref scale);
        switch (Match.Permutation(transpose))
        {
            case [0, 2, 3, 1] or [1, 2, 0]:
                (k, rowsFirst) = (source, true);
                return true;
            case [0, 1, 3, 2] or [0, 2, 1]:
                k = RowsFirst(source, out rowsFirst);
                return true;
            default:
                return false;
        }
    }

    /// <summary>The operand before the Transpose that put its heads before its rows, also behind a Reshape that only adds a sample
    /// dimension of 1; else the operand itself.</summary>
    private static Value RowsFirst(Value x, out bool rowsFirst)
    {
        rowsFirst = true;
        if (Match.Producer(x, "Transpose") is { } transpose && Match.Permutation(transpose) is [0, 2, 1, 3] or [1, 0, 2]) return transpose.Inputs[0]!;
        if (x.Producer is { Domain: "", OpType: "Reshape" or "Unsqueeze" } view && view.Inputs[0] is { Shape: { IsKnown: true, Rank: 3 } s } inner
            && x.Shape is { IsKnown: true, Rank: 4 } && x.Shape[0] == 1 && x.Shape[1] == s[0] && x.Shape[2] == s[1]
            && Match.Producer(inner, "Transpose") is { } before && Match.Permutation(before) is [1, 0, 2]) return before.Inputs[0]!;
        rowsFirst = false;
        return x;
    }
}
