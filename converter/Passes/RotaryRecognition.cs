using EdgeLite.Converter.Ir;
using EdgeLite.Core;
using EdgeLite.Ops;

namespace EdgeLite.Converter.Passes;

/// <summary>
/// x * cos + rotated(x) * sin, as exporters write out rotary position embeddings, becomes RotaryEmbedding. rotated(x) is Concat(-x[d/2..], x[..d/2])
/// or, of interleaved pairs, [-x1, x0, -x3, x2, ..]; also where the halves are computed apart: Concat(x1 * cos - x2 * sin, x2 * cos + x1 * sin).
/// The operator has each angle once: both numbers of a pair must be shown to have the same cosine and sine. Numbers of a head that are not
/// rotated, put behind the others by a Concat, are taken in.
/// </summary>
public sealed class RotaryRecognition : IGraphPass
{
    public string Name => "rotary-recognition";

    public bool Run(Graph graph)
    {
        bool changed = false;
        foreach (Node node in graph.Nodes.ToArray())
        {
            if (node.Outputs.Count == 0 || node.Outputs[0] is not { } output || graph.Find(output.Name)?.Producer != node) continue;
            if (node.Is("Add")) changed |= OfWhole(graph, node);
            else if (node.Is("Concat")) changed |= OfHalves(graph, node);
        }
        return changed;
    }

    /// <summary>Add(Mul(x, cos), Mul(rotated(x), sin))</summary>
    private static bool OfWhole(Graph graph, Node add)
    {
        if (add.Output is not { DType: DType.Float32, Shape: { IsRanked: true, Rank: 4 } shape } || shape[3] < 2 || shape[3] % 2 != 0) return false;
        for (int side = 0; side < 2; side++)
        {
            if (Factor(graph, add.Inputs[side]) is not { } plain || Factor(graph, add.Inputs[1 - side]) is not { } turned) return false;
            for (int k = 0; k < 4; k++)
            {
                Value x = plain.Inputs[k & 1]!, cos = plain.Inputs[1 - (k & 1)]!, rotated = turned.Inputs[k >> 1]!, sin = turned.Inputs[1 - (k >> 1)]!;
                if (!Match.SameShape(x.Shape, shape) || !Match.SameShape(rotated.Shape, shape)) continue;
                bool isInterleaved = false;
                if (!IsRotated(rotated, x) && !(isInterleaved = IsRotatedInPairs(rotated, x))) continue;
                var pairs = new Pairs(graph, add, shape[3], isInterleaved);
                Value? c = pairs.Of(cos), s = c == null ? null : pairs.Of(sin);
                if (s != null && Rotate(graph, add, x, c!, s, isInterleaved)) return true;
                foreach (Value? unused in new[] { c, s })
                    if (unused is { IsConstant: true, Consumers.Count: 0 }) graph.Remove(unused);
                    else if (unused?.Producer is { } made) Rewrite.RemoveIfDead(graph, made);
            }
        }
        return false;
    }

