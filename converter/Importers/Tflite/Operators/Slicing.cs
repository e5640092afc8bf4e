using EdgeLite.Converter.Ir;
using EdgeLite.Core;
using EdgeLite.Format;
using EdgeLite.Ops;

namespace EdgeLite.Converter.Importers.Tflite.Operators;

/// <summary>Operators that pick or replace parts of a tensor.</summary>
internal static class Slicing
{
    /// <summary>begin and size; a size of -1 reaches to the end.</summary>
    [Tflite(TfliteOp.SLICE)]
    private static void Slice(TfliteNode n)
    {
        if (n.ConstantInts(1) is { } begin && n.ConstantInts(2) is { } size)
        {
            if (begin.Length != size.Length) throw n.Damaged($"{begin.Length} begins and {size.Length} sizes");
            long[] end = [.. begin.Zip(size, (b, s) => s < 0 ? long.MaxValue : b + s)];
            n.Move(x => n.Emit("Slice", [x, n.Ints(begin), n.Ints(end)]));
            return;
        }
        Value from = n.Int64(1), count = n.Int64(2);
        Value to = n.Emit("Where", [n.Emit("Less", [count, n.Int(0)]), n.Int(long.MaxValue), n.Emit("Add", [from, count])]);
        n.Move(x => n.Emit("Slice", [x, from, to]));
    }

    /// <summary>NumPy's x[a:b:c, ..., None, i]; bit i of each mask concerns entry i of the specification.</summary>
    [Tflite(TfliteOp.STRIDED_SLICE)]
    private static void StridedSlice(TfliteNode n)
    {
        FlatTable o = n.Options;
        int beginMask = o.Int32(TfliteOption.StridedSlice.BeginMask), endMask = o.Int32(TfliteOption.StridedSlice.EndMask);
        int ellipsisMask = o.Int32(TfliteOption.StridedSlice.EllipsisMask), newMask = o.Int32(TfliteOption.StridedSlice.NewAxisMask);
        int shrinkMask = o.Int32(TfliteOption.StridedSlice.ShrinkAxisMask), rank = n.Input(0).Rank;
        bool offset = o.Bool(TfliteOption.StridedSlice.Offset);
        long[] strides = n.RequiredInts(3, "the strides");
        long[]? begins = n.ConstantInts(1), ends = n.ConstantInts(2);
        int entries = strides.Length;
        if (begins != null && begins.Length != entries || ends != null && ends.Length != entries || entries > 31) throw n.Damaged("begin, end and strides differ in length");

        int consumed = Enumerable.Range(0, entries).Count(i => (newMask >> i & 1) == 0 && (ellipsisMask >> i & 1) == 0);
        List<long> axes = [], steps = [], squeezed = [], added = [];
        List<Value> starts = [], stops = [];
        int axis = 0, outAxis = 0;
        for (int i = 0; i < entries; i++)
        {
            if ((ellipsisMask >> i & 1) != 0)
            {
                int skip = rank - consumed;
                if (skip < 0) throw n.Damaged($"more slices than the {rank} dimensions of the input");
                axis += skip;
                outAxis += skip;
                continue;
            }
            if ((newMask >> i & 1) != 0)
            {
                added.Add(outAxis++);
                continue;
            }
            if (axis >= rank) throw n.Damaged($"more slices than the {rank} dimensions of the input");
            if (strides[i] == 0) throw n.Damaged("a stride is 0");
            bool shrink = (shrinkMask >> i & 1) != 0;
            axes.Add(axis);
            steps.Add(shrink ? 1 : strides[i]);
            bool openBegin = (beginMask >> i & 1) != 0, openEnd = !shrink && (endMask >> i & 1) != 0;
            starts.Add(openBegin ? n.Ints(strides[i] > 0 ? 0 : shrink ? -1 : long.MaxValue) : Entry(1, begins, i));
            if (shrink && openBegin) stops.Add(n.Ints(strides[i] > 0 ? 1 : long.MaxValue)); // the mask counts there, too (internal/strided_slice_logic.h)
            else if (openEnd) stops.Add(n.Ints(strides[i] > 0 ? long.MaxValue : long.MinValue + 1));
            else if (shrink) stops.Add(begins != null
                ? n.Ints(begins[i] == -1 ? long.MaxValue : begins[i] + 1)
                : n.Emit("Where", [n.Emit("Equal", [starts[^1], n.Ints(-1)]), n.Ints(long.MaxValue), n.Emit("Add", [starts[^1], n.Ints(1)])]));
            else if (offset) stops.Add(n.Emit("Add", [Entry(1, begins, i), Entry(2, ends, i)]));
            else stops.Add(Entry(2, ends, i));
            if (shrink) squeezed.Add(axis);
            else outAxis++;
            axis++;
        }
        Value start = Join(starts), stop = Join(stops);
        n.Move(x =>
        {
            Value y = axes.Count == 0 ? x : n.Emit("Slice", [x, start, stop, n.Ints([.. axes]), n.Ints([.. steps])]);
            if (squeezed.Count > 0) y = n.Emit("Squeeze", [y, n.Ints([.. squeezed])]);
            return added.Count > 0 ? n.Emit("Unsqueeze", [y, n.Ints([.. added])]) : y;
        });

        Value Entry(int input, long[]? known, int i) => known != null ? n.Ints(known[i]) : n.Emit("Slice", [n.Int64(input), n.Ints(i), n.Ints(i + 1)]);

        Value Join(List<Value> parts)
        {
            if (parts.Count == 0) return n.Ints();
            if (parts.All(p => p.IsConstant)) return n.Ints([.. parts.Select(p => p.Constant!.GetInt64(0))]);
            return n.Emit("Concat", [.. parts], ("axis", 0));
        }
    }

