using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.TensorFlow.Operators;

/// <summary>Taking parts out of tensors and putting parts into them.</summary>
internal static class Slicing
{
    [TensorFlow("Slice")]
    private static void Slice(TfNode n)
    {
        Value x = n.In(0), begin = n.Int64(1), size = n.Int64(2);
        long[] axes = [.. Enumerable.Range(0, n.RankOf(x)).Select(i => (long)i)];
        if (axes.Length == 0)
        {
            n.Set(x);
            return;
        }
        Value end = begin.Constant is { } b && size.Constant is { } s
            ? n.Vector([.. b.ToInt64Array().Zip(s.ToInt64Array(), (from, count) => count < 0 ? long.MaxValue : from + count)])
            : n.Where(n.Emit("Less", [size, n.Scalar(DType.Int64, 0)]), n.Scalar(DType.Int64, long.MaxValue), n.Add(begin, size));
        n.Set(n.Emit("Slice", [x, begin, end, n.Vector(axes)]));
    }

    /// <summary>Bit i of a mask is about entry i: begin and end ignored, ellipsis, new axis, axis that disappears.</summary>
    [TensorFlow("StridedSlice")]
    private static void StridedSlice(TfNode n)
    {
        Value x = n.In(0);
        int rank = n.RankOf(x);
        long[]? begin = n.ConstantInts(1), end = n.ConstantInts(2);
        long[] strides = n.RequiredInts(3, "the strides");
        long beginMask = n.Int("begin_mask"), endMask = n.Int("end_mask"), ellipsis = n.Int("ellipsis_mask"), added = n.Int("new_axis_mask"), shrunk = n.Int("shrink_axis_mask");
        int entries = strides.Length, spanned = 0;
        for (int i = 0; i < entries; i++)
            if (!Bit(ellipsis, i) && !Bit(added, i)) spanned++;
        var starts = new List<Value?>();
        var ends = new List<Value?>();
        List<long> axes = [], steps = [], squeezed = [], news = [];
        int axis = 0, made = 0;
        for (int i = 0; i < entries; i++)
        {
            if (Bit(ellipsis, i))
            {
                axis += rank - spanned;
                made += rank - spanned;
                continue;
            }
            if (Bit(added, i))
            {
                news.Add(made++);
                continue;
            }
            if (axis >= rank) throw n.Damaged($"has entries for more than {rank} dimensions");
            if (Bit(shrunk, i))
            {
                starts.Add(Entry(1, begin, i));
                ends.Add(begin != null ? n.Vector(begin[i] == -1 ? long.MaxValue : begin[i] + 1)
                    : n.Where(n.Emit("Equal", [Entry(1, null, i), n.Vector(-1)]), n.Vector(long.MaxValue), n.Add(Entry(1, null, i), n.Vector(1))));
                axes.Add(axis);
                steps.Add(1);
                squeezed.Add(axis++);
                continue;
            }
            bool down = strides[i] < 0;
            bool whole = Bit(beginMask, i) && Bit(endMask, i) && strides[i] == 1;
            if (!whole)
            {
                starts.Add(Bit(beginMask, i) ? n.Vector(down ? long.MaxValue : 0) : Entry(1, begin, i));
                ends.Add(Bit(endMask, i) ? n.Vector(down ? long.MinValue : long.MaxValue) : Entry(2, end, i));
                axes.Add(axis);
                steps.Add(strides[i]);
            }
            axis++;
            made++;
        }
        if (axes.Count > 0) x = n.Emit("Slice", [x, n.Concat(0, [.. starts]), n.Concat(0, [.. ends]), n.Vector([.. axes]), n.Vector([.. steps])]);
        if (squeezed.Count > 0) x = n.Squeeze(x, [.. squeezed]);
        n.Set(news.Count > 0 ? n.Unsqueeze(x, [.. news]) : x);

        Value Entry(int input, long[]? known, int i) => known != null ? n.Vector(known[i]) : n.Emit("Slice", [n.Int64(input), n.Vector(i), n.Vector(i + 1)]);

        static bool Bit(long mask, int i) => (mask >> i & 1) != 0;
    }

