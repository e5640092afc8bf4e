using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.TensorFlow.Operators;

/// <summary>XLA's operators that look places up, write to them and sort (XLA's operation semantics: Gather, Scatter, DynamicSlice, Sort).</summary>
internal static class XlaIndexing
{
    /// <summary>Where each window begins, [batch.., one number for each indexed dimension].</summary>
    private static Value Starts(TfNode n, Value indices, long vectorAxis)
    {
        int rank = n.RankOf(indices);
        if (vectorAxis == rank) return n.Unsqueeze(indices, -1);
        int axis = n.Axis(vectorAxis, rank);
        return n.Transpose(indices, [.. Enumerable.Range(0, rank).Where(d => d != axis).Append(axis).Select(d => (long)d)]);
    }

    /// <summary>All places of a window in order, as one vector of numbers for each: [sizes.., depth].</summary>
    private static Tensor Grid(long[] sizes, Func<long[], long[]> place, int depth)
    {
        long count = sizes.Aggregate(1L, (p, s) => checked(p * s));
        var values = new long[checked(count * depth)];
        var at = new long[sizes.Length];
        for (long i = 0; i < count; i++)
        {
            place(at).CopyTo(values, i * depth);
            for (int d = sizes.Length - 1; d >= 0 && ++at[d] == sizes[d]; d--) at[d] = 0;
        }
        return Tensor.FromArray<long>(values, new Shape([.. sizes, depth]));
    }

    private static void RefuseBatches(TfNode n, Dictionary<int, List<long>> numbers)
    {
        if (numbers.Of(5).Length > 0 || numbers.Of(6).Length > 0) throw n.Error("dimensions that are batches of operand and indices are not supported");
    }

    /// <summary>Fields 1: which dimensions of the result are of the window; 2: dimensions of it that are left out; 3: which dimensions the numbers
    /// of a start are of; 4: which dimension of the indices holds these. A start is moved so that its window lies inside.</summary>
    [TensorFlow("XlaGather", Limits = "dimensions that are batches of operand and indices")]
    private static void Gather(TfNode n)
    {
        Dictionary<int, List<long>> numbers = XlaNumbers.Dimensions(n);
        RefuseBatches(n, numbers);
        Value x = n.In(0), starts = Starts(n, n.Int64(1), numbers.One(4));
        long[] sizes = n.RequiredInts(2, "slice_sizes"), offsets = numbers.Of(1), collapsed = numbers.Of(2), map = numbers.Of(3);
        int rank = n.RankOf(x), batch = n.RankOf(starts) - 1;
        if (sizes.Length != rank || map.Length == 0) throw n.InputError($"{sizes.Length} sizes and {map.Length} indices for {rank} dimensions are not supported");
        for (int d = 0; d < rank; d++)
            if (!map.Contains(d) && sizes[d] != x.Shape[d]) x = n.Slice(x, d, 0, sizes[d]);
        // What is looked up comes first, in the order of the starts; the rest is taken as a whole.
        long[] rest = [.. Enumerable.Range(0, rank).Select(d => (long)d).Where(d => !map.Contains(d))], order = [.. map, .. rest], window = [.. map.Select(d => sizes[d])];
        Value last = n.Sub(n.Emit("Gather", [n.ShapeOf(x), n.Vector(map)], ("axis", 0)), n.Vector(window));
        starts = n.Emit("Min", [n.Emit("Max", [starts, n.Scalar(DType.Int64, 0)]), last]);
        Value places = n.Unsqueeze(starts, [.. Enumerable.Range(batch, map.Length).Select(d => (long)d)]);
        if (window.Any(s => s != 1)) places = n.Add(places, n.Const(Grid(window, at => at, map.Length)));
        Value y = n.Emit("GatherND", [n.Transpose(x, order), places]); // [batch.., window.., rest..]
        int[] left = [.. Enumerable.Range(0, map.Length).Where(i => collapsed.Contains(map[i]))];
        if (left.Length > 0) y = n.Squeeze(y, [.. left.Select(i => (long)(batch + i))]);
        long[] kept = [.. order.Where(d => !collapsed.Contains(d))], ascending = [.. kept.Order()];
        int results = batch + kept.Length, seen = 0;
        if (kept.Length != offsets.Length || collapsed.Any(d => sizes[d] != 1 || !map.Contains(d))) throw n.InputError($"{offsets.Length} dimensions of the window for {kept.Length} are not supported");
        long[] back = [.. Enumerable.Range(0, results).Select(p => Array.IndexOf(offsets, (long)p) is var q and >= 0 ? batch + Array.IndexOf(kept, ascending[q]) : (long)seen++)];
        n.Set(n.Transpose(y, back));
    }

