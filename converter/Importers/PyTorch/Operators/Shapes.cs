using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.PyTorch.Operators;

/// <summary>Operators that rearrange, pick, join and make tensors.</summary>
internal static class Shapes
{
    [Torch("view", "reshape", "_unsafe_view", "view_copy", Limits = "another element type", OnParts = true)]
    private static object? Reshape(TorchCall c)
    {
        if (c.Arg(1) is not (TorchList or TorchTuple)) throw c.Error("a view as another element type is not supported");
        Value x = c.Tensor(0);
        object?[] sizes = [.. c.Items(1).Select(s => c.Interpreter.ToScalar(s, ScalarKind.Int))];
        // A size that is the input's own along the same axis is ONNX's 0: it survives as a free dimension. One unknown size is -1.
        for (int i = 0; i < sizes.Length; i++)
            if (sizes[i] is TorchScalar { SizeOf: { } of } s && s.Axis == i && (ReferenceEquals(of, x) || SameSize(of, x, i))) sizes[i] = 0L;
        if (c.Items(1).Any(s => s is 0L)) return c.Reshaped(c.Emit("Reshape", [x, c.SizeTensor(c.Items(1))], ("allowzero", 1)));
        if (sizes.Count(s => s is TorchScalar) == 1 && !sizes.Contains(-1L)) sizes = [.. sizes.Select(s => s is TorchScalar ? -1L : s)];
        return c.Reshaped(Sized(c, c.Emit("Reshape", [x, c.SizeTensor(sizes)]), c.Items(1)));
    }

    /// <summary>A result whose sizes the caller named: what shape inference does not follow from tensors of sizes is written down.</summary>
    private static Value Sized(TorchCall c, Value y, IReadOnlyList<object?> sizes)
    {
        if (y.Shape.IsKnown || y.Shape.IsRanked && y.Shape.Rank != sizes.Count) return y;
        var dims = new long[sizes.Count];
        for (int d = 0; d < dims.Length; d++)
            dims[d] = y.Shape.IsRanked && y.Shape[d] != Shape.Unknown ? y.Shape[d]
                : sizes[d] is long and >= 0 and var n ? n
                : sizes[d] is TorchScalar { SizeOf: { Shape.IsRanked: true } of } s && s.Axis < of.Shape.Rank && c.Builder.Graph.Find(of.Name) == of ? of.Shape[s.Axis] : Shape.Unknown;
        y.Type = y.Type with { Shape = new Shape(dims) };
        return y;
    }

    private static bool SameSize(Value a, Value b, int axis) =>
        a.Shape.IsRanked && b.Shape.IsRanked && axis < a.Shape.Rank && axis < b.Shape.Rank && a.Shape[axis] == b.Shape[axis] && a.Shape[axis] != Shape.Unknown;

    [Torch("view_as", "reshape_as", OnParts = true)] private static object? ReshapeAs(TorchCall c) => c.Reshaped(c.Emit("Reshape", [c.Tensor(0), c.Emit("Shape", [c.Tensor(1)])]));

    /// <summary>(input, start_dim = 0, end_dim = -1)</summary>
    [Torch("flatten", OnParts = true)]
    private static object? Flatten(TorchCall c)
    {
        Value x = c.Tensor(0);
        if (c.Int(1, 0) == 1 && c.Int(2, -1) == -1) return c.Reshaped(c.Emit("Flatten", [x], ("axis", 1)));
        int rank = c.Rank(x), start = c.Axis(c.Int(1, 0), rank), end = c.Axis(c.Int(2, -1), rank);
        if (rank == 0) return c.Reshaped(c.Reshape(x, 1));
        bool tailKnown = true;
        for (int d = end + 1; d < rank; d++) tailKnown &= x.Shape[d] >= 0;
        // Leading sizes stay by 0; trailing ones must be numbers, since 0 counts from the front.
        if (tailKnown) return c.Reshaped(c.Reshape(x, [.. Enumerable.Repeat(0L, start), -1, .. Enumerable.Range(end + 1, rank - end - 1).Select(d => x.Shape[d])]));
        return c.Reshaped(c.Emit("Reshape", [x, c.SizeTensor([.. Enumerable.Range(0, start).Select(d => c.Size(x, d)), -1L, .. Enumerable.Range(end + 1, rank - end - 1).Select(d => c.Size(x, d))])]));
    }

    /// <summary>(input, dim, sizes)</summary>
    [Torch("unflatten", OnParts = true)]
    private static object? Unflatten(TorchCall c)
    {
        Value x = c.Tensor(0);
        int rank = c.Rank(x), axis = c.Axis(c.Int(1), rank);
        return c.Reshaped(c.Emit("Reshape", [x, c.SizeTensor([.. Enumerable.Range(0, axis).Select(d => c.Size(x, d)), .. c.Items(2), .. Enumerable.Range(axis + 1, rank - axis - 1).Select(d => c.Size(x, d))])]));
    }