    [Tflite(TfliteOp.GATHER, Limits = "batch_dims that are neither 0 nor the axis")]
    private static void Gather(TfliteNode n)
    {
        int batch = n.Options.Int32(TfliteOption.Gather.BatchDims), axis = n.Axis(n.Options.Int32(TfliteOption.Gather.Axis), n.Input(0).Rank);
        if (batch < 0) batch += n.Input(1).Rank;
        Value indices = n.Raw(1);
        if (n.Input(1).DType is not (DType.Int32 or DType.Int64)) indices = n.Cast(indices, DType.Int32);
        if (batch == 0) n.Move(x => n.Emit("Gather", [x, indices], ("axis", axis)));
        else if (batch == axis) n.Move(x => n.Emit("GatherND", [x, n.Emit("Unsqueeze", [n.Cast(indices, DType.Int64), n.Ints(-1)])], ("batch_dims", batch)));
        else throw n.Error($"batch_dims {batch} with axis {axis} is not supported; they must be equal or batch_dims 0");
    }

    [Tflite(TfliteOp.GATHER_ND)]
    private static void GatherNd(TfliteNode n) => n.Move(x => n.Emit("GatherND", [x, n.Int64(1)]));

    /// <summary>Zeros of the given shape into which updates are added.</summary>
    [Tflite(TfliteOp.SCATTER_ND)]
    private static void ScatterNd(TfliteNode n)
    {
        Value zeros = n.Emit("Expand", [n.Scalar(n.Output(0).DType, 0), n.Int64(2)]);
        n.SetRaw(0, n.Emit("ScatterND", [zeros, n.Int64(0), n.Raw(1)], ("reduction", n.Output(0).DType == DType.Bool ? "none" : "add")));
    }

    /// <summary>Inputs: indices (scalar, vector or [n, rank]), shape, values (scalar or vector), default.</summary>
    [Tflite(TfliteOp.SPARSE_TO_DENSE)]
    private static void SparseToDense(TfliteNode n)
    {
        long rank = n.Output(0).Rank;
        Value indices = n.Input(0).Rank == 2 ? n.Int64(0) : n.Reshape(n.Int64(0), -1, rank);
        Value dense = n.Emit("Expand", [n.Raw(3), n.Int64(1)]), values = n.Raw(2);
        if (n.Input(2).Rank == 0) values = n.Emit("Expand", [values, n.Emit("Slice", [n.Emit("Shape", [indices]), n.Ints(0), n.Ints(1)])]);
        n.SetRaw(0, n.Emit("ScatterND", [dense, indices, values]));
    }