    [TensorFlow("GatherV2", "Gather", "ResourceGather")]
    private static void Gather(TfNode n)
    {
        Value x = n.In(0), indices = n.In(1);
        if (indices.DType is not (DType.Int32 or DType.Int64)) indices = n.Cast(indices, DType.Int32);
        int axis = n.HasInput(2) ? n.Axis(n.RequiredInts(2, "the axis")[0], n.RankOf(x)) : 0;
        int batch = (int)n.Int("batch_dims");
        if (batch < 0) batch += n.RankOf(indices);
        if (batch == 0)
        {
            n.Set(n.Emit("Gather", [x, indices], ("axis", axis)));
            return;
        }
        // The gathered axis is brought behind the batch, gathered by GatherND, and the axes before it are brought back.
        int rank = n.RankOf(x), indexRank = n.RankOf(indices);
        long[] order = [.. Enumerable.Range(0, batch), axis, .. Enumerable.Range(batch, axis - batch), .. Enumerable.Range(axis + 1, rank - axis - 1)];
        Value y = n.Emit("GatherND", [n.Transpose(x, order), n.Unsqueeze(n.Cast(indices, DType.Int64), -1)], ("batch_dims", batch));
        int between = axis - batch, taken = indexRank - batch;
        n.Set(n.Transpose(y, [.. Enumerable.Range(0, batch), .. Enumerable.Range(batch + taken, between), .. Enumerable.Range(batch, taken), .. Enumerable.Range(batch + taken + between, rank - axis - 1)]));
    }

    [TensorFlow("GatherNd", "ResourceGatherNd")]
    private static void GatherNd(TfNode n) => n.Set(n.Emit("GatherND", [n.In(0), n.Int64(1)], ("batch_dims", n.Int("batch_dims"))));

    /// <summary>Zeros of the given shape into which updates are added.</summary>
    [TensorFlow("ScatterNd")]
    private static void ScatterNd(TfNode n)
    {
        Value updates = n.In(1), zeros = n.Emit("Expand", [n.Number(updates, 0), n.Int64(2)]);
        n.Set(n.Emit("ScatterND", [zeros, n.Int64(0), updates], ("reduction", updates.DType == DType.Bool ? "none" : "add")));
    }

    [TensorFlow("ScatterNdUpdate", "ScatterNdAdd", "ScatterNdSub", "TensorScatterUpdate", "TensorScatterAdd", "TensorScatterSub", "TensorScatterMax", "TensorScatterMin",
        "ScatterNdNonAliasingAdd", "ScatterNdMax", "ScatterNdMin")]
    private static void TensorScatter(TfNode n) => n.Set(Scatter(n, n.In(0), n.Int64(1), n.In(2)));

    /// <summary>Whole rows by their index.</summary>
    [TensorFlow("ScatterUpdate", "ScatterAdd", "ScatterSub", "ScatterMul", "ScatterDiv", "ScatterMax", "ScatterMin")]
    private static void ScatterRows(TfNode n)
    {
        Value x = n.In(0), indices = n.Int64(1), updates = n.In(2);
        if (updates.Shape is { IsRanked: true, Rank: 0 } && n.RankOf(x) + n.RankOf(indices) > 1)
            updates = n.Emit("Expand", [updates, n.Concat(0, n.ShapeOf(indices), n.Emit("Shape", [x], ("start", 1)))]);
        n.Set(Scatter(n, x, n.Unsqueeze(indices, -1), updates));
    }

    private static Value Scatter(TfNode n, Value x, Value indices, Value updates)
    {
        string op = n.Op;
        if (op.EndsWith("Sub", StringComparison.Ordinal)) return Apply(n.Emit("Neg", [updates]), "add");
        if (op.EndsWith("Div", StringComparison.Ordinal)) return Apply(n.Emit("Reciprocal", [updates]), "mul");
        return Apply(updates, op.EndsWith("Add", StringComparison.Ordinal) ? "add" : op.EndsWith("Mul", StringComparison.Ordinal) ? "mul"
            : op.EndsWith("Max", StringComparison.Ordinal) ? "max" : op.EndsWith("Min", StringComparison.Ordinal) ? "min" : "none");

        Value Apply(Value by, string reduction) => n.Emit("ScatterND", [x, indices, by], ("reduction", reduction));
    }

