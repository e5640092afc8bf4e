using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Passes;
using EdgeLite.Core;
using EdgeLite.Ops;

namespace EdgeLite.Converter.Lowering;

/// <summary>
/// How one node reads once its data inputs come without a Transpose. With y the transposed and x the untransposed operand,
/// axis k of y is axis perm[k] of x; the node's result over y equals a Transpose of its result over x.
/// </summary>
internal sealed class TransposeRule
{
    /// <summary>Inputs that must be given in the untransposed layout; they have the rank of the permutation (or broadcast to it).</summary>
    public required int[] DataInputs { get; init; }

    /// <summary>Attributes of the node over x.</summary>
    public AttributeSet? Attributes { get; init; }

    /// <summary>Operator over x where it is another one.</summary>
    public string? OpType { get; init; }

    /// <summary>Other inputs that change (axes, pads, shapes): position and new constant; null removes the input.</summary>
    public List<(int Index, long[]? Values)> Ints { get; } = [];

    /// <summary>Floats likewise (scales of Resize).</summary>
    public List<(int Index, float[] Values)> Floats { get; } = [];

    /// <summary>Permutations that bring the outputs over x to those over y.</summary>
    public required int[][] OutputPerms { get; init; }
}

/// <summary>The rule of each operator that a Transpose can move across.</summary>
internal static class TransposeRules
{
    private static readonly HashSet<string> s_unary =
    [
        "Abs", "Acos", "Acosh", "Asin", "Asinh", "Atan", "Atanh", "BitwiseNot", "Cast", "Ceil", "Celu", "Clip", "Cos", "Cosh", "Dropout",
        "Elu", "Erf", "Exp", "Floor", "Gelu", "HardSigmoid", "HardSwish", "Identity", "IsInf", "IsNaN", "LeakyRelu", "Log", "Mish", "Neg",
        "Not", "Reciprocal", "Relu", "Round", "Selu", "Shrink", "Sigmoid", "Sign", "Sin", "Sinh", "Softplus", "Softsign", "Sqrt", "Swish",
        "Tan", "Tanh", "ThresholdedRelu", "edgelite.Lut", "edgelite.Requantize",
    ];

    private static readonly HashSet<string> s_broadcasting =
    [
        "Add", "And", "BitShift", "BitwiseAnd", "BitwiseOr", "BitwiseXor", "Div", "Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual",
        "Max", "Mean", "Min", "Mod", "Mul", "Or", "Pow", "PRelu", "Sub", "Sum", "Where", "Xor", "edgelite.QAdd", "edgelite.QSub", "edgelite.QMul",
    ];

    private static readonly HashSet<string> s_reductions =
    [
        "ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceMax", "ReduceMean", "ReduceMin", "ReduceProd", "ReduceSum", "ReduceSumSquare",
    ];

    public static bool IsUnary(Node node) => s_unary.Contains(node.OperatorName);

    /// <summary>The rule for <paramref name="node"/> when its data input has permutation <paramref name="perm"/>; null: cannot cross.</summary>
    public static TransposeRule? For(Node node, int[] perm)
    {
        string key = node.OperatorName;
        if (node.Inputs.Count == 0 || node.Inputs[0] == null && !s_broadcasting.Contains(key)) return null;
        if (s_unary.Contains(key)) return Simple(node, perm, [0]);
        if (s_broadcasting.Contains(key))
        {
            if (node.Output.Shape is not { IsRanked: true } shape || shape.Rank != perm.Length) return null;
            return Simple(node, perm, [.. Enumerable.Range(0, node.Inputs.Count)]);
        }
        // What a Transpose brings may be another input, of another rank: the indices of a Gather.
        if (node.Inputs[0]!.Shape is not { IsRanked: true } data || data.Rank != perm.Length) return null;
        if (s_reductions.Contains(key)) return Reduction(node, perm);
        return key switch
        {
            "QuantizeLinear" or "DequantizeLinear" => Quantization(node, perm),
            "Concat" => WithAxis(node, perm, [.. Enumerable.Range(0, node.Inputs.Count)], 0),
            "Split" => WithAxis(node, perm, [0], 0),
            "Softmax" or "LogSoftmax" or "Hardmax" => WithAxis(node, perm, [0], -1),
            "edgelite.QSoftmax" when perm[^1] == perm.Length - 1 => Simple(node, perm, [0]),
            "ArgMax" or "ArgMin" => ArgReduction(node, perm),
            "Slice" => Slice(node, perm),
            "Pad" => Pad(node, perm),
            "Tile" => Permuted(node, perm, 1, Match.Ints(node.Input(1)), 1),
            "Expand" => Permuted(node, perm, 1, Match.Ints(node.Input(1)), 1),
            "Resize" => Resize(node, perm),
            "Gather" => Gather(node, perm),
            "Squeeze" => Squeeze(node, perm),
            "Unsqueeze" => Unsqueeze(node, perm),
            "Reshape" or "Flatten" => Reshape(node, perm),
            _ => null,
        };
    }