    /// <summary>The update goes to start, which is moved so that it fits inside.</summary>
    [Tflite(TfliteOp.DYNAMIC_UPDATE_SLICE, Limits = "free sizes")]
    private static void DynamicUpdateSlice(TfliteNode n) => Update(n, n.Int64(2));

    /// <summary>Input 0 with input 1 at a place that is kept inside.</summary>
    internal static void Update(TfliteNode n, Value start)
    {
        long[] size = n.Input(1).Dims!, whole = n.Input(0).Dims!;
        int rank = size.Length;
        if (size.Any(d => d < 0) || whole.Any(d => d < 0) || whole.Length != rank) throw n.Error("the sizes of operand and update must be known");
        long count = size.Aggregate(1L, (a, b) => a * b);
        if (count * rank > 1 << 24) throw n.Error($"an update of {count} elements is too large");
        var grid = new Tensor(DType.Int64, new Shape([.. size, rank]));
        for (long i = 0; i < count; i++)
        {
            long rest = i;
            for (int d = rank - 1; d >= 0; d--)
            {
                grid.SetInt64(i * rank + d, rest % size[d]);
                rest /= size[d];
            }
        }
        Value largest = n.Ints([.. whole.Zip(size, (w, s) => w - s)]);
        start = n.Emit("Max", [n.Emit("Min", [start, largest]), n.Int(0)]);
        n.SetRaw(0, n.Emit("ScatterND", [n.Raw(0), n.Emit("Add", [n.Constant("grid", grid), start]), n.Raw(1)]));
    }

    /// <summary>Negative indices and those past the end give all off.</summary>
    [Tflite(TfliteOp.ONE_HOT)]
    private static void OneHot(TfliteNode n)
    {
        Value indices = n.Int64(0), depth = n.Int64(1);
        indices = n.Emit("Where", [n.Emit("Less", [indices, n.Int(0)]), depth, indices]);
        Value values = n.Emit("Concat", [n.Reshape(n.Raw(3), 1), n.Reshape(n.Raw(2), 1)], ("axis", 0));
        n.SetRaw(0, n.Emit("OneHot", [indices, depth, values], ("axis", n.Options.Int32(TfliteOption.OneHot.Axis))));
    }

    [Tflite(TfliteOp.TOPK_V2)]
    private static void TopK(TfliteNode n)
    {
        Value k = n.ConstantInts(1) is { } known ? n.Ints(known[0]) : n.Reshape(n.Int64(1), 1);
        Value[] y = n.EmitMany("TopK", 2, [n.Raw(0), k]);
        n.SetRaw(0, y[0]);
        n.SetRaw(1, n.Cast(y[1], n.Output(1).DType));
    }

    [Tflite(TfliteOp.ARG_MAX)]
    private static void ArgMax(TfliteNode n) => ArgExtreme(n, "ArgMax");

    [Tflite(TfliteOp.ARG_MIN)]
    private static void ArgMin(TfliteNode n) => ArgExtreme(n, "ArgMin");

    private static void ArgExtreme(TfliteNode n, string opType)
    {
        Value y = n.Emit(opType, [n.Raw(0)], ("axis", n.RequiredInts(1, "the axis")[0]), ("keepdims", 0));
        n.SetRaw(0, n.Output(0).DType == DType.Int64 ? y : n.Cast(y, n.Output(0).DType));
    }

    /// <summary>Indices of true elements, [count, rank].</summary>
    [Tflite(TfliteOp.WHERE)]
    private static void Where(TfliteNode n)
    {
        Value condition = n.Input(0).DType == DType.Bool ? n.Raw(0) : n.Cast(n.Raw(0), DType.Bool);
        Value y = n.Transpose(n.Emit("NonZero", [condition]), 1, 0);
        n.SetRaw(0, n.Output(0).DType == DType.Int64 ? y : n.Cast(y, n.Output(0).DType));
    }