    /// <summary>Concat(x1 * cos - x2 * sin, x2 * cos + x1 * sin)</summary>
    private static bool OfHalves(Graph graph, Node concat)
    {
        if (concat.Output is not { DType: DType.Float32, Shape: { IsRanked: true, Rank: 4 } shape } || shape[3] < 2 || concat.Inputs.Count != 2 || Match.Axis(concat.Attributes.Int("axis", 0), 4) != 3) return false;
        if (Match.Producer(concat.Inputs[0], "Sub") is not { } sub || Match.Producer(concat.Inputs[1], "Add") is not { } add) return false;
        if (Match.SoleConsumer(graph, sub.Output) != concat || Match.SoleConsumer(graph, add.Output) != concat) return false;
        if (Factor(graph, sub.Inputs[0]) is not { } a || Factor(graph, sub.Inputs[1]) is not { } b) return false;
        for (int k = 0; k < 4; k++)
        {
            Value x1 = a.Inputs[k & 1]!, cos = a.Inputs[1 - (k & 1)]!, x2 = b.Inputs[k >> 1]!, sin = b.Inputs[1 - (k >> 1)]!;
            if (!(IsProduct(add.Inputs[0], x2, cos) && IsProduct(add.Inputs[1], x1, sin)) && !(IsProduct(add.Inputs[1], x2, cos) && IsProduct(add.Inputs[0], x1, sin))) continue;
            if (PartOf(x1, out long from, out long step) is not { } x || step != 1 || from != 0 || PartOf(x2, out from, out step) != x || step != 1 || from != shape[3] / 2 || !Match.SameShape(x.Shape, shape)) continue;
            if (Rotate(graph, concat, x, cos, sin, isInterleaved: false)) return true;
        }
        return false;

        bool IsProduct(Value? value, Value p, Value q) =>
            Factor(graph, value) is { } mul && (mul.Inputs[0] == p && mul.Inputs[1] == q || mul.Inputs[0] == q && mul.Inputs[1] == p);
    }

    /// <summary>A product that nobody else reads.</summary>
    private static Node? Factor(Graph graph, Value? value) => Match.Producer(value, "Mul") is { } mul && Match.SoleConsumer(graph, value!) != null ? mul : null;

    /// <summary>Concat(-x[d/2..], x[..d/2])</summary>
    private static bool IsRotated(Value rotated, Value x)
    {
        if (Match.Producer(rotated, "Concat") is not { Inputs.Count: 2 } concat || Match.Axis(concat.Attributes.Int("axis", 0), 4) != 3) return false;
        long half = x.Shape[3] / 2;
        return Match.Producer(concat.Inputs[0], "Neg") is { } neg && PartOf(neg.Inputs[0]!, out long from, out long step) == x && (from, step) == (half, 1) && neg.Output.Shape[3] == half
            && PartOf(concat.Inputs[1]!, out from, out step) == x && (from, step) == (0, 1) && concat.Inputs[1]!.Shape[3] == half;
    }

    /// <summary>Reshape(Concat(Unsqueeze(-x[1::2]), Unsqueeze(x[::2]))), the new axis being the last.</summary>
    private static bool IsRotatedInPairs(Value rotated, Value x)
    {
        if (rotated.Producer is not { Domain: "", OpType: "Reshape" or "Flatten" } view || Match.Producer(view.Inputs[0], "Concat") is not { Inputs.Count: 2, Output.Shape: { IsRanked: true, Rank: 5 } } concat) return false;
        if (Match.Axis(concat.Attributes.Int("axis", 0), 5) != 4) return false;
        return Single(concat.Inputs[0]) is { } first && Match.Producer(first, "Neg") is { } neg && PartOf(neg.Inputs[0]!, out long from, out long step) == x && (from, step) == (1, 2)
            && Single(concat.Inputs[1]) is { } second && PartOf(second, out from, out step) == x && (from, step) == (0, 2);
    }

    /// <summary>x of x[..., None].</summary>
    private static Value? Single(Value? value) =>
        value is { Producer: { Domain: "", OpType: "Unsqueeze" or "Reshape" } view, Shape: { IsRanked: true, Rank: > 1 } s } && view.Inputs[0] is { Shape.IsRanked: true } x && s[s.Rank - 1] == 1
        && Match.SameShape(x.Shape, new Shape(s.AsSpan()[..^1])) ? x : null;