    [Torch("permute", OnParts = true)]
    private static object? Permute(TorchCall c)
    {
        long[] axes = c.Ints(1);
        return Permuted(c, c.Tensor(0), [.. axes.Select(a => (long)c.Axis(a, axes.Length))]);
    }

    private static TorchBox Permuted(TorchCall c, Value x, long[] order)
    {
        var back = new long[order.Length];
        for (int i = 0; i < order.Length; i++) back[order[i]] = i;
        return c.View(c.Transpose(x, order), whole => c.Transpose(whole, order), (_, view) => c.Transpose(view, back));
    }

    [Torch("transpose", "swapaxes", "swapdims", OnParts = true)]
    private static object? Transpose(TorchCall c)
    {
        Value x = c.Tensor(0);
        int rank = c.Rank(x), a = c.Axis(c.Int(1), rank), b = c.Axis(c.Int(2), rank);
        long[] order = [.. Enumerable.Range(0, rank).Select(d => (long)d)];
        (order[a], order[b]) = (order[b], order[a]);
        return Permuted(c, x, order);
    }

    /// <summary>All axes in the reverse order.</summary>
    [Torch("t", "numpy_T", OnParts = true)]
    private static object? T(TorchCall c)
    {
        Value x = c.Tensor(0);
        return c.Rank(x) < 2 ? c.Itself(x) : Permuted(c, x, [.. Enumerable.Range(0, c.Rank(x)).Select(d => (long)d).Reverse()]);
    }

    /// <summary>The last two axes exchanged.</summary>
    [Torch("mT", "mH", "adjoint")] private static object? MatrixT(TorchCall c) => c.Interpreter.Apply("transpose", [c.Arg(0), -2L, -1L], []);

    [Torch("unsqueeze", OnParts = true)] private static object? Unsqueeze(TorchCall c) => c.Reshaped(c.Unsqueeze(c.Tensor(0), c.Int(1)));

    /// <summary>Axes of another size than 1 stay.</summary>
    [Torch("squeeze", OnParts = true)]
    private static object? Squeeze(TorchCall c)
    {
        Value x = c.Tensor(0);
        if (!x.Shape.IsRanked && c.Arg(1) is long only) return c.Reshaped(c.Squeeze(x, only));
        int rank = c.Rank(x);
        IEnumerable<int> axes = c.Arg(1) is null ? Enumerable.Range(0, rank).Where(d => x.Shape[d] == 1) : c.Ints(1).Select(a => c.Axis(a, rank));
        long[] gone = [.. axes.Where(a => x.Shape[a] is 1 or < 0).Select(a => (long)a)];
        return gone.Length == 0 ? c.Itself(x) : c.Reshaped(c.Squeeze(x, gone));
    }

    /// <summary>(input, sizes): -1 keeps a size; new axes come in front.</summary>
    [Torch("expand", "broadcast_to", OnParts = true)]
    private static object? Expand(TorchCall c) => c.View(Sized(c, c.Emit("Expand", [c.Tensor(0), c.SizeTensor([.. c.Items(1).Select(s => s is -1L ? 1L : s)])]), c.Items(1)));

    [Torch("expand_as", OnParts = true)] private static object? ExpandAs(TorchCall c) => c.View(c.Emit("Expand", [c.Tensor(0), c.Emit("Shape", [c.Tensor(1)])]));

    [Torch("repeat", "tile", OnParts = true)]
    private static object? Repeat(TorchCall c)
    {
        Value x = c.Tensor(0);
        int rank = c.Rank(x), n = c.Items(1).Count;
        if (n > rank) x = c.Unsqueeze(x, [.. Enumerable.Range(0, n - rank).Select(d => (long)d)]);
        return TorchCall.Box(c.Emit("Tile", [x, c.SizeTensor([.. Enumerable.Repeat((object?)1L, Math.Max(0, rank - n)), .. c.Items(1)])]));
    }

    /// <summary>(tensors): each as large as all of them broadcast against each other.</summary>
    [Torch("broadcast_tensors")]
    private static object? BroadcastTensors(TorchCall c)
    {
        Value[] x = c.Tensors(0);
        Value together = x.Length == 1 ? x[0] : x.Select(v => c.Cast(v, DType.Float32)).Aggregate((a, b) => c.Emit("Add", [a, b])), shape = c.Emit("Shape", [together]);
        return new TorchList(x.Select(v => (object?)TorchCall.Box(v.Shape.IsKnown && v.Shape == together.Shape ? v : c.Emit("Expand", [v, shape]))));
    }

