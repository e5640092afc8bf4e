using EdgeLite.Converter.Ir;
using EdgeLite.Core;
using EdgeLite.Format;
using Option = EdgeLite.Converter.Importers.Tflite.TfliteOption.StableHlo;

namespace EdgeLite.Converter.Importers.Tflite.Operators;

/// <summary>StableHLO's operators that move elements (https://openxla.org/stablehlo/spec). Shapes are known.</summary>
internal static class StableHloMovement
{
    /// <summary>Elements of an index grid at most: what an operator is written out with.</summary>
    private const long LargestGrid = 1 << 24;

    [Tflite(TfliteOp.STABLEHLO_CONCATENATE)]
    private static void Concatenate(TfliteNode n) =>
        n.SetReal(0, n.Emit("Concat", [.. Enumerable.Range(0, n.InputCount).Select(n.Real)], ("axis", n.Options2.Int64(Option.Concatenate.Dimension))));

    [Tflite(TfliteOp.STABLEHLO_TRANSPOSE)]
    private static void Transpose(TfliteNode n) => n.Move(x => n.Transpose(x, n.Options2.Scalars<long>(Option.Transpose.Permutation).ToArray()));

    [Tflite(TfliteOp.STABLEHLO_SLICE)]
    private static void Slice(TfliteNode n)
    {
        FlatTable o = n.Options2;
        long[] from = o.Scalars<long>(Option.Slice.Start).ToArray(), to = o.Scalars<long>(Option.Slice.Limit).ToArray(), steps = o.Scalars<long>(Option.Slice.Strides).ToArray();
        n.Move(x => n.Emit("Slice", [x, n.Ints(from), n.Ints(to), n.Ints([.. Enumerable.Range(0, from.Length).Select(d => (long)d)]), n.Ints(steps)]));
    }

    /// <summary>Dimension i of the operand becomes dimension broadcast_dimensions[i] of the result.</summary>
    [Tflite(TfliteOp.STABLEHLO_BROADCAST_IN_DIM, Limits = "free sizes")]
    private static void BroadcastInDim(TfliteNode n)
    {
        long[] to = n.Options2.Scalars<long>(Option.BroadcastInDim.Dimensions).ToArray(), dims = Sizes(n, n.Input(0)), whole = Sizes(n, n.Output(0));
        if (to.Length != dims.Length) throw n.Damaged($"{to.Length} dimensions are named, the operand has {dims.Length}");
        int[] order = [.. Enumerable.Range(0, to.Length).OrderBy(i => to[i])];
        long[] spread = [.. whole.Select(_ => 1L)];
        for (int i = 0; i < to.Length; i++) spread[to[i]] = dims[i];
        n.Move(x => n.Emit("Expand", [n.Reshape(order.Length < 2 ? x : n.Transpose(x, [.. order.Select(i => (long)i)]), spread), n.Ints(whole)]));
    }

    [Tflite(TfliteOp.STABLEHLO_IOTA, Limits = "free sizes")]
    private static void Iota(TfliteNode n)
    {
        long[] whole = Sizes(n, n.Output(0));
        int axis = n.Axis(n.Options2.Int64(Option.Iota.Dimension), whole.Length);
        Value numbers = n.Emit("Unsqueeze", [Numbers(n, whole[axis]), n.Ints([.. Enumerable.Range(0, whole.Length).Where(d => d != axis).Select(d => (long)d)])]);
        n.SetReal(0, n.Emit("Expand", [n.Cast(numbers, n.Output(0).IsQuantizedActivation ? DType.Float32 : n.Output(0).DType), n.Ints(whole)]));
    }

    /// <summary>Between elements, before and behind them; negative edges take elements away.</summary>
    [Tflite(TfliteOp.STABLEHLO_PAD, Limits = "free sizes")]
    private static void Pad(TfliteNode n)
    {
        FlatTable o = n.Options2;
        ReadOnlySpan<long> low = o.Scalars<long>(Option.Pad.Low), high = o.Scalars<long>(Option.Pad.High);
        long[] steps = [.. o.Scalars<long>(Option.Pad.Interior).ToArray().Select(v => v + 1)], dims = Sizes(n, n.Input(0));
        if (low.Length != dims.Length || high.Length != dims.Length || steps.Length != dims.Length) throw n.Damaged("the pads do not fit the operand");
        Value filler = n.Reshape(n.Real(1), []);
        n.SetReal(0, n.Emit("Pad", [Shapes.Dilated(n, n.Real(0), dims, steps, filler), n.Ints([.. low, .. high]), filler]));
    }

