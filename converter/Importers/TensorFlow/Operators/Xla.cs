using EdgeLite.Converter.Ir;
using EdgeLite.Core;
using EdgeLite.Ops;

namespace EdgeLite.Converter.Importers.TensorFlow.Operators;

/// <summary>XLA's products, padding and reductions, as jax2tf writes them without native serialization (tensorflow/compiler/tf2xla/ops/xla_ops.cc; XLA's
/// operation semantics).</summary>
internal static class Xla
{
    [TensorFlow("XlaSharding", "XlaOptimizationBarrier")]
    private static void Same(TfNode n)
    {
        for (int i = 0; i < n.InputCount; i++) n.Set(i, n.Item(i));
    }

    [TensorFlow("XlaEinsum")]
    private static void Einsum(TfNode n) => n.Set(n.Emit("Einsum", [n.In(0), n.In(1)], ("equation", n.String("equation"))));

    /// <summary>Fields 1, 2: contracted dimensions; 3, 4: those of the batch. The result has batch, rest of the left one, rest of the right one.</summary>
    [TensorFlow("XlaDot", "XlaDotV2")]
    private static void Dot(TfNode n)
    {
        Value a = n.In(0), b = n.In(1);
        int rankA = n.RankOf(a), rankB = n.RankOf(b);
        if (rankA + rankB > 26) throw n.InputError("it has too many dimensions");
        Dictionary<int, List<long>> numbers = XlaNumbers.Dimensions(n);
        char[] left = [.. Enumerable.Range(0, rankA).Select(i => (char)('a' + i))], right = [.. Enumerable.Range(rankA, rankB).Select(i => (char)('a' + i))];
        foreach ((long l, long r) in numbers.Of(1).Zip(numbers.Of(2)).Concat(numbers.Of(3).Zip(numbers.Of(4)))) right[n.Axis(r, rankB)] = left[n.Axis(l, rankA)];
        string batch = string.Concat(numbers.Of(3).Select(d => left[d])), summed = string.Concat(numbers.Of(1).Select(d => left[d]));
        string result = batch + string.Concat(left.Where(c => !batch.Contains(c) && !summed.Contains(c))) + string.Concat(right.Where(c => !batch.Contains(c) && !summed.Contains(c)));
        DType type = n.Type("preferred_element_type", a.DType);
        n.Set(n.Cast(n.Emit("Einsum", [n.Cast(a, type), n.Cast(b, type)], ("equation", $"{new string(left)},{new string(right)}->{result}")), type));
    }

    /// <summary>Inputs: x, kernel, strides, padding [spatial, 2], dilations of x and of the kernel, groups. Dilated inputs get zeros between.</summary>
    [TensorFlow("XlaConv", "XlaConvV2", Limits = "batch_group_count")]
    private static void Conv(TfNode n)
    {
        if (n.Int("batch_group_count", 1) != 1) throw n.Error("batch_group_count is not supported");
        Dictionary<int, List<long>> numbers = XlaNumbers.Dimensions(n);
        long[] Order(int first, int second, int spatial) => [numbers.One(first), numbers.One(second), .. numbers.Of(spatial)];
        DType type = n.Type("preferred_element_type", n.In(0).DType);
        Value x = n.Transpose(n.Cast(n.In(0), type), Order(7, 8, 11)), kernel = n.Transpose(n.Cast(n.In(1), type), Order(4, 3, 6));
        int spatial = n.RankOf(x) - 2;
        long[] strides = n.RequiredInts(2, "strides"), padding = n.RequiredInts(3, "padding"), between = [.. n.RequiredInts(4, "lhs_dilation").Select(d => d - 1)], dilations = n.RequiredInts(5, "rhs_dilation");
        long[] low = [.. Enumerable.Range(0, spatial).Select(d => padding[2 * d])], high = [.. Enumerable.Range(0, spatial).Select(d => padding[2 * d + 1])];
        long[] nothing = [0, 0];
        if (between.Any(d => d > 0) || low.Concat(high).Any(p => p < 0))
        {
            x = Padded(n, x, n.Number(x, 0), [.. nothing, .. low], [.. nothing, .. high], [.. nothing, .. between]);
            low = high = new long[spatial];
        }
        Value y = n.Emit("Conv", [x, kernel], ("strides", strides), ("dilations", dilations), ("pads", (long[])[.. low, .. high]), ("group", n.RequiredInts(6, "feature_group_count")[0]));
        long[] order = Order(9, 10, 12), back = new long[order.Length];
        for (int i = 0; i < order.Length; i++) back[order[i]] = i;
        n.Set(n.Transpose(y, back));
    }