    private static int[][] Same(Node node, int[] perm) => [.. node.Outputs.Select(_ => perm)];

    private static TransposeRule Simple(Node node, int[] perm, int[] data) =>
        new() { DataInputs = data, OutputPerms = Same(node, perm) };

    private static TransposeRule WithAxis(Node node, int[] perm, int[] data, int defaultAxis)
    {
        AttributeSet attributes = node.Attributes.Clone();
        attributes["axis"] = (long)perm[Match.Axis(attributes.Int("axis", defaultAxis), perm.Length)];
        return new() { DataInputs = data, Attributes = attributes, OutputPerms = Same(node, perm) };
    }

    private static TransposeRule? Quantization(Node node, int[] perm)
    {
        if (node.Attributes.Int("block_size", 0) != 0 || node.Input(1) is not { Shape.IsRanked: true } scale) return null;
        return scale.Shape.Rank == 0 || scale.Shape == new Shape(1) && scale.IsConstant ? Simple(node, perm, [0]) : WithAxis(node, perm, [0], 1);
    }

    private static TransposeRule? Reduction(Node node, int[] perm)
    {
        long[]? axes = Match.Ints(node.Input(1));
        if (axes == null || axes.Length == 0) return null;
        bool keep = node.Attributes.Int("keepdims", 1) != 0;
        int[] y = [.. axes.Select(a => Match.Axis(a, perm.Length))];
        var rule = new TransposeRule { DataInputs = [0], OutputPerms = [keep ? perm : Without(perm, y)] };
        rule.Ints.Add((1, [.. y.Select(a => (long)perm[a]).Order()]));
        return rule;
    }

    private static TransposeRule ArgReduction(Node node, int[] perm)
    {
        int axis = Match.Axis(node.Attributes.Int("axis", 0), perm.Length);
        AttributeSet attributes = node.Attributes.Clone();
        attributes["axis"] = (long)perm[axis];
        return new()
        {
            DataInputs = [0],
            Attributes = attributes,
            OutputPerms = [node.Attributes.Int("keepdims", 1) != 0 ? perm : Without(perm, [axis])],
        };
    }

    private static TransposeRule? Slice(Node node, int[] perm)
    {
        long[]? starts = Match.Ints(node.Input(1));
        long[]? axes = node.Input(3) == null ? null : Match.Ints(node.Input(3));
        if (node.Input(3) != null && axes == null || axes == null && starts == null) return null;
        axes ??= [.. Enumerable.Range(0, starts!.Length).Select(i => (long)i)];
        var rule = Simple(node, perm, [0]);
        rule.Ints.Add((3, [.. axes.Select(a => (long)perm[Match.Axis(a, perm.Length)])]));
        return rule;
    }

    private static TransposeRule? Pad(Node node, int[] perm)
    {
        TransposeRule rule = Simple(node, perm, [0]);
        if (node.Input(3) != null)
        {
            if (Match.Ints(node.Input(3)) is not { } axes) return null;
            rule.Ints.Add((3, [.. axes.Select(a => (long)perm[Match.Axis(a, perm.Length)])]));
            return rule;
        }
        if (Match.Ints(node.Input(1)) is not { } pads || pads.Length != 2 * perm.Length) return null;
        int rank = perm.Length;
        var moved = new long[2 * rank];
        for (int k = 0; k < rank; k++) (moved[perm[k]], moved[rank + perm[k]]) = (pads[k], pads[rank + k]);
        rule.Ints.Add((1, moved));
        return rule;
    }

