using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.PyTorch.Operators;

/// <summary>Elements picked, replaced or chosen by indices and masks.</summary>
internal static class Indexing
{
    [Torch("index_select")] private static object? IndexSelect(TorchCall c) => TorchCall.Box(c.Emit("Gather", [c.Tensor(0), c.Tensor(2)], ("axis", c.Int(1))));
    [Torch("gather")] private static object? Gather(TorchCall c) => TorchCall.Box(c.Emit("GatherElements", [c.Tensor(0), c.Tensor(2)], ("axis", c.Int(1))));

    /// <summary>x[i0, i1, ...]: None takes an axis whole. One tensor of indices, or several for the first axes.</summary>
    [Torch("index", Limits = "a mask beside other indices, several tensors of indices for other than the first axes")]
    private static object? Index(TorchCall c)
    {
        Value x = c.Tensor(0);
        int[] used = Used(c);
        if (used.Length == 0) return c.Itself(x);
        if (Mask(c, used) is { } mask) return TorchCall.Box(c.Emit("GatherND", [x, c.Transpose(c.Emit("NonZero", [mask]), 1, 0)]));
        if (used.Length == 1) return TorchCall.Box(c.Emit("Gather", [x, c.Cast(c.AsTensor(c.Items(1)[used[0]], "an index"), DType.Int64)], ("axis", used[0])));
        return TorchCall.Box(c.Emit("GatherND", [x, Tuples(c, used)]));
    }

    /// <summary>(input, indices, values, accumulate = False): a copy with x[indices] = values, or += values.</summary>
    [Torch("index_put", Limits = "a mask beside other indices, several tensors of indices for other than the first axes")]
    private static object? IndexPut(TorchCall c)
    {
        Value x = c.Tensor(0), values = c.Cast(c.Tensor(2), x.DType);
        int[] used = Used(c);
        if (used.Length == 0) throw c.Error("it has no indices");
        bool add = c.Bool(3, false);
        Value places;
        if (Mask(c, used) is { } mask)
        {
            if (values.Shape is { IsKnown: true, Count: 1 } && !add)
            {
                int extra = c.Rank(x) - c.Rank(mask);
                if (extra > 0) mask = c.Unsqueeze(mask, [.. Enumerable.Range(c.Rank(mask), extra).Select(d => (long)d)]);
                return TorchCall.Box(c.Emit("Where", [mask, values.Shape.Rank > c.Rank(x) ? c.Reshape(values, 1) : values, x]));
            }
            places = c.Transpose(c.Emit("NonZero", [mask]), 1, 0);
        }
        else places = used.Length == 1 && used[0] == 0 ? c.Unsqueeze(c.Cast(c.AsTensor(c.Items(1)[0], "an index"), DType.Int64), -1) : Tuples(c, used);
        Value from = c.Emit("Shape", [places], ("start", 0), ("end", -1));
        long depth = places.Shape is { IsRanked: true } s && s[s.Rank - 1] >= 0 ? s[s.Rank - 1] : throw c.Error("the number of indices must be known");
        Value shape = depth == c.Rank(x) ? from : c.Emit("Concat", [from, c.Emit("Shape", [x], ("start", depth))], ("axis", 0));
        return TorchCall.Box(c.Emit("ScatterND", [x, places, c.Emit("Expand", [values, shape])], ("reduction", add ? "add" : "none")));
    }

    private static int[] Used(TorchCall c) => [.. Enumerable.Range(0, c.Items(1).Count).Where(i => c.Items(1)[i] is TorchBox)];

    /// <summary>The mask that is the only index, if it is one.</summary>
    private static Value? Mask(TorchCall c, int[] used)
    {
        Value[] indices = [.. used.Select(i => c.AsTensor(c.Items(1)[i], "an index"))];
        if (!indices.Any(i => i.DType is DType.Bool or DType.UInt8)) return null;
        return used.Length == 1 && used[0] == 0 ? c.Cast(indices[0], DType.Bool) : throw c.Error("a mask that is not the only index is not supported");
    }

