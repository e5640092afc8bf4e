using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.PyTorch.Operators;

/// <summary>Elements picked, replaced or chosen by indices and masks.</summary>
internal static class Indexing
{
    [Torch("index_select", OnParts = true)] private static object? IndexSelect(TorchCall c) => TorchCall.Box(c.Emit("Gather", [c.Tensor(0), c.Tensor(2)], ("axis", c.Int(1))));
    [Torch("gather", OnParts = true)] private static object? Gather(TorchCall c) => TorchCall.Box(c.Emit("GatherElements", [c.Tensor(0), c.Tensor(2)], ("axis", c.Int(1))));

    /// <summary>x[i0, i1, ...]: None takes an axis whole; a mask stands for as many axes as it has.</summary>
    [Torch("index", OnParts = true)]
    private static object? Index(TorchCall c)
    {
        Value x = c.Tensor(0);
        (int[] axes, Value[] indices) = Used(c);
        if (axes.Length == 0) return c.Itself(x);
        if (axes.Length == 1) return TorchCall.Box(c.Emit("Gather", [x, indices[0]], ("axis", axes[0])));
        long[]? front = Front(c, x, axes);
        Value places = Tuples(c, indices), y = c.Emit("GatherND", [front == null ? x : c.Transpose(x, front), places]);
        // Axes that lie together give theirs in their place, others in front.
        int first = axes[0], rank = c.Rank(places) - 1;
        if (first == 0 || axes[^1] != first + axes.Length - 1) return TorchCall.Box(y);
        return TorchCall.Box(c.Transpose(y, [.. Enumerable.Range(rank, first).Select(d => (long)d), .. Enumerable.Range(0, rank).Select(d => (long)d), .. Enumerable.Range(rank + first, c.Rank(y) - rank - first).Select(d => (long)d)]));
    }

    /// <summary>(input, indices, values, accumulate = False): a copy with x[indices] = values, or += values.</summary>
    [Torch("index_put", "_index_put_impl", OnParts = true)]
    private static object? IndexPut(TorchCall c)
    {
        Value x = c.Tensor(0), values = c.Cast(c.Tensor(2), x.DType);
        bool add = c.Bool(3, false);
        if (!add && values.Shape is { IsKnown: true, Count: 1 } && OnlyMask(c) is { } mask)
        {
            int extra = c.Rank(x) - c.Rank(mask);
            if (extra > 0) mask = c.Unsqueeze(mask, [.. Enumerable.Range(c.Rank(mask), extra).Select(d => (long)d)]);
            return TorchCall.Box(c.Emit("Where", [mask, values.Shape.Rank > c.Rank(x) ? c.Reshape(values, 1) : values, x]));
        }
        (int[] axes, Value[] indices) = Used(c);
        if (axes.Length == 0) throw c.Error("it has no indices");
        long[]? front = Front(c, x, axes);
        Value whole = front == null ? x : c.Transpose(x, front), places = Tuples(c, indices);
        Value from = c.Emit("Shape", [places], ("start", 0), ("end", -1));
        int rank = c.Rank(places) - 1;
        // What the values have for the axes that are taken whole, which here come last.
        Value shape = axes.Length == c.Rank(x) ? from : c.Emit("Concat", [from, c.Emit("Shape", [whole], ("start", axes.Length))], ("axis", 0));
        if (axes[0] > 0 && axes[^1] == axes[0] + axes.Length - 1 && c.Rank(values) > 0)
        {
            int wanted = rank + c.Rank(x) - axes.Length, missing = wanted - c.Rank(values);
            if (missing > 0) values = c.Unsqueeze(values, [.. Enumerable.Range(0, missing).Select(d => (long)d)]);
            values = c.Transpose(values, [.. Enumerable.Range(axes[0], rank).Select(d => (long)d), .. Enumerable.Range(0, axes[0]).Select(d => (long)d), .. Enumerable.Range(axes[0] + rank, wanted - axes[0] - rank).Select(d => (long)d)]);
        }
        Value y = c.Emit("ScatterND", [whole, places, c.Emit("Expand", [values, shape])], ("reduction", add ? "add" : "none"));
        if (front == null) return TorchCall.Box(y);
        var back = new long[front.Length];
        for (int i = 0; i < front.Length; i++) back[front[i]] = i;
        return TorchCall.Box(c.Transpose(y, back));
    }