    /// <summary>An input that holds one number per axis, leading ones left out being <paramref name="missing"/>.</summary>
    private static TransposeRule? Permuted(Node node, int[] perm, int input, long[]? values, long missing)
    {
        if (values == null || values.Length > perm.Length) return null;
        TransposeRule rule = Simple(node, perm, [0]);
        var moved = new long[perm.Length];
        for (int k = 0; k < perm.Length; k++)
        {
            int from = k - (perm.Length - values.Length);
            moved[perm[k]] = from < 0 ? missing : values[from];
        }
        rule.Ints.Add((input, moved));
        return rule;
    }

    private static TransposeRule? Resize(Node node, int[] perm)
    {
        if (node.Attributes.Ints("axes") is { } axes)
        {
            AttributeSet attributes = node.Attributes.Clone();
            attributes["axes"] = axes.Select(a => (long)perm[Match.Axis(a, perm.Length)]).ToArray();
            return new() { DataInputs = [0], Attributes = attributes, OutputPerms = Same(node, perm) };
        }
        TransposeRule rule = Simple(node, perm, [0]);
        int rank = perm.Length;
        if (node.Input(1) is { } roi && !(roi.Shape.IsKnown && roi.Shape.Count == 0))
        {
            if (roi.Constant is not { Count: var count } values || count != 2 * rank) return null;
            var moved = new float[2 * rank];
            for (int k = 0; k < rank; k++)
                (moved[perm[k]], moved[rank + perm[k]]) = ((float)values.GetDouble(k), (float)values.GetDouble(rank + k));
            rule.Floats.Add((1, moved));
        }
        if (node.Input(2) is { } scales && !(scales.Shape.IsKnown && scales.Shape.Count == 0))
        {
            if (scales.Constant is not { } values || values.Count != rank) return null;
            var moved = new float[rank];
            for (int k = 0; k < rank; k++) moved[perm[k]] = (float)values.GetDouble(k);
            rule.Floats.Add((2, moved));
        }
        if (node.Input(3) is { } sizes && !(sizes.Shape.IsKnown && sizes.Shape.Count == 0))
        {
            if (Match.Ints(sizes) is not { } values || values.Length != rank) return null;
            var moved = new long[rank];
            for (int k = 0; k < rank; k++) moved[perm[k]] = values[k];
            rule.Ints.Add((3, moved));
        }
        return rule;
    }

    private static TransposeRule? Gather(Node node, int[] perm)
    {
        if (node.Input(1) is not { Shape.IsRanked: true } indices) return null;
        int axis = Match.Axis(node.Attributes.Int("axis", 0), perm.Length);
        int[] fresh = [.. Enumerable.Range(perm.Length, indices.Shape.Rank)];
        AttributeSet attributes = node.Attributes.Clone();
        attributes["axis"] = (long)perm[axis];
        int[] x = [.. Enumerable.Range(0, perm.Length).SelectMany(a => a == perm[axis] ? fresh : [a])];
        int[] y = [.. perm.SelectMany(a => a == perm[axis] ? fresh : [a])];
        if (y.Length > Shape.MaxRank) return null;
        return new() { DataInputs = [0], Attributes = attributes, OutputPerms = [Relabel(x, y)] };
    }

    private static TransposeRule? Squeeze(Node node, int[] perm)
    {
        long[]? axes = Match.Ints(node.Input(1));
        if (node.Input(1) == null && node.Inputs[0]!.Shape is { IsKnown: true } shape)
            axes = [.. Enumerable.Range(0, shape.Rank).Where(a => shape[a] == 1).Select(a => (long)a)];
        if (axes == null) return null;
        int[] y = [.. axes.Select(a => Match.Axis(a, perm.Length))];
        var rule = new TransposeRule { DataInputs = [0], OutputPerms = [Without(perm, y)] };
        rule.Ints.Add((1, [.. y.Select(a => (long)perm[a]).Order()]));
        return rule;
    }