    /// <summary>(input, dim, size, step): windows along an axis, whose elements become the last one.</summary>
    [Torch("unfold", Limits = "free sizes of the axis", OnParts = true)]
    private static object? Unfold(TorchCall c)
    {
        Value x = c.Tensor(0);
        int rank = c.Rank(x), axis = c.Axis(c.Int(1), rank);
        long n = KnownSize(c, x, axis), size = c.Int(2), step = c.Int(3);
        if (size < 0 || size > n || step < 1) throw c.Error($"windows of {size} elements every {step} of {n}");
        long count = (n - size) / step + 1;
        if (n > 1 << 24 || count * size > 1 << 24) throw c.Error($"{count} windows of {size} elements");
        Value places = c.Builder.Constant(c.Interpreter.Named("places"), Tensor.FromArray<long>([.. Enumerable.Range(0, checked((int)(count * size))).Select(i => i / size * step + i % size)], new Shape(count, size)));
        Value y = c.Emit("Gather", [x, places], ("axis", axis));
        return TorchCall.Box(axis == rank - 1 ? y : c.Transpose(y, [.. Enumerable.Range(0, rank + 1).Where(d => d != axis + 1).Select(d => (long)d), axis + 1]));
    }

    /// <summary>(input, source, destination): axes, or lists of them.</summary>
    [Torch("movedim", "moveaxis", OnParts = true)]
    private static object? MoveDim(TorchCall c)
    {
        Value x = c.Tensor(0);
        int rank = c.Rank(x);
        int[] from = [.. c.Ints(1).Select(a => c.Axis(a, rank))], to = [.. c.Ints(2).Select(a => c.Axis(a, rank))];
        if (from.Length != to.Length) throw c.Error($"{from.Length} axes move to {to.Length} places");
        var others = new Queue<int>(Enumerable.Range(0, rank).Where(d => !from.Contains(d)));
        return Permuted(c, x, [.. Enumerable.Range(0, rank).Select(d => (long)(Array.IndexOf(to, d) is >= 0 and var k ? from[k] : others.Dequeue()))]);
    }

    /// <summary>Tensors joined along an axis that those of fewer dimensions get first.</summary>
    [Torch("vstack", "row_stack", "hstack", "dstack", "column_stack", OnParts = true)]
    private static object? JoinAtLeast(TorchCall c)
    {
        Value[] x = c.Tensors(0);
        int least = c.Name == "dstack" ? 3 : c.Name == "hstack" ? 1 : 2;
        bool isColumns = c.Name == "column_stack";
        IEnumerable<Value> wide = x.Select(v => c.Rank(v) switch
        {
            0 => c.Reshape(v, [.. Enumerable.Repeat(1L, least)]),
            1 when least == 2 => c.Unsqueeze(v, isColumns ? 1 : 0),
            1 when least == 3 => c.Unsqueeze(v, 0, 2),
            2 when least == 3 => c.Unsqueeze(v, 2),
            _ => v,
        });
        long axis = c.Name switch { "dstack" => 2, "hstack" => c.Rank(x[0]) <= 1 ? 0 : 1, "column_stack" => 1, _ => 0 };
        return c.Interpreter.Apply("cat", [new TorchList(wide.Select(v => (object?)TorchCall.Box(v))), axis], []);
    }

    /// <summary>(rows, columns = rows)</summary>
    [Torch("eye")]
    private static object? Eye(TorchCall c)
    {
        object? rows = c.Arg(0), columns = c.Arg(1) is long or TorchScalar && TorchCall.IsNumber(c.Arg(1)) ? c.Arg(1) : rows;
        Value zeros = Filled(c, c.SizeTensor([rows, columns]), 0L, c.Option("dtype"), DType.Float32).Value;
        return TorchCall.Box(c.Emit("EyeLike", [zeros]));
    }

    /// <summary>(input, repeats, dim = of the flattened tensor, output_size = what follows from these): every element of the axis so many times, one after the other.</summary>
    [Torch("repeat_interleave", Limits = "a number of its own for each element that is no constant")]
    private static object? RepeatInterleave(TorchCall c)
    {
        if (c.Count == 1 || c.Arg(1) is null) throw c.Error("repeats alone, without what is repeated, are not supported");
        bool flat = c.Arg(2) is null;
        _ = c.Option("output_size");
        Value x = flat ? c.Reshape(c.Tensor(0), -1) : c.Tensor(0);
        int rank = c.Rank(x), axis = flat ? 0 : c.Axis(c.Int(2), rank);
        if (c.Arg(1) is TorchBox { Value.Shape: { IsRanked: true, Rank: 1 } of } && of[0] != 1)
        {
            long[] times = Longs(c.Constant(1) ?? throw c.Error("how often each element is repeated is known only when the model runs"));
            if (times.Any(t => t < 0) || times.Sum() > 1 << 24) throw c.Error($"{times.Sum()} elements of an axis");
            return TorchCall.Box(c.Emit("Gather", [x, c.IntTensor([.. times.SelectMany((t, i) => Enumerable.Repeat((long)i, (int)t))])], ("axis", axis)));
        }
        object? repeats = c.Interpreter.ToScalar(c.Arg(1), ScalarKind.Int);
        Value wide = c.Emit("Tile", [c.Unsqueeze(x, axis + 1), c.SizeTensor([.. Enumerable.Range(0, rank + 1).Select(d => d == axis + 1 ? repeats : 1L)])]);
        return TorchCall.Box(c.Emit("Reshape", [wide, c.SizeTensor([.. Enumerable.Range(0, rank).Select(d => d == axis ? -1L : c.Size(x, d))])]));
    }