    /// <summary>The axes that have indices, and those.</summary>
    private static (int[] Axes, Value[] Indices) Used(TorchCall c)
    {
        var axes = new List<int>();
        var indices = new List<Value>();
        int axis = 0;
        foreach (object? item in c.Items(1))
        {
            if (item is not TorchBox)
            {
                axis++;
                continue;
            }
            Value index = c.AsTensor(item, "an index");
            int count = index.DType is DType.Bool or DType.UInt8 ? c.Rank(index) : 1;
            Value? places = index.DType is DType.Bool or DType.UInt8 ? c.Emit("NonZero", [index]) : null;
            for (int k = 0; k < count; k++)
            {
                axes.Add(axis++);
                indices.Add(places == null ? c.Cast(index, DType.Int64) : c.Emit("Gather", [places, c.Scalar(DType.Int64, k)], ("axis", 0)));
            }
        }
        return ([.. axes], [.. indices]);
    }

    /// <summary>The mask that is the only index, if it is one.</summary>
    private static Value? OnlyMask(TorchCall c)
    {
        IReadOnlyList<object?> items = c.Items(1);
        return items.Count > 0 && items[0] is TorchBox && items.Skip(1).All(i => i is not TorchBox) && c.AsTensor(items[0], "an index") is { DType: DType.Bool or DType.UInt8 } mask ? c.Cast(mask, DType.Bool) : null;
    }

    /// <summary>The order that brings axes to the front; null where they are there.</summary>
    private static long[]? Front(TorchCall c, Value x, int[] axes)
    {
        if (axes[^1] == axes.Length - 1) return null;
        return [.. axes.Select(a => (long)a), .. Enumerable.Range(0, c.Rank(x)).Where(d => !axes.Contains(d)).Select(d => (long)d)];
    }

    /// <summary>Tensors of indices, broadcast against each other: [.., number of them].</summary>
    private static Value Tuples(TorchCall c, Value[] indices)
    {
        if (indices.Any(i => i.Shape != indices[0].Shape || !i.Shape.IsKnown))
        {
            // Zeros of the common shape; what is known of it stays known, as it would not through Expand.
            Value zeros = c.Emit("Mul", [indices.Aggregate((a, b) => c.Emit("Add", [a, b])), c.Scalar(DType.Int64, 0)]);
            indices = [.. indices.Select(i => c.Emit("Add", [i, zeros]))];
        }
        return c.Emit("Concat", [.. indices.Select(i => c.Unsqueeze(i, -1))], ("axis", -1));
    }

    /// <summary>(input, dim, index [n], source, alpha = 1): rows of an axis, each at its index.</summary>
    [Torch("index_add")] private static object? IndexAdd(TorchCall c) => AlongAxis(c, Dense.Scaled(c, c.Cast(c.Tensor(3), c.Tensor(0).DType), c.Arg(4, "alpha") is { } alpha ? (double)c.Interpreter.ToScalar(alpha, ScalarKind.Float)! : 1), "add");
    [Torch("index_copy")] private static object? IndexCopy(TorchCall c) => AlongAxis(c, c.Cast(c.Tensor(3), c.Tensor(0).DType), "none");

    /// <summary>(input, dim, index [n], value)</summary>
    [Torch("index_fill")]
    private static object? IndexFill(TorchCall c)
    {
        Value x = c.Tensor(0), value = c.Arg(3) is TorchBox ? c.Cast(c.Tensor(3), x.DType) : c.Interpreter.ScalarLike(c.Arg(3), x.DType);
        int rank = c.Rank(x), axis = c.Axis(c.Int(1), rank);
        Value rows = c.SizeTensor([.. Enumerable.Range(0, rank).Select(d => d == axis ? c.Rank(c.Tensor(2)) == 0 ? 1L : c.Size(c.Tensor(2), 0) : c.Size(x, d))]);
        return AlongAxis(c, c.Emit("Expand", [value, rows]), "none");
    }

    private static TorchBox AlongAxis(TorchCall c, Value source, string reduction)
    {
        Value x = c.Tensor(0), index = c.Cast(c.Tensor(2), DType.Int64);
        int rank = c.Rank(x), axis = c.Axis(c.Int(1), rank);
        if (rank > 0) index = c.Reshape(index, [.. Enumerable.Range(0, rank).Select(d => d == axis ? -1L : 1L)]);
        return TorchCall.Box(c.Emit("ScatterElements", [x, c.Emit("Expand", [index, c.ShapeOf(source)]), source], ("axis", axis), ("reduction", reduction)));
    }

    /// <summary>(input, dim, index, src or value)</summary>
    [Torch("scatter")] private static object? Scatter(TorchCall c) => Scattered(c, "none");
    [Torch("scatter_add")] private static object? ScatterAdd(TorchCall c) => Scattered(c, "add");

    private static TorchBox Scattered(TorchCall c, string reduction)
    {
        if (c.Option("reduce") is string way) reduction = way == "multiply" ? "mul" : way;
        Value x = c.Tensor(0), index = c.Tensor(2);
        Value source = c.Arg(3) is TorchBox ? c.Tensor(3) : c.Emit("Expand", [c.Interpreter.ScalarLike(c.Arg(3), x.DType), c.ShapeOf(index)]);
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