    private static TransposeRule? Unsqueeze(Node node, int[] perm)
    {
        if (Match.Ints(node.Input(1)) is not { } axes) return null;
        int rank = perm.Length + axes.Length;
        HashSet<int> added = [.. axes.Select(a => Match.Axis(a, rank))];
        var y = new List<int>();
        for (int k = 0, from = 0; k < rank; k++) y.Add(added.Contains(k) ? perm.Length + k : perm[from++]);
        int[] x = InsertAfterPredecessor([.. Enumerable.Range(0, perm.Length)], y, label => label >= perm.Length);
        var rule = new TransposeRule { DataInputs = [0], OutputPerms = [Relabel(x, [.. y])] };
        rule.Ints.Add((1, [.. Enumerable.Range(0, rank).Where(k => x[k] >= perm.Length).Select(k => (long)k)]));
        return rule;
    }

    /// <summary>
    /// Dimensions of y and of the result are matched in groups of equal products. The Transpose crosses when the axes of each
    /// group lie next to each other, in the same order, in x too; groups then come in x's order. Dimensions of 1 are free.
    /// </summary>
    private static TransposeRule? Reshape(Node node, int[] perm)
    {
        Shape y = node.Inputs[0]!.Shape, o = node.Output.Shape;
        if (!y.IsRanked || !o.IsRanked || y.Rank != perm.Length) return null;
        int[] yAxes = [.. Enumerable.Range(0, y.Rank).Where(k => y[k] != 1)];
        int[] oAxes = [.. Enumerable.Range(0, o.Rank).Where(k => o[k] != 1)];
        int[] xOrder = [.. yAxes.OrderBy(k => perm[k])];
        var groups = new List<(int FirstX, int[] Out)>();
        int i = 0, j = 0;
        while (i < yAxes.Length || j < oAxes.Length)
        {
            if (i >= yAxes.Length || j >= oAxes.Length) return null;
            int firstI = i, firstJ = j;
            long a = y[yAxes[i++]], b = o[oAxes[j++]];
            if (a < 0 || b < 0)
            {
                if (a != b || a == Shape.Unknown) return null;
            }
            while (a != b)
            {
                if (a == 0 || b == 0) return null;
                if (a < b)
                {
                    if (i >= yAxes.Length || y[yAxes[i]] < 0) return null;
                    a *= y[yAxes[i++]];
                }
                else
                {
                    if (j >= oAxes.Length || o[oAxes[j]] < 0) return null;
                    b *= o[oAxes[j++]];
                }
            }
            int at = Array.IndexOf(xOrder, yAxes[firstI]);
            for (int n = firstI; n < i; n++)
                if (at + n - firstI >= xOrder.Length || xOrder[at + n - firstI] != yAxes[n]) return null;
            groups.Add((at, oAxes[firstJ..j]));
        }
        int[] x = InsertAfterPredecessor([.. groups.OrderBy(g => g.FirstX).SelectMany(g => g.Out)], [.. Enumerable.Range(0, o.Rank)], axis => o[axis] == 1);
        long[] shape = [.. x.Select(axis => o[axis])];
        if (shape.Count(d => d < 0) > 1 || shape.Contains(0)) return null;
        var rule = new TransposeRule
        {
            DataInputs = [0],
            OpType = "Reshape",
            Attributes = new AttributeSet(),
            OutputPerms = [Relabel(x, [.. Enumerable.Range(0, o.Rank)])],
        };
        rule.Ints.Add((1, [.. shape.Select(d => d < 0 ? -1 : d)]));
        return rule;
    }

    /// <summary>The permutation from a result with axes labelled x to one with axes labelled y.</summary>
    private static int[] Relabel(int[] x, int[] y) => [.. y.Select(label => Array.IndexOf(x, label))];

    private static int[] Without(int[] perm, int[] removedY)
    {
        int[] y = [.. Enumerable.Range(0, perm.Length).Where(k => !removedY.Contains(k)).Select(k => perm[k])];
        return Relabel([.. y.Order()], y);
    }

    /// <summary>Puts the labels that satisfy the condition into <paramref name="x"/>, each behind the label before it in y.</summary>
    private static int[] InsertAfterPredecessor(List<int> x, List<int> y, Func<int, bool> isNew)
    {
        for (int k = 0; k < y.Count; k++)
            if (isNew(y[k])) x.Insert(k == 0 ? 0 : x.IndexOf(y[k - 1]) + 1, y[k]);
        return [.. x];
    }
}