    [TensorFlow("SparseToDense")]
    private static void SparseToDense(TfNode n)
    {
        Value indices = n.Int64(0), values = n.In(2), dense = n.Emit("Expand", [n.In(3), n.Int64(1)]);
        if (n.RankOf(indices) < 2) indices = n.Reshape(indices, -1, n.RankOf(dense));
        if (n.RankOf(values) == 0) values = n.Emit("Expand", [values, n.Emit("Slice", [n.ShapeOf(indices), n.Vector(0), n.Vector(1)])]);
        n.Set(n.Emit("ScatterND", [dense, indices, values]));
    }

    /// <summary>Negative indices and those past the end give all off.</summary>
    [TensorFlow("OneHot")]
    private static void OneHot(TfNode n)
    {
        Value indices = n.Int64(0), depth = n.Reshape(n.Int64(1), []);
        indices = n.Where(n.Emit("Less", [indices, n.Scalar(DType.Int64, 0)]), depth, indices);
        Value values = n.Concat(0, n.Reshape(n.In(3), 1), n.Reshape(n.In(2), 1));
        n.Set(n.Emit("OneHot", [indices, depth, values], ("axis", n.Int("axis", -1))));
    }

    /// <summary>Indices of true elements, [count, rank].</summary>
    [TensorFlow("Where")]
    private static void Where(TfNode n) => n.Set(n.Transpose(n.Emit("NonZero", [n.Cast(n.In(0), DType.Bool)]), 1, 0));

    /// <summary>What of x is not in y, and where it was.</summary>
    [TensorFlow("ListDiff", "ListDiffV2")]
    private static void ListDiff(TfNode n)
    {
        Value x = n.In(0), same = n.Emit("Equal", [n.Unsqueeze(x, 1), n.Unsqueeze(n.In(1), 0)]);
        Value kept = n.Emit("Equal", [n.Reduce("ReduceSum", n.Cast(same, DType.Int32), false, 1), n.Scalar(DType.Int32, 0)]);
        n.Set(0, n.Emit("Compress", [x, kept], ("axis", 0)));
        Value at = n.Reshape(n.Emit("NonZero", [kept]), -1);
        n.Set(1, n.Cast(at, n.Type("out_idx", DType.Int32)));
    }

    [TensorFlow("Unique", "UniqueV2", "UniqueWithCounts", "UniqueWithCountsV2")]
    private static void Unique(TfNode n)
    {
        Value[] y = n.EmitMany("Unique", 4, [n.In(0)], ("sorted", 0));
        n.Set(0, y[0]);
        n.Set(1, n.Cast(y[2], n.Type("out_idx", DType.Int32)));
        if (n.Op.StartsWith("UniqueWith", StringComparison.Ordinal)) n.Set(2, n.Cast(y[3], n.Type("out_idx", DType.Int32)));
    }

    /// <summary>Elements of data by the partition that they belong to, in their order.</summary>
    [TensorFlow("DynamicPartition")]
    private static void DynamicPartition(TfNode n)
    {
        Value data = n.In(0), partitions = n.In(1);
        int rank = n.RankOf(partitions);
        if (rank != 1)
        {
            data = n.Emit("Reshape", [data, n.Concat(0, n.Vector(-1), n.Emit("Shape", [data], ("start", rank)))]);
            partitions = n.Reshape(partitions, -1);
        }
        int count = n.Count("num_partitions");
        for (int i = 0; i < count; i++)
            n.Set(i, n.Emit("Compress", [data, n.Emit("Equal", [partitions, n.Number(partitions, i)])], ("axis", 0)));
    }