    /// <summary>Parts of given sizes at places that are kept inside: gathered dimension by dimension, so that shapes stay known.</summary>
    [Tflite(TfliteOp.STABLEHLO_DYNAMIC_SLICE, Limits = "free sizes")]
    private static void DynamicSlice(TfliteNode n)
    {
        long[] sizes = n.Options2.Scalars<long>(Option.DynamicSlice.Sizes).ToArray(), dims = Sizes(n, n.Input(0));
        if (sizes.Length != dims.Length) throw n.Damaged($"{sizes.Length} sizes for {dims.Length} dimensions");
        n.Move(x =>
        {
            for (int d = 0; d < sizes.Length; d++)
            {
                if (sizes[d] == dims[d]) continue;
                Value start = n.Emit("Clip", [n.Reshape(n.Int64(1 + d), 1), n.Int(0), n.Int(dims[d] - sizes[d])]);
                x = n.Emit("Gather", [x, n.Emit("Add", [start, Numbers(n, sizes[d])])], ("axis", (long)d));
            }
            return x;
        });
    }

    [Tflite(TfliteOp.STABLEHLO_DYNAMIC_UPDATE_SLICE, Limits = "free sizes")]
    private static void DynamicUpdateSlice(TfliteNode n)
    {
        Value[] starts = [.. Enumerable.Range(2, n.InputCount - 2).Select(i => n.Reshape(n.Int64(i), 1))];
        Slicing.Update(n, starts.Length == 0 ? n.Ints() : n.Emit("Concat", starts, ("axis", 0)));
    }

    /// <summary>
    /// Slices of one size at places that an index tensor names: start vectors lie along index_vector_dim and belong to the dimensions
    /// start_index_map. All but the offset dimensions of the result are those of the index tensor; collapsed dimensions have size 1 and go.
    /// Slices are kept inside.
    /// </summary>
    [Tflite(TfliteOp.STABLEHLO_GATHER, Limits = "free sizes")]
    private static void Gather(TfliteNode n)
    {
        FlatTable o = n.Options2;
        long[] offset = o.Scalars<long>(Option.Gather.OffsetDims).ToArray(), collapsed = o.Scalars<long>(Option.Gather.CollapsedSliceDims).ToArray(), map = o.Scalars<long>(Option.Gather.StartIndexMap).ToArray(), sizes = o.Scalars<long>(Option.Gather.SliceSizes).ToArray();
        long[] dims = Sizes(n, n.Input(0));
        if (sizes.Length != dims.Length || map.Concat(collapsed).Any(d => d < 0 || d >= dims.Length)) throw n.Damaged("slice sizes and dimensions do not fit the operand");
        (Value starts, long[] batch) = Vectors(n, 1, o.Int64(Option.Gather.IndexVectorDim), map.Length);
        starts = n.Emit("Max", [n.Emit("Min", [starts, n.Ints([.. map.Select(d => dims[d] - sizes[d])])]), n.Int(0)]);
        int[] kept = [.. Enumerable.Range(0, dims.Length).Where(d => !collapsed.Contains(d))];
        Value at = Places(n, starts, batch, map, dims.Length, [.. kept.Select(d => sizes[d])], kept);
        int rank = batch.Length + kept.Length;
        n.Move(x => Arranged(n, n.Emit("GatherND", [x, at]), Order(n, rank, offset, batch.Length)));
    }

    /// <summary>
    /// Updates at places that an index tensor names, as gather's; window dimensions of the updates are those of the operand that are not
    /// inserted. Places outside are left out: all is flat, and they go to an element behind the end.
    /// </summary>
    [Tflite(TfliteOp.STABLEHLO_SCATTER, Limits = "several operands, free sizes, computations other than the update, sum, product, least and largest")]
    private static void Scatter(TfliteNode n)
    {
        FlatTable o = n.Options2;
        if (n.InputCount != 3) throw n.Error($"{n.InputCount} inputs; only one operand is supported");
        long[] window = o.Scalars<long>(Option.Scatter.UpdateWindowDims).ToArray(), inserted = o.Scalars<long>(Option.Scatter.InsertedWindowDims).ToArray(), map = o.Scalars<long>(Option.Scatter.ScatterDims).ToArray();
        long[] dims = Sizes(n, n.Input(0)), updates = Sizes(n, n.Input(2));
        if (map.Concat(inserted).Any(d => d < 0 || d >= dims.Length) || window.Any(d => d < 0 || d >= updates.Length)) throw n.Damaged("its dimensions do not fit the operands");
        string reduction = StableHloBodies.Function(n, o.Int32(Option.Scatter.Computation)) switch { null => "none", "Add" => "add", "Mul" => "mul", "Max" => "max", "Min" => "min", var other => throw n.Error($"scattering with {other} is not supported") };
        (Value starts, long[] batch) = Vectors(n, 1, o.Int64(Option.Scatter.IndexVectorDim), map.Length);
        int[] kept = [.. Enumerable.Range(0, dims.Length).Where(d => !inserted.Contains(d))];
        if (kept.Length != window.Length || batch.Length + window.Length != updates.Length) throw n.Damaged("the updates do not have the dimensions of indices and windows");
        Value at = Places(n, starts, batch, map, dims.Length, [.. window.Select(d => updates[d])], kept);
        long count = dims.Aggregate(1L, (a, b) => a * b);
        long[] strides = [.. dims.Select((_, d) => dims[(d + 1)..].Aggregate(1L, (a, b) => a * b))];
        Value inside = n.Emit("And", [n.Emit("GreaterOrEqual", [at, n.Int(0)]), n.Emit("Less", [at, n.Ints(dims)])]);
        Value isInside = n.Emit("ReduceMin", [n.Cast(inside, DType.Int32), n.Ints(-1)], ("keepdims", 0));
        Value flat = n.Emit("ReduceSum", [n.Emit("Mul", [at, n.Ints(strides)]), n.Ints(-1)], ("keepdims", 0));
        flat = n.Reshape(n.Emit("Where", [n.Cast(isInside, DType.Bool), flat, n.Int(count)]), -1);
        // The updates with their scatter dimensions first, as the places are.
        int[] back = Order(n, updates.Length, window, batch.Length);
        Value ordered = Arranged(n, n.Real(2), [.. Enumerable.Range(0, back.Length).Select(i => Array.IndexOf(back, i))]);
        Value operand = n.Reshape(n.Real(0), -1), spare = n.Emit("Expand", [n.Scalar(n.Input(0).IsQuantizedActivation ? DType.Float32 : n.Input(0).DType, 0), n.Ints(1)]);
        Value written = n.Emit("ScatterElements", [n.Emit("Concat", [operand, spare], ("axis", 0)), flat, n.Reshape(ordered, -1)], ("axis", 0), ("reduction", reduction));
        n.SetReal(0, n.Reshape(n.Emit("Slice", [written, n.Ints(0), n.Ints(count)]), dims));
    }