    /// <summary>Fields 1: which dimensions of the updates are of the window; 2: dimensions that windows do not have; 3: which dimensions the
    /// numbers of an index are of; 4: which dimension of the indices holds these. Windows that do not lie inside are left out.</summary>
    [TensorFlow("XlaScatter", Limits = "dimensions that are batches of operand and indices; functions other than sum, product, maximum, minimum and replacement")]
    private static void Scatter(TfNode n)
    {
        Dictionary<int, List<long>> numbers = XlaNumbers.Dimensions(n);
        RefuseBatches(n, numbers);
        Value x = n.In(0), updates = n.In(2), starts = Starts(n, n.Int64(1), numbers.One(4));
        string reduction = XlaNumbers.Reduction(n, "update_computation", x.DType);
        long[] dims = XlaNumbers.Sizes(n, x), windowAxes = numbers.Of(1), inserted = numbers.Of(2), map = numbers.Of(3);
        int rank = n.RankOf(updates), batch = rank - windowAxes.Length;
        updates = n.Transpose(updates, [.. Enumerable.Range(0, rank).Select(d => (long)d).Where(d => !windowAxes.Contains(d)), .. windowAxes]);
        long[] window = [.. updates.Shape.AsSpan()[batch..]];
        if (window.Any(s => s < 0)) throw n.InputError($"the size of the windows of {updates.Shape} must be known");
        int[] kept = [.. Enumerable.Range(0, dims.Length).Where(d => !inserted.Contains(d))];
        if (kept.Length != window.Length) throw n.Damaged($"windows of {window.Length} dimensions for {kept.Length}");
        long[] last = [.. map.Select(d => dims[n.Axis(d, dims.Length)] - (Array.IndexOf(kept, (int)d) is var k and >= 0 ? window[k] : 1))];
        Value isInside = n.Emit("And", [n.Emit("GreaterOrEqual", [starts, n.Scalar(DType.Int64, 0)]), n.Emit("LessOrEqual", [starts, n.Vector(last)])]);
        isInside = n.Cast(n.Reduce("ReduceMin", n.Cast(isInside, DType.Int32), false, -1), DType.Bool);
        n.Set(Written(n, x, dims, starts, map, window, kept, updates, reduction, isInside));
    }

    /// <summary>Writes windows into a tensor laid out as a vector, with one more place at its end for those that are left out.</summary>
    private static Value Written(TfNode n, Value x, long[] dims, Value starts, long[] map, long[] window, int[] kept, Value updates, string reduction, Value? isInside)
    {
        var strides = new long[dims.Length];
        for (int d = dims.Length - 1, s = 1; d >= 0; d--) { strides[d] = s; s = checked((int)(s * dims[d])); }
        long count = dims.Aggregate(1L, (p, d) => p * d);
        Value first = n.Reduce("ReduceSum", n.Mul(starts, n.Vector([.. map.Select(d => strides[d])])), false, -1); // [batch..]
        if (isInside != null) first = n.Where(isInside, first, n.Scalar(DType.Int64, count));
        int batch = n.RankOf(first);
        Tensor grid = Grid(window, at => [at.Select((p, i) => p * strides[kept[i]]).Sum()], 1);
        Value places = n.Unsqueeze(first, [.. Enumerable.Range(batch, window.Length + 1).Select(d => (long)d)]);
        places = n.Add(places, n.Const(grid));
        if (isInside != null) places = n.Emit("Min", [places, n.Scalar(DType.Int64, count)]);
        Value flat = n.Concat(0, n.Reshape(x, -1), n.Const(new Tensor(x.DType, new Shape(1))));
        Value y = n.Emit("ScatterND", [flat, n.Reshape(places, -1, 1), n.Reshape(updates, -1)], ("reduction", reduction));
        return n.Reshape(n.Slice(y, 0, 0, count), dims);
    }