    [Torch("cat", "concat", OnParts = true)]
    private static object? Cat(TorchCall c)
    {
        if (c.Arg(0) is TorchList { Steps: not null } grown) return TorchCall.Box(Joined(c, Stacked(c, grown, 0), c.Int(1, 0)));
        Value[] parts = c.Tensors(0);
        // An empty tensor of one dimension joins with anything.
        Value[] used = [.. parts.Where(p => !(p.Shape is { IsRanked: true, Rank: 1 } && p.Shape[0] == 0))];
        if (used.Length == 0) return TorchCall.Box(parts[0]);
        DType type = used.Select(u => u.DType).Aggregate(Arithmetic.Wider);
        return TorchCall.Box(used.Length == 1 ? used[0] : c.Emit("Concat", [.. used.Select(u => c.Cast(u, type))], ("axis", c.Int(1, 0))));
    }

    [Torch("stack", OnParts = true)]
    private static object? Stack(TorchCall c)
    {
        long axis = c.Int(1, 0);
        if (c.Arg(0) is TorchList { Steps: not null } grown) return TorchCall.Box(Stacked(c, grown, axis));
        return TorchCall.Box(c.Emit("Concat", [.. c.Tensors(0).Select(p => c.Unsqueeze(p, axis))], ("axis", axis)));
    }

    /// <summary>A list that a loop appended to, stacked along a new axis.</summary>
    private static Value Stacked(TorchCall c, TorchList grown, long axis)
    {
        Value[] before = [.. grown.Known.Select((v, k) => c.Unsqueeze(c.AsTensor(v, $"element {k} of the list"), 0))];
        Value steps = c.Builder.Local(grown.Steps!), all = before.Length == 0 ? steps : c.Emit("Concat", [.. before, steps], ("axis", 0));
        int rank = c.Rank(all), to = c.Axis(axis, rank);
        List<long> order = [.. Enumerable.Range(1, rank - 1).Select(d => (long)d)];
        order.Insert(to, 0);
        return to == 0 ? all : c.Transpose(all, [.. order]);
    }

    /// <summary>[steps, ...]: the steps one after another along one of the other axes.</summary>
    private static Value Joined(TorchCall c, Value steps, long axis)
    {
        int rank = c.Rank(steps), at = c.Axis(axis, rank - 1);
        List<long> order = [.. Enumerable.Range(1, rank - 1).Select(d => (long)d)];
        order.Insert(at, 0);
        object?[] sizes = [.. Enumerable.Range(1, rank - 1).Select(d => d == at + 1 ? -1L : c.Size(steps, d))];
        return c.Emit("Reshape", [at == 0 ? steps : c.Transpose(steps, [.. order]), c.SizeTensor(sizes)]);
    }

    /// <summary>(input, chunks, dim): equal parts of ceil(size / chunks), a smaller last one.</summary>
    [Torch("chunk", "unsafe_chunk", OnParts = true)]
    private static object? Chunk(TorchCall c)
    {
        Value x = c.Tensor(0);
        long size = KnownSize(c, x, c.Int(2, 0)), each = (size + c.Int(1) - 1) / c.Int(1);
        return Pieces(c, x, c.Int(2, 0), [.. Cut(size, each)]);
    }

    /// <summary>(input, sections or indices, dim): sections that differ by at most one, the larger ones first; or the pieces between indices.</summary>
    [Torch("tensor_split", Limits = "indices in a tensor that is no constant", OnParts = true)]
    private static object? TensorSplit(TorchCall c)
    {
        object? axis = c.Arg(2) ?? 0L;
        IEnumerable<object?> cuts;
        if (c.Arg(1) is TorchBox { Value.Shape.Rank: > 0 }) cuts = Longs(c.Constant(1) ?? throw c.Error("its indices are known only when the model runs")).Select(i => (object?)i);
        else if (!TorchCall.IsNumber(c.Arg(1)) && c.Arg(1) is not TorchBox) cuts = c.Items(1);
        else
        {
            long size = KnownSize(c, c.Tensor(0), c.Int(2, 0)), n = c.Int(1);
            if (n is < 1 or > 65536) throw c.Error($"{n} parts");
            cuts = Enumerable.Range(1, (int)n - 1).Select(i => (object?)(size / n * i + Math.Min(i, size % n)));
        }
        object?[] bounds = [0L, .. cuts, null];
        return new TorchList(Enumerable.Range(0, bounds.Length - 1).Select(i => c.Interpreter.Apply("slice", [c.Arg(0), axis, bounds[i], bounds[i + 1]], [])));
    }