    [TensorFlow("XlaPad")]
    private static void Pad(TfNode n) =>
        n.Set(Padded(n, n.In(0), n.In(1), n.RequiredInts(2, "padding_low"), n.RequiredInts(3, "padding_high"), n.RequiredInts(4, "padding_interior")));

    /// <summary>A value between the elements, before and behind them; less than none before and behind cuts.</summary>
    private static Value Padded(TfNode n, Value x, Value value, long[] low, long[] high, long[] between)
    {
        int rank = n.RankOf(x);
        if (low.Length != rank || high.Length != rank || between.Length != rank) throw n.Damaged($"it gives {low.Length}, {high.Length} and {between.Length} paddings for {rank} dimensions");
        for (int d = 0; d < rank; d++)
        {
            if (between[d] == 0) continue;
            // Each element becomes a row of itself and what follows it; the last row is cut.
            long[] ends = new long[2 * (rank + 1)];
            ends[rank + 1 + d + 1] = between[d];
            long[] dims = [.. x.Shape.AsSpan().ToArray().Select(s => Math.Max(s, -1))];
            if (dims[d] > 0) dims[d] *= between[d] + 1;
            if (dims.Count(s => s < 0) > 1) throw n.InputError($"the shape {x.Shape} of what it pads must be known");
            x = n.Slice(n.Reshape(n.Emit("Pad", [n.Unsqueeze(x, d + 1), n.Vector(ends), value]), dims), d, 0, -between[d]);
        }
        if (low.Concat(high).Any(p => p > 0)) x = n.Emit("Pad", [x, n.Vector([.. low.Select(p => Math.Max(p, 0)), .. high.Select(p => Math.Max(p, 0))]), value]);
        for (int d = 0; d < rank; d++)
            if (low[d] < 0 || high[d] < 0) x = n.Slice(x, d, Math.Max(-low[d], 0), high[d] < 0 ? high[d] : long.MaxValue);
        return x;
    }

    [TensorFlow("XlaReduce", "XlaVariadicReduce", "XlaVariadicReduceV2", Limits = "several tensors at once; functions other than sum, product, maximum and minimum")]
    private static void Reduce(TfNode n)
    {
        if (n.InputCount != 2) throw n.Error("reducing several tensors at once is not supported");
        Value x = n.In(0), initial = n.In(1);
        string reduction = XlaNumbers.Reduction(n, "reducer", x.DType);
        string opType = reduction switch { "add" => "ReduceSum", "mul" => "ReduceProd", "max" => "ReduceMax", "min" => "ReduceMin", _ => throw n.Error("its function ignores its first argument") };
        bool isTruth = x.DType == DType.Bool;
        if (isTruth) (x, initial) = (n.Cast(x, DType.Int32), n.Cast(initial, DType.Int32));
        Value y = n.Reduce(opType, x, false, n.Ints("dimensions_to_reduce"));
        n.Set(isTruth ? n.Cast(With(n, reduction, y, initial), DType.Bool) : With(n, reduction, y, initial));
    }

    /// <summary>What a reduction began with, unless that changes nothing.</summary>
    private static Value With(TfNode n, string reduction, Value y, Value initial)
    {
        if (initial.Constant is { } c && c.GetDouble(0) is var v && (reduction == "add" && v == 0 || reduction == "mul" && v == 1 || reduction == "max" && double.IsNegativeInfinity(v) || reduction == "min" && double.IsPositiveInfinity(v))) return y;
        return n.Emit(reduction switch { "add" => "Add", "mul" => "Mul", "max" => "Max", _ => "Min" }, [y, initial]);
    }