    /// <summary>A start is moved so that the slice lies inside.</summary>
    private static Value Inside(TfNode n, Value starts, Value x, long[] sizes) =>
        n.Emit("Min", [n.Emit("Max", [starts, n.Scalar(DType.Int64, 0)]), n.Sub(n.ShapeOf(x), n.Vector(sizes))]);

    [TensorFlow("XlaDynamicSlice")]
    private static void DynamicSlice(TfNode n)
    {
        Value x = n.In(0);
        long[] sizes = n.RequiredInts(2, "size_indices");
        Value starts = Inside(n, n.Int64(1), x, sizes);
        for (int d = 0; d < sizes.Length; d++)
            if (sizes[d] != x.Shape[d])
                x = n.Emit("Gather", [x, n.Add(n.Slice(starts, 0, d, d + 1), n.Vector([.. Enumerable.Range(0, checked((int)sizes[d])).Select(i => (long)i)]))], ("axis", d));
        n.Set(x);
    }

    [TensorFlow("XlaDynamicUpdateSlice")]
    private static void DynamicUpdateSlice(TfNode n)
    {
        Value x = n.In(0), update = n.In(1);
        long[] dims = XlaNumbers.Sizes(n, x), sizes = XlaNumbers.Sizes(n, update), all = [.. Enumerable.Range(0, dims.Length).Select(d => (long)d)];
        n.Set(Written(n, x, dims, Inside(n, n.Int64(2), x, sizes), all, sizes, [.. all.Select(d => (int)d)], update, "none", null));
    }

    [TensorFlow("XlaSort", "XlaKeyValueSort")]
    private static void Sort(TfNode n) => Sorted(n, -1, isDescending: false, n.InputCount);

    /// <summary>The order is found by the values of the comparator: upwards or downwards by the first tensor.</summary>
    [TensorFlow("XlaVariadicSort", Limits = "orders other than up and down by the first tensor")]
    private static void VariadicSort(TfNode n)
    {
        int tensors = n.InputCount - 1;
        double[] places = [-3, 0, 2, 2, 7];
        bool isUp = true, isDown = true;
        for (int a = 0; a < places.Length; a++)
            for (int b = 0; b < places.Length; b++)
            {
                // Of the other tensors any numbers, which must not matter.
                (DType, double)[] arguments = [.. Enumerable.Range(0, tensors).SelectMany(t => new[] { (n.In(t).DType, t == 0 ? places[a] : 1 + a * 3 % 5), (n.In(t).DType, t == 0 ? places[b] : 1 + b * 3 % 5) })];
                bool isLess = XlaNumbers.At(n, "comparator", arguments) != 0;
                isUp &= isLess == places[a] < places[b];
                isDown &= isLess == places[a] > places[b];
            }
        if (!isUp && !isDown) throw n.Error("its comparator orders neither up nor down by the first tensor");
        Sorted(n, n.RequiredInts(tensors, "dimension")[0], isDown, tensors);
    }

    private static void Sorted(TfNode n, long axis, bool isDescending, int tensors)
    {
        Value keys = n.In(0);
        axis = n.Axis(axis, n.RankOf(keys));
        Value[] sorted = n.EmitMany("TopK", 2, [keys, n.Slice(n.ShapeOf(keys), 0, axis, axis + 1)], ("axis", axis), ("largest", isDescending ? 1 : 0));
        n.Set(0, sorted[0]);
        for (int t = 1; t < tensors; t++) n.Set(t, n.Emit("GatherElements", [n.In(t), sorted[1]], ("axis", axis)));
    }
}
