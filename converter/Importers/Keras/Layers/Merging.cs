using EdgeLite.Converter.Ir;

namespace EdgeLite.Converter.Importers.Keras.Layers;

/// <summary>Layers of several inputs.</summary>
internal static class Merging
{
    [Keras("Add")]
    private static void Add(KerasNode n) => Fold(n, "Add");

    [Keras("Multiply")]
    private static void Multiply(KerasNode n) => Fold(n, "Mul");

    [Keras("Subtract")]
    private static void Subtract(KerasNode n) => Fold(n, "Sub");

    [Keras("TrueDivide"), Keras("Divide")]
    private static void Divide(KerasNode n) => Fold(n, "Div");

    [Keras("Maximum")]
    private static void Maximum(KerasNode n) => Fold(n, "Max");

    [Keras("Minimum")]
    private static void Minimum(KerasNode n) => Fold(n, "Min");

    [Keras("Average")]
    private static void Average(KerasNode n)
    {
        Fold(n, "Add");
        n.Set(n.Outputs[0] with { Value = n.Emit("Mul", [n.Outputs[0].Value, n.Scalar(1.0 / n.Inputs.Length)]) });
    }

    [Keras("Concatenate")]
    private static void Concatenate(KerasNode n) => Concatenate(n, n.Config.Int(-1, "axis", "concat_axis"));

    /// <summary>The axes are contracted; both are taken without the batch.</summary>
    [Keras("Dot")]
    private static void Dot(KerasNode n) => Dot(n, n.Config.Ints("axes", "dot_axes") ?? [-1], n.Config.Bool(false, "normalize"));

    /// <summary>Keras 1's layer of many modes.</summary>
    [Keras("Merge", Notes = "as a layer of a functional model; not as the first layer of a Sequential one")]
    private static void Merge(KerasNode n)
    {
        if (n.Inputs.Length < 2) throw n.Error("it is the first layer of a Sequential model, which is not supported; load and save the model with Keras 2 as a functional one");
        switch (n.Config.Text("mode", "sum"))
        {
            case "sum": Fold(n, "Add"); break;
            case "mul": Fold(n, "Mul"); break;
            case "max": Fold(n, "Max"); break;
            case "ave": Average(n); break;
            case "concat": Concatenate(n); break;
            case "dot": Dot(n, n.Config.Ints("dot_axes") ?? [-1], false); break;
            case "cos": Dot(n, n.Config.Ints("dot_axes") ?? [-1], true); break;
            case var mode: throw n.Error($"mode '{mode}' is not supported");
        }
    }

    /// <summary>Inputs of fewer dimensions get 1 after the batch, as Keras broadcasts.</summary>
    private static void Fold(KerasNode n, string opType)
    {
        if (n.Inputs.Length == 0) throw n.Error("it is called without an input");
        int rank = n.Inputs.Max(i => n.RankOf(i.Value));
        Value result = Raise(n.Inputs[0].Value);
        foreach (KerasTensor input in n.Inputs.Skip(1)) result = n.Emit(opType, [result, Raise(input.Value)]);
        n.Set(new KerasTensor(result, CommonMask(n)));

        Value Raise(Value x)
        {
            int own = n.RankOf(x);
            return own == 0 || own == rank ? x : n.Emit("Unsqueeze", [x, n.Ints([.. Enumerable.Range(1, rank - own).Select(i => (long)i)])]);
        }
    }

    private static void Concatenate(KerasNode n, long axis)
    {
        Value?[] values = [.. n.Inputs.Select(i => i.Value)];
        int at = n.Axis(axis, n.Rank);
        Value? mask = at == n.Rank - 1 && n.Rank > 2 ? CommonMask(n) : null;
        n.Set(new KerasTensor(n.Concat(values, at), mask));
    }

    private static void Dot(KerasNode n, long[] axes, bool normalize)
    {
        if (n.Inputs.Length != 2) throw n.Error($"it takes 2 inputs, not {n.Inputs.Length}");
        Value a = n.Inputs[0].Value, b = n.Inputs[1].Value;
        int rankA = n.RankOf(a), rankB = n.RankOf(b);
        int axisA = n.Axis(axes[0], rankA), axisB = n.Axis(axes[^1], rankB);
        if (axisA == 0 || axisB == 0) throw n.InputError("the batch cannot be contracted");
        if (normalize) (a, b) = (Normalize(a, axisA), Normalize(b, axisB));
        if (rankA > 3 || rankB > 3)
        {
            // b: the batch, k: what is contracted, other letters: what remains of both.
            string left = Letters(rankA, axisA, 'c'), right = Letters(rankB, axisB, (char)('c' + rankA));
            string rest = string.Concat(left.Concat(right[1..]).Where(l => l != 'k'));
            n.Set(n.Emit("Einsum", [a, b], ("equation", $"{left},{right}->{rest}")));
            return;
        }
        // a: [batch, rest, k], b: [batch, k, rest].
        if (rankA == 2) a = n.Emit("Unsqueeze", [a, n.Ints(1)]);
        else if (axisA == 1) a = n.Transpose(a, 0, 2, 1);
        if (rankB == 2) b = n.Emit("Unsqueeze", [b, n.Ints(2)]);
        else if (axisB == 2) b = n.Transpose(b, 0, 2, 1);
        Value y = n.Emit("MatMul", [a, b]);
        if (rankA == 2 && rankB == 2) n.Set(n.Emit("Squeeze", [y, n.Ints(2)]));
        else if (rankA == 2) n.Set(n.Emit("Squeeze", [y, n.Ints(1)]));
        else if (rankB == 2) n.Set(n.Emit("Squeeze", [y, n.Ints(2)]));
        else n.Set(y);

        static string Letters(int rank, int axis, char first) => string.Concat(Enumerable.Range(0, rank).Select(i => i == 0 ? 'b' : i == axis ? 'k' : (char)(first + i + (first + i >= 'k' ? 1 : 0))));

        Value Normalize(Value x, long axis)
        {
            Value square = n.Emit("ReduceSum", [n.Emit("Mul", [x, x]), n.Ints(axis)], ("keepdims", 1));
            return n.Emit("Div", [x, n.Emit("Sqrt", [n.Emit("Max", [square, n.Scalar(1e-12)])])]);
        }
    }

    private static Value? CommonMask(KerasNode n)
    {
        Value? mask = null;
        foreach (KerasTensor input in n.Inputs)
            if (input.Mask != null) mask = mask == null || ReferenceEquals(mask, input.Mask) ? input.Mask : n.Emit("And", [mask, input.Mask]);
        return mask;
    }
}