    /// <summary>Rows of the data put where the indices say; of several for one place the last one stays.</summary>
    [TensorFlow("DynamicStitch", "ParallelDynamicStitch")]
    private static void DynamicStitch(TfNode n)
    {
        int count = n.InputCount / 2;
        var indices = new List<Value?>();
        var data = new List<Value?>();
        for (int i = 0; i < count; i++)
        {
            Value index = n.Int64(i), x = n.In(count + i);
            int rank = n.RankOf(index);
            indices.Add(n.Reshape(index, -1));
            data.Add(n.Emit("Reshape", [x, n.Concat(0, n.Vector(-1), n.Emit("Shape", [x], ("start", rank)))]));
        }
        Value at = n.Concat(0, [.. indices]), rows = n.Concat(0, [.. data]);
        Value size = n.Add(n.Emit("ReduceMax", [at], ("keepdims", 1)), n.Vector(1));
        Value zeros = n.Emit("Expand", [n.Number(rows, 0), n.Concat(0, size, n.Emit("Shape", [rows], ("start", 1)))]);
        n.Set(n.Emit("ScatterND", [zeros, n.Unsqueeze(at, -1), rows]));
    }

    [TensorFlow("UnsortedSegmentSum", "UnsortedSegmentProd", "UnsortedSegmentMax", "UnsortedSegmentMin")]
    private static void UnsortedSegment(TfNode n) => n.Set(Segments(n, n.Reshape(n.Int64(2), 1)));

    [TensorFlow("SegmentSum", "SegmentProd", "SegmentMax", "SegmentMin", "SegmentMean")]
    private static void Segment(TfNode n)
    {
        Value ids = n.Int64(1), count = n.Add(n.Emit("ReduceMax", [ids], ("keepdims", 1)), n.Vector(1));
        if (n.Op is "SegmentSum" or "SegmentMean")
        {
            Value sum = Segments(n, count);
            if (n.Op == "SegmentMean")
            {
                Value ones = n.Emit("Expand", [n.Number(sum, 1), n.ShapeOf(ids)]);
                Value members = n.Emit("ScatterND", [n.Emit("Expand", [n.Number(sum, 0), count]), n.Unsqueeze(ids, -1), ones], ("reduction", "add"));
                members = n.Emit("Max", [members, n.Number(sum, 1)]);
                sum = n.Div(sum, n.Reshape(members, [-1, .. Enumerable.Repeat(1L, n.RankOf(sum) - 1)]));
            }
            n.Set(sum);
        }
        else n.Set(Segments(n, count));
    }

    /// <summary>Rows of data reduced into [count, ..] by their ids; negative ids are left out.</summary>
    private static Value Segments(TfNode n, Value count)
    {
        Value x = n.In(0), ids = n.Int64(1);
        int rank = n.RankOf(ids);
        if (rank != 1)
        {
            x = n.Emit("Reshape", [x, n.Concat(0, n.Vector(-1), n.Emit("Shape", [x], ("start", rank)))]);
            ids = n.Reshape(ids, -1);
        }
        (string reduction, double initial) = n.Op.EndsWith("Prod", StringComparison.Ordinal) ? ("mul", 1d)
            : n.Op.EndsWith("Max", StringComparison.Ordinal) ? ("max", Extreme(n, x.DType, false))
            : n.Op.EndsWith("Min", StringComparison.Ordinal) ? ("min", Extreme(n, x.DType, true)) : ("add", 0d);
        // One row more than wanted takes what has a negative id.
        Value target = n.Emit("Expand", [n.Number(x, initial), n.Concat(0, n.Add(count, n.Vector(1)), n.Emit("Shape", [x], ("start", 1)))]);
        Value at = n.Where(n.Emit("Less", [ids, n.Scalar(DType.Int64, 0)]), count, ids);
        return n.Slice(n.Emit("ScatterND", [target, n.Unsqueeze(at, -1), x], ("reduction", reduction)), 0, 0, -1);
    }

    private static double Extreme(TfNode n, DType type, bool largest) => type switch
    {
        DType.Float32 => largest ? float.MaxValue : float.MinValue,
        DType.Float64 => largest ? double.MaxValue : double.MinValue,
        DType.Float16 => largest ? 65504 : -65504,
        DType.Int32 => largest ? int.MaxValue : int.MinValue,
        DType.Int64 => largest ? long.MaxValue : long.MinValue,
        _ => throw n.Error($"{type.Name()} is not supported"),
    };
}