    /// <summary>(input, size or sizes, dim)</summary>
    [Torch("split", "split_with_sizes", "unsafe_split", "unsafe_split_with_sizes", OnParts = true)]
    private static object? Split(TorchCall c)
    {
        Value x = c.Tensor(0);
        if (c.Arg(1) is TorchList or TorchTuple && c.Items(1).Any(s => c.Interpreter.ToScalar(s, ScalarKind.Int) is not long))
            return new TorchList(c.EmitMany("Split", c.Items(1).Count, [x, c.SizeTensor(c.Items(1))], ("axis", c.Int(2, 0))).Select(v => (object?)c.View(v)));
        long[] sizes = c.Arg(1) is TorchList or TorchTuple ? c.Ints(1) : [.. Cut(KnownSize(c, x, c.Int(2, 0)), c.Int(1))];
        return Pieces(c, x, c.Int(2, 0), sizes);
    }

    private static long[] Longs(Tensor tensor) => [.. Enumerable.Range(0, checked((int)tensor.Count)).Select(i => tensor.GetInt64(i))];

    private static IEnumerable<long> Cut(long size, long each)
    {
        if (each <= 0 || size / each > 65536) throw new InvalidOperationException($"parts of {each} elements");
        for (long at = 0; at < size; at += each) yield return Math.Min(each, size - at);
    }

    private static TorchList Pieces(TorchCall c, Value x, long axis, long[] sizes) => sizes.Length == 1 ? new TorchList([c.Itself(x)])
        : new TorchList(c.EmitMany("Split", sizes.Length, [x, c.IntTensor(sizes)], ("axis", axis)).Select((v, i) => (object?)c.Sliced(v, axis, sizes[..i].Sum(), sizes[..(i + 1)].Sum())));

    private static long KnownSize(TorchCall c, Value x, long axis)
    {
        long size = x.Shape[c.Axis(axis, c.Rank(x))];
        return size >= 0 ? size : throw c.Error("the size of its input must be known; give the inputs a size with --shape");
    }

    [Torch("unbind", OnParts = true)]
    private static object? Unbind(TorchCall c)
    {
        Value x = c.Tensor(0);
        long axis = c.Int(1, 0), n = KnownSize(c, x, axis);
        if (n > 4096) throw c.Error($"{n} parts are too many");
        return new TorchList(Enumerable.Range(0, (int)n).Select(i => (object?)c.Selected(c.Emit("Gather", [x, c.Interpreter.ScalarValue((long)i, ScalarKind.Int)], ("axis", axis)), axis, (long)i)));
    }

    /// <summary>(input, dim, index)</summary>
    [Torch("select", OnParts = true)] private static object? Select(TorchCall c) => c.Selected(c.Emit("Gather", [c.Tensor(0), c.Interpreter.ScalarValue(c.Arg(2), ScalarKind.Int)], ("axis", c.Int(1))), c.Int(1), c.Interpreter.ToScalar(c.Arg(2), ScalarKind.Int));

    /// <summary>(input, dim = 0, start = None, end = None, step = 1); on lists as in Python.</summary>
    [Torch("slice", OnParts = true)]
    private static object? Slice(TorchCall c)
    {
        if (c.Arg(0) is TorchList list)
        {
            // (list, start, end, step), as Python's indices: a step backwards begins at the end.
            long n = list.Items.Count, by = c.Int(3, 1), low = by < 0 ? -1 : 0, high = by < 0 ? n - 1 : n;
            if (by == 0) throw c.Error("the step is 0");
            long Bound(int i, long otherwise) => c.Arg(i) is null ? otherwise : Math.Clamp(c.Int(i) < 0 ? c.Int(i) + n : c.Int(i), low, high);
            long from = Bound(1, by < 0 ? high : low), to = Bound(2, by < 0 ? low : high);
            var picked = new TorchList([]);
            for (long i = from; by > 0 ? i < to : i > to; i += by) picked.Items.Add(list.Items[(int)i]);
            return picked;
        }
        Value x = c.Tensor(0);
        object? start = c.Arg(2) ?? 0L, end = c.Arg(3) ?? long.MaxValue;
        object? step = c.Arg(4) ?? 1L;
        if (start is 0L && end is long.MaxValue && step is 1L) return c.Itself(x);
        Value y = c.Emit("Slice", [x, c.SizeTensor([start]), c.SizeTensor([end]), c.IntTensor(c.Int(1, 0)), c.SizeTensor([step])]);
        return step is 1L ? c.Sliced(y, c.Int(1, 0), start, end) : Strided(c, x, y, c.Int(1, 0), start, end, step);
    }