    /// <summary>Inputs: x, initial value, sizes of the window, strides, dilations of x and of the window, padding [rank, 2].</summary>
    [TensorFlow("XlaReduceWindow", Limits = "products; dilated inputs; windows over more than three dimensions")]
    private static void ReduceWindow(TfNode n)
    {
        Value x = n.In(0);
        string reduction = XlaNumbers.Reduction(n, "computation", x.DType);
        if (reduction is not ("add" or "max" or "min")) throw n.Error("only sums, maxima and minima are supported");
        if (x.DType.IsFloat() == false) throw n.InputError($"elements of type {x.DType.Name()} are not supported");
        if (n.In(1).Constant is not { Count: 1 } initial || initial.GetDouble(0) != reduction switch { "add" => 0, "max" => double.NegativeInfinity, _ => double.PositiveInfinity }) throw n.InputError("an initial value that changes the result is not supported");
        long[] window = n.RequiredInts(2, "window_dimensions"), strides = n.RequiredInts(3, "window_strides"), dilations = n.RequiredInts(5, "window_dilations"), padding = n.RequiredInts(6, "padding");
        if (n.RequiredInts(4, "base_dilations").Any(d => d != 1)) throw n.InputError("dilated inputs are not supported");
        int rank = n.RankOf(x);
        if (window.Length != rank || padding.Length != 2 * rank) throw n.Damaged($"a window of {window.Length} dimensions over {rank}");
        int[] over = [.. Enumerable.Range(0, rank).Where(d => window[d] != 1 || strides[d] != 1 || padding[2 * d] != 0 || padding[2 * d + 1] != 0)], apart = [.. Enumerable.Range(0, rank).Except(over)];
        if (over.Length is 0 or > 3 || padding.Any(p => p < 0)) throw n.InputError($"a window over {over.Length} dimensions is not supported");
        // [what is apart, 1, what the window goes over]
        long[] order = [.. apart.Concat(over).Select(d => (long)d)], sizes = [.. over.Select(d => x.Shape[d])];
        Value moved = n.Transpose(x, order);
        Value shape = n.ShapeOf(moved), flat = n.ReshapeTo(moved, n.Vector([sizes.Any(s => s < 0) ? throw n.InputError($"the sizes of {x.Shape} must be known where the window goes") : -1, 1, .. sizes]));
        var attributes = new List<(string, AttributeValue)>
        {
            ("kernel_shape", (long[])[.. over.Select(d => window[d])]), ("strides", (long[])[.. over.Select(d => strides[d])]), ("dilations", (long[])[.. over.Select(d => dilations[d])]),
            ("pads", (long[])[.. over.Select(d => padding[2 * d]), .. over.Select(d => padding[2 * d + 1])]),
        };
        Value y;
        if (reduction == "add")
        {
            var ones = new Tensor(x.DType, new Shape([1, 1, .. over.Select(d => window[d])]));
            for (long i = 0; i < ones.Count; i++) ones.SetDouble(i, 1);
            y = n.Emit("Conv", [flat, n.Const(ones)], [.. attributes]);
        }
        else if (reduction == "max") y = n.Emit("MaxPool", [flat], [.. attributes]);
        else y = n.Emit("Neg", [n.Emit("MaxPool", [n.Emit("Neg", [flat])], [.. attributes])]);
        long[] result = [.. y.Shape.AsSpan()[2..]], back = new long[rank];
        y = n.ReshapeTo(y, n.Concat(0, apart.Length == 0 ? n.Vector() : n.Slice(shape, 0, 0, apart.Length), n.Vector(result)));
        for (int i = 0; i < rank; i++) back[order[i]] = i;
        n.Set(n.Transpose(y, back));
    }
}