    /// <summary>A condition of one dimension picks whole rows of operands that have more.</summary>
    [Tflite(TfliteOp.SELECT)]
    private static void Select(TfliteNode n)
    {
        int rank = n.Input(1).Rank;
        Value condition = n.Raw(0);
        if (n.Input(0).Rank == 1 && rank > 1) condition = n.Reshape(condition, [-1, .. Enumerable.Repeat(1L, rank - 1)]);
        SelectBy(n, condition);
    }

    [Tflite(TfliteOp.SELECT_V2)]
    private static void SelectV2(TfliteNode n) => SelectBy(n, n.Raw(0));

    private static void SelectBy(TfliteNode n, Value condition)
    {
        if (n.SameQuantization(1, 0) && n.SameQuantization(2, 0)) n.SetRaw(0, n.Emit("Where", [condition, n.Raw(1), n.Raw(2)]));
        else n.SetReal(0, n.Emit("Where", [condition, n.Real(1), n.Real(2)]));
    }

    [Tflite(TfliteOp.UNIQUE)]
    private static void Unique(TfliteNode n)
    {
        Value[] y = n.EmitMany("Unique", 3, [n.Raw(0)], AttributeSet.Of(("sorted", 0)));
        n.SetRaw(0, y[0]);
        n.SetRaw(1, n.Output(1).DType == DType.Int64 ? y[2] : n.Cast(y[2], n.Output(1).DType));
    }

    [Tflite(TfliteOp.SEGMENT_SUM)]
    private static void SegmentSum(TfliteNode n)
    {
        long[] ids = n.RequiredInts(1, "the segment ids");
        Segments(n, n.Ints(ids.Length == 0 ? 0 : ids.Max() + 1), 0, "add");
    }

    [Tflite(TfliteOp.UNSORTED_SEGMENT_SUM, Limits = "segment ids of several dimensions")]
    private static void UnsortedSegmentSum(TfliteNode n) => Segments(n, n.Reshape(n.Int64(2), 1), 0, "add");

    [Tflite(TfliteOp.UNSORTED_SEGMENT_PROD, Limits = "segment ids of several dimensions")]
    private static void UnsortedSegmentProd(TfliteNode n) => Segments(n, n.Reshape(n.Int64(2), 1), 1, "mul");

    [Tflite(TfliteOp.UNSORTED_SEGMENT_MAX, Limits = "segment ids of several dimensions")]
    private static void UnsortedSegmentMax(TfliteNode n) => Segments(n, n.Reshape(n.Int64(2), 1), Extreme(n, false), "max");

    [Tflite(TfliteOp.UNSORTED_SEGMENT_MIN, Limits = "segment ids of several dimensions")]
    private static void UnsortedSegmentMin(TfliteNode n) => Segments(n, n.Reshape(n.Int64(2), 1), Extreme(n, true), "min");

    private static double Extreme(TfliteNode n, bool largest) => n.Output(0).DType switch
    {
        DType.Float32 => (double)(largest ? float.MaxValue : float.MinValue),
        DType.Int32 => largest ? int.MaxValue : int.MinValue,
        _ => throw n.Error($"{n.Output(0).DType.Name()} is not supported"),
    };

    /// <summary>Rows of data reduced into a [count, ..] tensor by their ids; ids of one dimension.</summary>
    private static void Segments(TfliteNode n, Value count, double initial, string reduction)
    {
        if (n.Input(1).Rank != 1) throw n.Error($"segment ids of {n.Input(1).Rank} dimensions are not supported");
        Value shape = n.Emit("Concat", [count, n.Emit("Shape", [n.Raw(0)], ("start", 1))], ("axis", 0));
        Value target = n.Emit("Expand", [n.Scalar(n.Output(0).DType, initial), shape]);
        n.SetRaw(0, n.Emit("ScatterND", [target, n.Emit("Unsqueeze", [n.Int64(1), n.Ints(-1)]), n.Raw(0)], ("reduction", reduction)));
    }
}