    /// <summary>A view of every so many elements. What is put in it goes to their places, for which sizes must be known.</summary>
    private static TorchBox Strided(TorchCall c, Value x, Value y, long dim, object? start, object? end, object? step)
    {
        int rank = c.Rank(x), axis = c.Axis(dim, rank);
        Func<Value, Value, Value>? putBack = null;
        if (x.Shape[axis] is >= 0 and var n && start is long from && step is long by && by > 0 && y.Shape[axis] is >= 0 and var count)
        {
            long first = Math.Clamp(from < 0 ? from + n : from, 0, n);
            long[] order = [.. Enumerable.Range(0, rank).Select(d => (long)d)];
            (order[0], order[axis]) = (order[axis], order[0]);
            putBack = (whole, view) =>
            {
                Value places = c.Reshape(c.IntTensor([.. Enumerable.Range(0, (int)count).Select(i => first + i * by)]), -1, 1);
                return axis == 0 ? c.Emit("ScatterND", [whole, places, view]) : c.Transpose(c.Emit("ScatterND", [c.Transpose(whole, order), places, c.Transpose(view, order)]), order);
            };
        }
        return c.View(y, whole => c.Emit("Slice", [whole, c.SizeTensor([start]), c.SizeTensor([end]), c.IntTensor(dim), c.SizeTensor([step])]), putBack);
    }

    /// <summary>(input, dim, start, length)</summary>
    [Torch("narrow", OnParts = true)]
    private static object? Narrow(TorchCall c)
    {
        object? end = c.Interpreter.Apply("add", [c.Interpreter.ToScalar(c.Arg(2), ScalarKind.Int), c.Arg(3)], []);
        return c.Sliced(c.Emit("Slice", [c.Tensor(0), c.SizeTensor([c.Arg(2)]), c.SizeTensor([end]), c.IntTensor(c.Int(1))]), c.Int(1), c.Interpreter.ToScalar(c.Arg(2), ScalarKind.Int), end);
    }

    /// <summary>(input, shifts, dims)</summary>
    [Torch("roll", OnParts = true)]
    private static object? Roll(TorchCall c)
    {
        Value x = c.Tensor(0);
        long[] shifts = c.Ints(1), axes = c.Ints(2);
        if (axes.Length == 0 && shifts.Length == 1)
            return c.Interpreter.Apply("view_as", [c.Interpreter.Apply("roll", [TorchCall.Box(c.Reshape(x, -1)), c.Arg(1), 0L], []), c.Arg(0)], []);
        for (int i = 0; i < axes.Length; i++)
        {
            object size = c.Size(x, c.Axis(axes[i], c.Rank(x)));
            if (shifts[i] == 0 || size is 0L) continue;
            // The elements from here on come to the front.
            Value at = c.SizeTensor([c.Interpreter.Apply("remainder", [-shifts[i], size], [])]);
            Value head = c.Emit("Slice", [x, c.IntTensor(0), at, c.IntTensor(axes[i])]), tail = c.Emit("Slice", [x, at, c.IntTensor(long.MaxValue), c.IntTensor(axes[i])]);
            x = c.Emit("Concat", [tail, head], ("axis", axes[i]));
        }
        return TorchCall.Box(x);
    }

    [Torch("flip", OnParts = true)]
    private static object? Flip(TorchCall c)
    {
        long[] axes = c.Ints(1);
        long[] Same(long v) => [.. Enumerable.Repeat(v, axes.Length)];
        return TorchCall.Box(c.Emit("Slice", [c.Tensor(0), c.IntTensor(Same(-1)), c.IntTensor(Same(long.MinValue)), c.IntTensor(axes), c.IntTensor(Same(-1))]));
    }

    [Torch("triu", OnParts = true)] private static object? Triu(TorchCall c) => TorchCall.Box(c.Emit("Trilu", [c.Tensor(0), c.Interpreter.ScalarValue(c.Int(1, 0), ScalarKind.Int)], ("upper", 1)));
    [Torch("tril", OnParts = true)] private static object? Tril(TorchCall c) => TorchCall.Box(c.Emit("Trilu", [c.Tensor(0), c.Interpreter.ScalarValue(c.Int(1, 0), ScalarKind.Int)], ("upper", 0)));

    /// <summary>(input, classes = the largest + 1)</summary>
    [Torch("one_hot")]
    private static object? OneHot(TorchCall c) => TorchCall.Box(c.Emit("OneHot", [c.Tensor(0),
        c.Arg(1) is null or -1L ? c.Emit("Add", [c.Emit("ReduceMax", [c.Tensor(0)], ("keepdims", 0)), c.Scalar(c.Tensor(0).DType, 1)]) : c.Interpreter.ScalarValue(c.Arg(1), ScalarKind.Int), c.Builder.Constant("off_on", Tensor.FromArray<long>([0, 1], new Shape(2)))]));