    /// <summary>Index vectors [batch.., length] of an input, and the sizes of batch.</summary>
    private static (Value Vectors, long[] Batch) Vectors(TfliteNode n, int input, long axis, int length)
    {
        long[] dims = Sizes(n, n.Input(input));
        Value indices = n.Int64(input);
        if (axis == dims.Length) return length == 1 ? (n.Reshape(indices, [.. dims, 1]), dims) : throw n.Damaged($"{length} dimensions are indexed by single numbers");
        if (axis < 0 || axis > dims.Length || dims[axis] != length) throw n.Damaged($"index vectors of {length} numbers are not along dimension {axis} of the indices");
        int[] batch = [.. Enumerable.Range(0, dims.Length).Where(d => d != axis)];
        return (n.Transpose(indices, [.. batch.Select(d => (long)d), axis]), [.. batch.Select(d => dims[d])]);
    }

    /// <summary>Places [batch.., window.., rank] in an operand: start vectors, spread over the dimensions of <paramref name="map"/>, plus each place of
    /// a window over the dimensions <paramref name="kept"/>.</summary>
    private static Value Places(TfliteNode n, Value starts, long[] batch, long[] map, int rank, long[] window, int[] kept)
    {
        long count = window.Aggregate(1L, (a, b) => a * b);
        if (batch.Aggregate(count * rank, (a, b) => a * b) > LargestGrid) throw n.Error("it moves more elements than are supported");
        var spread = new Tensor(DType.Int64, new Shape(map.Length, rank));
        for (int i = 0; i < map.Length; i++) spread.SetInt64(i * rank + map[i], 1);
        var grid = new Tensor(DType.Int64, new Shape([.. window, rank]));
        for (long i = 0; i < count; i++)
        {
            long rest = i;
            for (int k = window.Length - 1; k >= 0; k--)
            {
                grid.SetInt64(i * rank + kept[k], rest % window[k]);
                rest /= window[k];
            }
        }
        Value corners = n.Reshape(n.Emit("MatMul", [starts, n.Constant("spread", spread)]), [.. batch, .. window.Select(_ => 1L), rank]);
        return n.Emit("Add", [corners, n.Constant("grid", grid)]);
    }

    /// <summary>Which dimension of [batch.., window..] each dimension of a result is, of which <paramref name="windows"/> are those of the window.</summary>
    private static int[] Order(TfliteNode n, int rank, long[] windows, int batch)
    {
        int[] order = new int[rank];
        int nextBatch = 0, nextWindow = batch;
        for (int d = 0; d < rank; d++) order[d] = windows.Contains(d) ? nextWindow++ : nextBatch++;
        if (nextBatch != batch || nextWindow != rank) throw n.Damaged($"{windows.Length} window dimensions among {rank}, {batch} of them indices'");
        return order;
    }

    private static Value Arranged(TfliteNode n, Value x, int[] order) =>
        order.SequenceEqual(Enumerable.Range(0, order.Length)) ? x : n.Transpose(x, [.. order.Select(d => (long)d)]);

    private static Value Numbers(TfliteNode n, long count) => n.Emit("Range", [n.Int(0), n.Int(count), n.Int(1)]);

    internal static long[] Sizes(TfliteNode n, TfliteTensor t) => t.Dims is { } dims && dims.All(d => d >= 0) ? dims : throw n.Error($"the shape of '{t.Name}' is not known");
}