    /// <summary>Tensors of indices for the first axes, broadcast against each other: [.., number of them].</summary>
    private static Value Tuples(TorchCall c, int[] used)
    {
        if (used[^1] != used.Length - 1) throw c.Error("several tensors of indices are supported for the first axes only");
        Value[] indices = [.. used.Select(i => c.Cast(c.AsTensor(c.Items(1)[i], "an index"), DType.Int64))];
        if (indices.Any(i => i.Shape != indices[0].Shape || !i.Shape.IsKnown))
        {
            // Zeros of the common shape; what is known of it stays known, as it would not through Expand.
            Value zeros = c.Emit("Mul", [indices.Aggregate((a, b) => c.Emit("Add", [a, b])), c.Scalar(DType.Int64, 0)]);
            indices = [.. indices.Select(i => c.Emit("Add", [i, zeros]))];
        }
        return c.Emit("Concat", [.. indices.Select(i => c.Unsqueeze(i, -1))], ("axis", -1));
    }

    /// <summary>(input, dim, index, src or value)</summary>
    [Torch("scatter")] private static object? Scatter(TorchCall c) => Scattered(c, "none");
    [Torch("scatter_add")] private static object? ScatterAdd(TorchCall c) => Scattered(c, "add");

    private static TorchBox Scattered(TorchCall c, string reduction)
    {
        if (c.Option("reduce") is string way) reduction = way == "multiply" ? "mul" : way;
        Value x = c.Tensor(0), index = c.Tensor(2);
        Value source = c.Arg(3) is TorchBox ? c.Tensor(3) : c.Emit("Expand", [c.Interpreter.ScalarLike(c.Arg(3), x.DType), c.Emit("Shape", [index])]);
        if (c.Arg(3) is TorchBox && source.Shape != index.Shape && source.Shape.IsKnown && index.Shape.IsKnown)
        {
            long[] zeros = new long[index.Shape.Rank], axes = [.. Enumerable.Range(0, index.Shape.Rank).Select(d => (long)d)];
            source = c.Emit("Slice", [source, c.IntTensor(zeros), c.IntTensor(index.Shape.AsSpan()), c.IntTensor(axes)]);
        }
        return TorchCall.Box(c.Emit("ScatterElements", [x, index, c.Cast(source, x.DType)], ("axis", c.Int(1)), ("reduction", reduction)));
    }

    /// <summary>(input, mask): the chosen elements as one row.</summary>
    [Torch("masked_select")]
    private static object? MaskedSelect(TorchCall c)
    {
        Value x = c.Tensor(0), mask = c.Cast(c.Tensor(1), DType.Bool);
        if (x.Shape != mask.Shape || !x.Shape.IsKnown)
        {
            mask = c.Emit("Expand", [mask, c.Emit("Shape", [x])]);
            x = c.Emit("Expand", [x, c.Emit("Shape", [mask])]);
        }
        return TorchCall.Box(c.Emit("GatherND", [x, c.Transpose(c.Emit("NonZero", [mask]), 1, 0)]));
    }

    [Torch("where")]
    private static object? Where(TorchCall c)
    {
        if (c.IsNone(1)) return Places(c);
        (Value a, Value b, _) = Arithmetic.Promote(c, c.Arg(1) is TorchBox || c.Arg(2) is TorchBox ? c.Arg(1) : TorchCall.Box(c.Tensor(1)), c.Arg(2));
        return TorchCall.Box(c.Emit("Where", [c.Cast(c.Tensor(0), DType.Bool), a, b]));
    }

    /// <summary>(input, mask, value)</summary>
    [Torch("masked_fill")]
    private static object? MaskedFill(TorchCall c)
    {
        Value x = c.Tensor(0);
        Value value = c.Arg(2) is TorchBox ? c.Cast(c.Tensor(2), x.DType) : c.Interpreter.ScalarLike(c.Arg(2), x.DType);
        return TorchCall.Box(c.Emit("Where", [c.Cast(c.Tensor(1), DType.Bool), value, x]));
    }

    /// <summary>where(x): for each axis the indices of what is not zero.</summary>
    [Torch("nonzero_numpy")]
    private static object? Places(TorchCall c)
    {
        Value places = c.Emit("NonZero", [c.Tensor(0)]);
        return new TorchList(Enumerable.Range(0, c.Rank(c.Tensor(0))).Select(d => (object?)TorchCall.Box(c.Emit("Gather", [places, c.Interpreter.ScalarValue((long)d, ScalarKind.Int)], ("axis", 0)))));
    }

    [Torch("nonzero")] private static object? NonZero(TorchCall c) => TorchCall.Box(c.Transpose(c.Emit("NonZero", [c.Tensor(0)]), 1, 0));
}