    [Torch("zeros", "empty")] private static object? Zeros(TorchCall c) => Filled(c, c.SizeTensor(c.Items(0)), 0L, c.Option("dtype") ?? (c.Arg(1) is long t ? t : null), DType.Float32);
    [Torch("ones")] private static object? Ones(TorchCall c) => Filled(c, c.SizeTensor(c.Items(0)), 1L, c.Option("dtype") ?? (c.Arg(1) is long t ? t : null), DType.Float32);
    [Torch("full")] private static object? Full(TorchCall c) => Filled(c, c.SizeTensor(c.Items(0)), c.Arg(1), c.Option("dtype"), TorchInterpreter.TypeOf(TorchInterpreter.KindOf(c.Arg(1))));
    [Torch("zeros_like", "empty_like", OnParts = true)] private static object? ZerosLike(TorchCall c) => Filled(c, c.ShapeOf(c.Tensor(0)), 0L, c.Option("dtype"), c.Tensor(0).DType);
    [Torch("ones_like")] private static object? OnesLike(TorchCall c) => Filled(c, c.ShapeOf(c.Tensor(0)), 1L, c.Option("dtype"), c.Tensor(0).DType);
    [Torch("full_like")] private static object? FullLike(TorchCall c) => Filled(c, c.ShapeOf(c.Tensor(0)), c.Arg(1), c.Option("dtype"), c.Tensor(0).DType);
    [Torch("new_zeros", "new_empty")] private static object? NewZeros(TorchCall c) => Filled(c, c.SizeTensor(c.Items(1)), 0L, c.Option("dtype"), c.Tensor(0).DType);
    [Torch("new_ones")] private static object? NewOnes(TorchCall c) => Filled(c, c.SizeTensor(c.Items(1)), 1L, c.Option("dtype"), c.Tensor(0).DType);
    [Torch("new_full")] private static object? NewFull(TorchCall c) => Filled(c, c.SizeTensor(c.Items(1)), c.Arg(2), c.Option("dtype"), c.Tensor(0).DType);
    [Torch("zero_")] private static object? Zero(TorchCall c) => Fill(c, 0L);
    [Torch("fill_")] private static object? FillWith(TorchCall c) => Fill(c, c.Arg(1));

    private static TorchBox Fill(TorchCall c, object? value)
    {
        Value x = c.Tensor(0);
        c.Interpreter.Overwrite((TorchBox)c.Arg(0)!, Filled(c, c.ShapeOf(x), value, null, x.DType).Value);
        return (TorchBox)c.Arg(0)!;
    }

    private static TorchBox Filled(TorchCall c, Value shape, object? value, object? dtype, DType otherwise)
    {
        DType type = dtype is long n ? TorchArchive.ScalarType(n) : otherwise;
        Value scalar = value is TorchBox b ? c.Cast(b.Value, type) : c.Interpreter.ScalarLike(value, type);
        if (scalar.Constant is { } constant)
            return TorchCall.Box(c.Emit("ConstantOfShape", [shape], ("value", constant.Reshaped(new Shape(1)).Clone())));
        return TorchCall.Box(c.Emit("Expand", [scalar, shape]));
    }

    /// <summary>arange(end), arange(start, end), arange(start, end, step)</summary>
    [Torch("arange")]
    private static object? Arange(TorchCall c)
    {
        object?[] given = [.. c.Arguments.TakeWhile(a => TorchCall.IsNumber(a) || a is TorchBox { Value.Shape: { IsRanked: true, Rank: 0 } }).Take(3).Select(a => c.Interpreter.Apply("item", [a], []))];
        object? start = given.Length > 1 ? given[0] : 0L, end = given.Length > 1 ? given[1] : given[0], step = given.Length > 2 ? given[2] : 1L;
        ScalarKind kind = given.Any(g => TorchInterpreter.KindOf(g) == ScalarKind.Float) ? ScalarKind.Float : ScalarKind.Int;
        Value y = c.Emit("Range", [c.Interpreter.ScalarValue(start, kind), c.Interpreter.ScalarValue(end, kind), c.Interpreter.ScalarValue(step, kind)]);
        return TorchCall.Box(c.Option("dtype") is long n ? c.Cast(y, TorchArchive.ScalarType(n)) : y);
    }

