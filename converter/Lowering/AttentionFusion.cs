using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Passes;
using EdgeLite.Core;
using EdgeLite.Ops;

namespace EdgeLite.Converter.Lowering;

/// <summary>
/// softmax(Q K^T * scale + mask) V, as exporters write it out, becomes edgelite.Attention, together with the Transposes that move
/// heads before rows on the way in and back on the way out. Scores may be scaled by a Mul or Div before or after the product. Where a query
/// that sees no key gives zeros (PyTorch's exporter writes Where(IsNaN(weights), 0, weights)), it becomes ONNX's own Attention, which has a kernel too
/// and loses such Transposes by its form with folded heads, and repeated keys and values by its groups.
/// </summary>
public sealed class AttentionFusion : IGraphPass
{
    /// <summary>Masks that are added one after the other.</summary>
    private const int MaxMasks = 3;

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
            changed |= node.Is("Softmax") ? Fuse(graph, node) : node.Is("Attention") ? Ungroup(graph, node) | Fold(graph, node) : node.Is("Attention", "edgelite") && Absorb(graph, node);
        }
        return changed;
    }

    private static bool Fuse(Graph graph, Node softmax)
    {
        Value weights = softmax.Output;
        if (weights.DType != DType.Float32 || !weights.Shape.IsRanked || weights.Shape.Rank is not (3 or 4)) return false;
        int rank = weights.Shape.Rank;
        if (Match.Axis(softmax.Attributes.Int("axis", -1), rank) != rank - 1) return false;
        Value? withoutNaN = WithoutNaN(graph, weights);
        bool hiddenIsZero = withoutNaN != null;
        weights = withoutNaN ?? weights;
        if (Match.SoleConsumer(graph, weights) is not { } second || !second.Is("MatMul") || second.Inputs[0] != weights) return false;

        double scale = 1;
        Value scores = softmax.Inputs[0]!;
        Value? mask = null;
        var further = new List<Value>();
        while (Match.Producer(scores, "Add") is { } add && Match.SoleConsumer(graph, scores) != null && further.Count < MaxMasks)
        {
            int side = IsScores(graph, add.Inputs[0]!) ? 0 : IsScores(graph, add.Inputs[1]!) ? 1 : -1;
            if (side < 0) return false;
            if (mask != null) further.Add(mask);
            mask = add.Inputs[1 - side];
            scores = add.Inputs[side]!;
            // The mask must not widen the scores; ONNX's operator refuses one that would.
            if (mask!.DType != DType.Float32 || !mask.Shape.IsRanked || mask.Shape.Rank > rank) return false;
            if ((!hiddenIsZero || further.Count > 0) && !Match.SameShape(add.Output.Shape, scores.Shape)) return false;
        }
        if (Product(graph, scores, ref scale, out Value? headScale) is not { } first || Match.SoleConsumer(graph, first.Output) == null) return false;
        Value q = Unscaled(graph, first.Inputs[0]!, ref scale), kt = Unscaled(graph, first.Inputs[1]!, ref scale), v = second.Inputs[1]!;
        if (q.Shape.Rank != rank || kt.Shape.Rank != rank || v.Shape.Rank != rank) return false;
        if (!KeysOf(graph, kt, ref scale, out Value? k, out bool kRowsFirst)) return false;
        if (hiddenIsZero) return rank == 4 && headScale == null && further.Count == 0 && Become(graph, second, q, k!, kRowsFirst, v, mask, (float)scale);
        q = RowsFirst(q, out bool qRowsFirst);
        v = RowsFirst(v, out bool vRowsFirst);
        // Broadcasting products stay as they are.
        Shape y = second.Output.Shape;
        if (!y.IsRanked || y.Rank != rank) return false;
        for (int i = 0; i < rank - 2; i++)
            if (first.Inputs[0]!.Shape[i] != y[i] || first.Inputs[1]!.Shape[i] != y[i] || second.Inputs[1]!.Shape[i] != y[i] || y[i] == Shape.Unknown) return false;
        if (mask != null && rank == 3 && mask.Shape.Rank == 3 && mask.Shape[0] != 1 && mask.Shape[0] != y[0]) return false;

        foreach (Value more in further) mask = Rewrite.Insert(graph, second, "Add", mask!.Name + ".further", [mask, more]);
        if (headScale != null)
        {
            if (qRowsFirst) headScale = Rewrite.Insert(graph, second, "Squeeze", headScale.Name + ".of_rows", [headScale, Rewrite.Ints(graph, headScale.Name + ".axis", -1)]);
            q = Rewrite.Insert(graph, second, "Mul", q.Name + ".scaled", [q, headScale]);
        }
        Replace(graph, second, second.Output, q, k!, v, mask, (float)scale, qRowsFirst, kRowsFirst, vRowsFirst);
        return true;
    }

    /// <summary>Where(IsNaN(weights), 0, weights), where nothing else reads them.</summary>
    private static Value? WithoutNaN(Graph graph, Value weights)
    {
        if (weights.Consumers.Count != 2 || Match.IsOutput(graph, weights)) return null;
        Node? isNaN = weights.Consumers.FirstOrDefault(n => n.Is("IsNaN")), where = weights.Consumers.FirstOrDefault(n => n.Is("Where"));
        return isNaN != null && where != null && where.Inputs[0] == isNaN.Output && where.Inputs[2] == weights && Match.IsScalar(where.Inputs[1], 0)
            && Match.SoleConsumer(graph, isNaN.Output) == where && Match.SameRank(weights, where.Output) ? where.Output : null;
    }

    /// <summary>ONNX's Attention in place of the second product.</summary>
    private static bool Become(Graph graph, Node second, Value q, Value k, bool kRowsFirst, Value v, Value? mask, float scale)
    {
        if (scale == 0 || new[] { q, k, v }.Any(x => x.DType != DType.Float32 || x.Shape is not { IsRanked: true, Rank: 4 })) return false;
        bool Differ(Value a, Value b, int axis, int other) => a.Shape[axis] != b.Shape[other] && a.Shape[axis] >= 0 && b.Shape[other] >= 0;
        if (Differ(q, k, 0, 0) || Differ(q, v, 0, 0) || Differ(q, k, 1, kRowsFirst ? 2 : 1) || Differ(q, v, 1, 1)) return false;
        // Where(allowed, 0, -inf) says what a mask of booleans says.
        if (Match.Producer(mask, "Where") is { } where && where.Inputs[0]!.Shape is { IsRanked: true, Rank: >= 1 } && Match.IsScalar(where.Inputs[1], 0)
            && Match.Scalar(where.Inputs[2], out double hidden) && double.IsNegativeInfinity(hidden) && Match.SameRank(where.Inputs[0]!, where.Output)) mask = where.Inputs[0];
        if (kRowsFirst) k = Rewrite.Transpose(graph, second, k, [0, 2, 1, 3], k.Name + ".heads_first");
        Value y = Rewrite.Insert(graph, second, "Attention", second.Output.Name + ".attention", mask == null ? [q, k, v] : [q, k, v, mask], AttributeSet.Of(("scale", scale)));
        Rewrite.Replace(graph, second.Output, y, keepName: true);
        _ = Ungroup(graph, y.Producer!);
        _ = Fold(graph, y.Producer!);
        return true;
    }

    /// <summary>Attention of keys and values that are repeated for groups of query heads is that of the keys and values.</summary>
    private static bool Ungroup(Graph graph, Node node)
    {
        if (node.Input(4) != null || node.Attributes.Int("kv_num_heads", 0) != 0 || Once(node.Inputs[1]) is not { } k || Once(node.Inputs[2]) is not { } v || k.Shape[1] != v.Shape[1]) return false;
        graph.SetInput(node, 1, k);
        graph.SetInput(node, 2, v);
        return true;
    }

    /// <summary>x[b][heads][rows][width] of Reshape(Expand(Unsqueeze(x, 2))), which has n of each head, one after the other.</summary>
    private static Value? Once(Value? value)
    {
        if (Match.Producer(value, "Reshape") is not { } joined || joined.Output.Shape is not { IsRanked: true, Rank: 4 } y) return null;
        if (Match.Producer(joined.Inputs[0], "Expand") is not { } expand || expand.Output.Shape is not { IsRanked: true, Rank: 5 } wide) return null;
        if (expand.Inputs[0] is not { Producer: { Domain: "", OpType: "Unsqueeze" or "Reshape" } view, Shape: { IsRanked: true, Rank: 5 } one } || view.Inputs[0] is not { Shape: { IsRanked: true, Rank: 4 } s } x) return null;
        bool Same(long a, long b) => a == b || a < 0 && b < 0;
        return one[2] == 1 && s[1] > 0 && s[3] > 0 && one[1] == s[1] && one[4] == s[3] && Same(one[0], s[0]) && Same(one[3], s[2]) && wide[1] == s[1] && wide[4] == s[3] && Same(wide[0], s[0]) && Same(wide[3], s[2])
            && wide[2] > 0 && y[1] == s[1] * wide[2] && y[3] == s[3] && Same(y[0], s[0]) && Same(y[2], s[2]) ? x : null;
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

    /// <summary>Transposes that came to stand in front of a fused node are taken in, too.</summary>
    private static bool Absorb(Graph graph, Node node)
    {
        bool changed = false;
        foreach ((int input, string flag) in new[] { (0, "q_rows_first"), (1, "k_rows_first"), (2, "v_rows_first") })
        {
            if (node.Attributes.Int(flag, 0) != 0 || Match.Producer(node.Inputs[input], "Transpose") is not { } transpose || Match.Permutation(transpose) is not [0, 2, 1, 3] || Match.SoleConsumer(graph, transpose.Output) != node) continue;
            node.Attributes[flag] = 1L;
            graph.SetInput(node, input, transpose.Inputs[0]);
            Rewrite.RemoveIfDead(graph, transpose);
            changed = true;
        }
        return changed;
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

    /// <summary>True for a product of two computed matrices, scaled or not, that nobody else reads, and for its sums with masks.</summary>
    private static bool IsScores(Graph graph, Value value, int sums = MaxMasks)
    {
        double scale = 1;
        return Product(graph, value, ref scale, out _) != null
            || sums > 0 && Match.Producer(value, "Add") is { } add && Match.SoleConsumer(graph, value) != null && add.Inputs.Any(i => IsScores(graph, i!, sums - 1));
    }

    /// <summary>The product of two matrices behind scales: numbers, and one for each head (as where normalised queries and keys have a learned temperature).</summary>
    private static Node? Product(Graph graph, Value value, ref double scale, out Value? headScale)
    {
        value = Unscaled(graph, value, ref scale);
        headScale = null;
        if (Match.Producer(value, "Mul") is { } mul && Match.SoleConsumer(graph, value) != null && value.Shape is { IsRanked: true, Rank: > 2 } shape)
            for (int side = 0; side < 2 && headScale == null; side++)
            {
                if (mul.Inputs[side] is not { DType: DType.Float32, Shape: { IsRanked: true, Rank: > 2 } s } factor || s.Rank > shape.Rank || s[s.Rank - 1] != 1 || s[s.Rank - 2] != 1 || s.AsSpan()[..(s.Rank - 3)].ContainsAnyExcept(1L)) continue;
                if (!Match.SameShape(mul.Inputs[1 - side]!.Shape, shape)) continue;
                headScale = factor;
                value = Unscaled(graph, mul.Inputs[1 - side]!, ref scale);
            }
        return Match.Producer(value, "MatMul");
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