    /// <summary>The tensor of which a value is a part along the last axis, by Slice or Split: every <paramref name="step"/>-th number from
    /// <paramref name="from"/> on, up to the half or the end; the size tells which.</summary>
    private static Value? PartOf(Value part, out long from, out long step)
    {
        (from, step) = (0, 1);
        if (part.Producer is not { Domain: "" } node || node.Inputs.Count == 0 || node.Inputs[0] is not { Shape: { IsRanked: true, Rank: > 0 } s } x || !part.Shape.IsRanked || part.Shape.Rank != s.Rank || s[s.Rank - 1] < 2) return null;
        int last = s.Rank - 1;
        if (node.Is("Split") && Match.Axis(node.Attributes.Int("axis", 0), s.Rank) == last)
        {
            foreach (Value? output in node.Outputs)
            {
                if (output == part) return x;
                if (output is not { Shape.IsRanked: true } || output.Shape[last] < 0) return null;
                from += output.Shape[last];
            }
        }
        if (!node.Is("Slice") || Match.Ints(node.Input(1)) is not [var start] || Match.Ints(node.Input(3)) is not [var axis] || Match.Axis(axis, s.Rank) != last) return null;
        if (node.Input(4) != null) step = Match.Ints(node.Input(4)) is [var given] ? given : 0;
        from = start < 0 ? start + s[last] : start;
        return step > 0 ? x : null;
    }

    /// <summary>RotaryEmbedding of x in place of the last node of the pattern. Cosines and sines are [1 or b][1][s][pairs], or [1 or b][s][1][pairs] where
    /// x has its rows before its heads.</summary>
    private static bool Rotate(Graph graph, Node last, Value x, Value cos, Value sin, bool isInterleaved)
    {
        Shape s = x.Shape;
        if (Caches(s, cos.Shape) is not { } rowsFirst || cos.Shape != sin.Shape) return false;
        (Value whole, long rotated) = (x, 0);
        if (Rest(graph, last.Output, x) is { } joined) (whole, last, rotated) = (joined.Whole, joined.Concat, s[3]);
        // Transposes that put heads first move behind: attention takes them in.
        bool isMoved = !rowsFirst && Match.Producer(whole, "Transpose") is { } moved && Match.Permutation(moved) is [0, 2, 1, 3], folds = rowsFirst || isMoved;
        Value source = isMoved ? whole.Producer!.Inputs[0]! : whole;
        long heads = s[rowsFirst ? 2 : 1], width = whole.Shape[3];
        if (folds && (heads < 1 || source.Shape[2] != heads)) return false;

        string name = last.Output.Name;
        long samples = cos.Shape.Rank == 4 ? cos.Shape[0] : 1;
        bool isShared = samples == 1 && s[0] != 1;
        long[] target = isShared ? [-1, cos.Shape[cos.Shape.Rank - 1]] : [samples < 0 ? 0 : samples, -1, cos.Shape[cos.Shape.Rank - 1]];
        Value Cache(Value angles, string kind) => Rewrite.Insert(graph, last, "Reshape", $"{name}.{kind}", [angles, Rewrite.Ints(graph, name + ".cache", target)]);
        Value y = folds ? Rewrite.Insert(graph, last, "Reshape", name + ".folded", [source, Rewrite.Ints(graph, name + ".folded.shape", 0, 0, heads * width)]) : source;
        Value?[] inputs = [y, Cache(cos, "cos"), Cache(sin, "sin"), isShared ? Positions(graph, last, source, rowsAxis: folds ? 1 : 2) : null];
        y = Rewrite.Insert(graph, last, "RotaryEmbedding", name + ".rotary", isShared ? inputs : inputs[..3],
            AttributeSet.Of(("interleaved", isInterleaved ? 1 : 0), ("num_heads", folds ? heads : 0), ("rotary_embedding_dim", rotated)));
        if (folds) y = Rewrite.Insert(graph, last, "Reshape", name + ".heads", [y, Rewrite.Ints(graph, name + ".heads.shape", 0, 0, heads, width)]);
        if (isMoved) y = Rewrite.Transpose(graph, last, y, [0, 2, 1, 3], name);
        Rewrite.Replace(graph, last.Output, y, keepName: true);
        return true;
    }