    /// <summary>(start, end, steps): computed from the nearer end, as PyTorch does.</summary>
    [Torch("linspace", Limits = "numbers that are known only when the model runs")]
    private static object? Linspace(TorchCall c)
    {
        float start = (float)c.Number(0, 0), end = (float)c.Number(1, 0);
        long n = c.Int(2, 100);
        if (n is < 0 or > 1 << 24) throw c.Error($"{n} steps");
        float step = n > 1 ? (end - start) / (n - 1) : 0;
        Value y = c.Floats([.. Enumerable.Range(0, (int)n).Select(i => i < n / 2 || n == 1 ? start + step * i : end - step * (n - i - 1))]);
        return TorchCall.Box(c.Option("dtype") is long type ? c.Cast(y, TorchArchive.ScalarType(type)) : y);
    }

    /// <summary>to(x, dtype, ...), to(x, device, dtype, ...), to(x, other): only the element type matters here.</summary>
    [Torch("to", "_to_copy")]
    private static object? To(TorchCall c)
    {
        Value x = c.Tensor(0);
        if (c.Arg(1) is TorchBox) return CastView(c, x, c.Tensor(1).DType);
        object? dtype = c.Option("dtype") ?? c.Arguments.Skip(1).FirstOrDefault(a => a is long);
        if (dtype is 9L or 10L) return c.Interpreter.Apply("complex", [TorchCall.Box(x), c.Interpreter.Apply("zeros_like", [TorchCall.Box(x)], [])], []);
        return CastView(c, x, dtype is long n ? TorchArchive.ScalarType(n) : x.DType);
    }

    [Torch("type_as")] private static object? TypeAs(TorchCall c) => CastView(c, c.Tensor(0), c.Tensor(1).DType);

    /// <summary>A copy when the element type changes, otherwise the tensor itself.</summary>
    private static TorchBox CastView(TorchCall c, Value x, DType type) => x.DType == type ? c.Itself(x) : TorchCall.Box(c.Cast(x, type));

    /// <summary>The name by which the program says that the elements of as_strided's tensor lie in memory in their order.</summary>
    public const string IsDense = "is_dense";

    private const long MostStrided = 1 << 24;

    /// <summary>(self, size, stride, storage_offset = 0): element i of the result is element offset + sum i[d] stride[d] of what holds self.</summary>
    [Torch("as_strided", Limits = "TorchScript, and tensors that do not lie in memory in their order")]
    private static object? AsStrided(TorchCall c)
    {
        if (c.Option(IsDense) is not true) throw c.Error("how its tensor lies in memory is not known, or not in the order of its elements; export the model (torch.export), with .contiguous() before it");
        Value x = c.Tensor(0);
        long[] sizes = c.Ints(1), strides = c.Ints(2);
        long offset = c.IsNone(3) ? 0 : c.Int(3);
        var shape = new Core.Shape(sizes);
        if (strides.Length != sizes.Length || !x.Shape.IsKnown || shape.Count > MostStrided) throw c.Error($"{strides.Length} strides for the sizes {shape} of a tensor {x.Shape}");
        long[] places = new long[shape.Count];
        for (long i = 0; i < places.Length; i++)
        {
            long rest = i, place = offset;
            for (int d = sizes.Length - 1; d >= 0; rest /= sizes[d--]) place += rest % sizes[d] * strides[d];
            places[i] = place >= 0 && place < x.Shape.Count ? place : throw c.Error($"element {place} is outside of a tensor of {x.Shape.Count}");
        }
        return TorchCall.Box(c.Emit("Gather", [c.Reshape(x, -1), c.Builder.Constant("places", Core.Tensor.FromArray<long>(places, shape))]));
    }

    /// <summary>Results that are the tensor itself, as far as values go.</summary>
    [Torch("contiguous", "detach", "cpu", "cuda", "prim.data", "alias", "dropout", "feature_dropout", "alpha_dropout", "requires_grad_", "lift_fresh", Limits = "dropout of a module in training mode", OnParts = true)]
    private static object? Same(TorchCall c)
    {
        if (c.PlainName.Contains("dropout", StringComparison.Ordinal) && c.Bool(2, false) && c.Number(1, 0) > 0) throw c.Error("the module is in training mode; call eval() before it is traced or scripted");
        return c.Itself(c.Tensor(0));
    }

    [Torch("clone", "lift_fresh_copy", OnParts = true)] private static object? Clone(TorchCall c) => TorchCall.Box(c.Tensor(0));

    /// <summary>(target, source): the source as large as the target and of its type; of one argument alone, that itself; of a list or a dict another one.</summary>
    [Torch("copy", OnParts = true)]
    private static object? Copy(TorchCall c)
    {
        if (c.Arg(0) is TorchList list) return new TorchList(list.Items);
        if (c.Arg(0) is TorchDict) return c.Interpreter.Apply("dict", c.Arguments, []);
        if (c.Count == 1) return Clone(c);
        Value target = c.Tensor(0), source = c.Cast(c.Tensor(1), target.DType);
        return TorchCall.Box(target.Shape == source.Shape ? source : c.Emit("Expand", [source, c.Emit("Shape", [target])]));
    }
}