    /// <summary>The whole head of which x is the first part, and the Concat that puts the others behind what was made of x.</summary>
    private static (Value Whole, Node Concat)? Rest(Graph graph, Value rotated, Value x)
    {
        if (Match.SoleConsumer(graph, rotated) is not { Inputs.Count: 2 } concat || !concat.Is("Concat") || concat.Inputs[0] != rotated || Match.Axis(concat.Attributes.Int("axis", 0), 4) != 3) return null;
        if (PartOf(x, out long from, out long step) is not { } whole || from != 0 || step != 1 || PartOf(concat.Inputs[1]!, out from, out step) != whole || step != 1 || from != x.Shape[3]) return null;
        return Match.SameShape(whole.Shape, concat.Output.Shape) ? (whole, concat) : null;
    }

    /// <summary>Whether caches serve x[b][s][h][d] (true) or x[b][h][s][d] (false); null where they serve neither.</summary>
    private static bool? Caches(Shape x, Shape cache)
    {
        if (!cache.IsRanked || cache.Rank is < 2 or > 4 || cache[cache.Rank - 1] != x[3] / 2) return null;
        long Dim(int axis) => axis - 4 + cache.Rank < 0 ? 1 : cache[axis - 4 + cache.Rank];
        if (Dim(0) != 1 && Dim(0) != x[0]) return null;
        return Dim(1) == 1 && Dim(2) == x[2] && x[2] != Shape.Unknown ? false : Dim(2) == 1 && Dim(1) == x[1] && x[1] != Shape.Unknown ? true : null;
    }

    /// <summary>[b][s] of the places 0 to s - 1, which depend on shapes alone.</summary>
    private static Value Positions(Graph graph, Node before, Value x, int rowsAxis)
    {
        Value Dim(int axis) => Rewrite.Insert(graph, before, "Shape", x.Name + ".size", [x], AttributeSet.Of(("start", axis), ("end", axis + 1)));
        Value Number(long n) => graph.AddConstant(x.Name + ".number", Tensor.FromArray<long>([n], Shape.Scalar));
        Value rows = Dim(rowsAxis), count = Rewrite.Insert(graph, before, "Squeeze", x.Name + ".rows", [rows]);
        Value places = Rewrite.Insert(graph, before, "Range", x.Name + ".places", [Number(0), count, Number(1)]);
        Value sizes = Rewrite.Insert(graph, before, "Concat", x.Name + ".sizes", [Dim(0), rows], AttributeSet.Of(("axis", 0)));
        return Rewrite.Insert(graph, before, "Expand", x.Name + ".positions", [places, sizes]);
    }

    /// <summary>Finds what has each pair's number once of a tensor whose last axis has both: the first half of two equal ones or, interleaved, every
    /// second of equal neighbours.</summary>
    private sealed class Pairs(Graph graph, Node before, long width, bool isInterleaved)
    {
        private const int MaxDepth = 16;

        public Value? Of(Value value) => Of(value, 0);

        private Value? Of(Value value, int depth)
        {
            if (depth > MaxDepth || value.Shape is not { IsRanked: true, Rank: > 0 } s || s[s.Rank - 1] != width) return null;
            int last = s.Rank - 1;
            if (value.Constant is { DType: DType.Float32 } constant) return OfConstant(value.Name, constant);
            if (value.Producer is not { Domain: "" } node || node.Outputs.Count != 1) return null;
            switch (node.OpType)
            {
                case "Concat" when !isInterleaved && Match.Axis(node.Attributes.Int("axis", 0), s.Rank) == last:
                    return node.Inputs.Count == 2 && node.Inputs[0] == node.Inputs[1] ? node.Inputs[0] : null;
                case "Reshape" or "Flatten" when isInterleaved && Doubled(node.Inputs[0], s) is { } once:
                    return once;
                case "Cos" or "Sin" or "Identity" or "Neg":
                    return Again(node, 0, depth);
                case "Cast" when node.Inputs[0]!.DType == DType.Float32 && value.DType == DType.Float32:
                    return Again(node, 0, depth);
                case "Mul" or "Div" or "Add" or "Sub":
                    int side = Match.Scalar(node.Inputs[1], out _) ? 0 : Match.Scalar(node.Inputs[0], out _) ? 1 : -1;
                    return side >= 0 && Match.SameShape(node.Inputs[side]!.Shape, s) ? Again(node, side, depth) : null;
                case "Gather" when node.Inputs[0]!.Shape is { IsRanked: true, Rank: > 1 } data && Match.Axis(node.Attributes.Int("axis", 0), data.Rank) < data.Rank - 1:
                    return Again(node, 0, depth);
                case "Slice" when Match.Ints(node.Input(3)) is { } axes && axes.All(a => Match.Axis(a, s.Rank) != last):
                    return Again(node, 0, depth);
                case "Transpose" when Match.Permutation(node) is { } perm && perm[last] == last:
                    return Again(node, 0, depth);
                case "Unsqueeze" when Match.Ints(node.Input(1)) is { } added && added.All(a => Match.Axis(a, s.Rank) != last):
                    return Again(node, 0, depth);
                case "Squeeze" when Match.Ints(node.Input(1)) is { } removed && removed.All(a => Match.Axis(a, node.Inputs[0]!.Shape.Rank) != node.Inputs[0]!.Shape.Rank - 1):
                    return Again(node, 0, depth);
                case "Reshape" when node.Inputs[0]!.Shape is { IsRanked: true, Rank: > 0 } from && from[from.Rank - 1] == width:
                    if (Of(node.Inputs[0]!, depth + 1) is not { } inner) return null;
                    // Rows keep their numbers: what stands for the last axis is half as long.
                    if (Match.Ints(node.Input(1)) is not { } target || target[^1] != width) return null;
                    return Rewrite.Insert(graph, before, "Reshape", value.Name + ".pairs", [inner, Rewrite.Ints(graph, value.Name + ".shape", [.. target[..^1], width / 2])]);
                default:
                    return null;
            }
        }

        /// <summary>The node again, of the pairs of one of its inputs.</summary>
        private Value? Again(Node node, int input, int depth)
        {
            if (Of(node.Inputs[input]!, depth + 1) is not { } inner) return null;
            Value?[] inputs = [.. node.Inputs];
            inputs[input] = inner;
            return Rewrite.Insert(graph, before, node.OpType, node.Output.Name + ".pairs", inputs, node.Attributes.Clone());
        }

        /// <summary>x of [.., pairs, 2], in which each number stands twice: Concat(x[.., None], x[.., None]) or an Expand.</summary>
        private Value? Doubled(Value? value, Shape s)
        {
            if (value is not { Shape: { IsRanked: true } wide } || wide.Rank != s.Rank + 1 || wide[s.Rank] != 2 || wide[s.Rank - 1] != width / 2) return null;
            Value? once = Match.Producer(value, "Concat") is { Inputs.Count: 2 } concat && Match.Axis(concat.Attributes.Int("axis", 0), wide.Rank) == s.Rank && concat.Inputs[0] == concat.Inputs[1] ? Single(concat.Inputs[0])
                : Match.Producer(value, "Expand") is { } expand ? Single(expand.Inputs[0]) : null;
            return once != null && Match.SameShape(once.Shape, new Shape(wide.AsSpan()[..^1])) ? once : null;
        }

        private Value? OfConstant(string name, Tensor tensor)
        {
            long rows = tensor.Count / width, half = width / 2;
            var once = new Tensor(DType.Float32, tensor.Shape.With(tensor.Shape.Rank - 1, half));
            for (long r = 0; r < rows; r++)
                for (long i = 0; i < half; i++)
                {
                    double a = tensor.GetDouble(r * width + (isInterleaved ? 2 * i : i)), b = tensor.GetDouble(r * width + (isInterleaved ? 2 * i + 1 : i + half));
                    if (a != b) return null;
                    once.SetDouble(r * half + i, a);
                }
            return graph.AddConstant(name + ".pairs", once);
        }
    }
}
