using EdgeLite.Converter.Ir;
using EdgeLite.Core;
using EdgeLite.Ops;

namespace EdgeLite.Converter.Importers.Cntk;

/// <summary>What CNTK's primitive functions compute (source: CNTKLibrary.h, PrimitiveFunction.cpp, ConvolveGeometry.h).</summary>
internal static class CntkConversions
{
    [Cntk("Negate", "Sigmoid", "StableSigmoid", "Tanh", "ReLU", "Exp", "Log", "Sqrt", "Floor", "Abs", "Reciprocal", "Sin", "Cos", "Tan", "Asin", "Acos", "Atan", "Sinh", "Cosh", "Asinh", "Atanh")]
    private static CntkValue Unary(CntkFunction f)
    {
        string opType = f.Op switch { CntkOp.Negate => "Neg", CntkOp.StableSigmoid => "Sigmoid", CntkOp.ReLU => "Relu", var op => op.ToString() };
        return f.Like(f.Input(), f.Emit(opType, [f.Input().Value]));
    }

    [Cntk("ELU")] private static CntkValue Elu(CntkFunction f) => f.Like(f.Input(), f.Emit("Elu", [f.Input().Value], ("alpha", (float)f.Float("alpha", 1))));

    [Cntk("Dropout", "StopGradient", "NoOp", "Pass", "Cast", Notes = "what it is given")]
    private static CntkValue Same(CntkFunction f) => f.Input();

    [Cntk("Plus", "Minus", "ElementTimes", "Pow")]
    private static CntkValue Binary(CntkFunction f)
    {
        (Value[] v, bool hasBatch) = f.Broadcast(f.Input(), f.Input(1));
        return new(f.Emit(f.Op switch { CntkOp.Plus => "Add", CntkOp.Minus => "Sub", CntkOp.Pow => "Pow", _ => "Mul" }, [v[0], v[1]]), hasBatch);
    }

    /// <summary>log(e^a + e^b)</summary>
    [Cntk("LogPlus")]
    private static CntkValue LogPlus(CntkFunction f)
    {
        (Value[] v, bool hasBatch) = f.Broadcast(f.Input(), f.Input(1));
        Value difference = f.Emit("Neg", [f.Emit("Abs", [f.Emit("Sub", [v[0], v[1]])])]);
        return new(f.Emit("Add", [f.Emit("Max", [v[0], v[1]]), f.Emit("Log", [f.Emit("Add", [f.Emit("Exp", [difference]), f.Scalar(1)])])]), hasBatch);
    }

    [Cntk("Equal", "NotEqual", "Less", "LessEqual", "Greater", "GreaterEqual", Notes = "gives 0 and 1")]
    private static CntkValue Compare(CntkFunction f)
    {
        (Value[] v, bool hasBatch) = f.Broadcast(f.Input(), f.Input(1));
        string opType = f.Op switch { CntkOp.Less => "Less", CntkOp.LessEqual => "LessOrEqual", CntkOp.Greater => "Greater", CntkOp.GreaterEqual => "GreaterOrEqual", _ => "Equal" };
        Value y = f.Emit(opType, [v[0], v[1]]);
        return new(f.Cast(f.Op == CntkOp.NotEqual ? f.Emit("Not", [y]) : y, DType.Float32), hasBatch);
    }

    [Cntk("Select")]
    private static CntkValue Select(CntkFunction f)
    {
        (Value[] v, bool hasBatch) = f.Broadcast(f.Input(), f.Input(1), f.Input(2));
        return new(f.Emit("Where", [f.Cast(v[0], DType.Bool), v[1], v[2]]), hasBatch);
    }

    [Cntk("Clip")]
    private static CntkValue Clip(CntkFunction f)
    {
        (Value[] v, bool hasBatch) = f.Broadcast(f.Input(), f.Input(1), f.Input(2));
        return new(f.Emit("Min", [f.Emit("Max", [v[0], v[1]]), v[2]]), hasBatch);
    }

    /// <summary>Of all numbers of a sample, or along an axis.</summary>
    [Cntk("Softmax", "LogSoftmax", "Hardmax")]
    private static CntkValue Softmax(CntkFunction f)
    {
        CntkValue x = f.Input();
        string opType = f.Op.ToString();
        if (f.Axes(x) is { Length: 1 } axis) return f.Like(x, f.Emit(opType, [x.Value], ("axis", axis[0])));
        if (x.StaticRank == 1) return f.Like(x, f.Emit(opType, [x.Value], ("axis", x.Lead)));
        Value y = f.Emit(opType, [f.Emit("Flatten", [x.Value], ("axis", x.Lead))], ("axis", 1));
        return f.Like(x, f.Emit("Reshape", [y, f.Emit("Shape", [x.Value])]));
    }

    /// <summary>A (out.., in..) times B (in.., more..): the first outputRank axes of A are those of the result. In this order of axes B is
    /// [more.., in..] and A [in.., out..].</summary>
    [Cntk("Times", Limits = "both operands with a batch and more than one axis in common")]
    private static CntkValue Times(CntkFunction f)
    {
        CntkValue a = f.Input(), b = f.Input(1);
        int outputs = (int)f.Int("outputRank", 1), inner = a.StaticRank - outputs;
        if (outputs < 0 || inner < 0 || inner > b.StaticRank) throw f.InputError($"{a.Value.Shape} and {b.Value.Shape} cannot be multiplied with {outputs} axes of the result");
        long[] outer = a.Dims[inner..], more = b.Dims[..(b.StaticRank - inner)], common = b.Dims[(b.StaticRank - inner)..];
        long k = Product(f, a.Dims[..inner]);
        if (!common.All(d => d >= 0) || Product(f, common) != k) throw f.InputError($"{a.Value.Shape} and {b.Value.Shape} do not fit together");
        Value left = b.Value, right = inner == 1 && outputs == 1 ? a.Value : a.HasBatch ? throw f.InputError("both operands have a batch") : f.Reshape(a.Value, k, Product(f, outer));
        bool isFlat = more.Length == 0;
        if (inner != 1 || isFlat && a.HasBatch) left = f.Reshape(left, [.. b.HasBatch ? (long[])[-1] : [], .. isFlat ? (a.HasBatch ? (long[])[1] : []) : (long[])[Product(f, more)], k]);
        Value y = f.Emit("MatMul", [left, right]);
        bool hasBatch = a.HasBatch || b.HasBatch;
        if (outputs != 1 || more.Length > 1 && inner != 1 || isFlat && a.HasBatch) y = f.Reshape(y, [.. hasBatch ? (long[])[-1] : [], .. more, .. outer]);
        return new(y, hasBatch);
    }

    /// <summary>A (in, out) transposed times B (in).</summary>
    [Cntk("TransposeTimes", Limits = "more than two axes")]
    private static CntkValue TransposeTimes(CntkFunction f)
    {
        CntkValue a = f.Input(), b = f.Input(1);
        if (a.HasBatch || a.StaticRank != 2 || f.Int("outputRank", 1) != 1) throw f.InputError($"the left operand {a.Value.Shape} is not a constant matrix");
        return f.Like(b, f.Emit("MatMul", [b.Value, f.Transpose(a.Value, 1, 0)]));
    }

    private static long Product(CntkFunction f, long[] dims) => dims.Aggregate(1L, (p, d) => d > 0 ? checked(p * d) : throw f.InputError("a size is not known"));

    /// <summary>Kernel (w, h, in, out): [out, in, h, w] here.</summary>
    [Cntk("Convolution", Limits = "kernels that are not shared, sequential")]
    private static CntkValue Convolution(CntkFunction f)
    {
        CntkValue w = f.Input(), x = f.Input(1);
        int n = w.StaticRank - 2;
        if (n < 1 || w.HasBatch || x.StaticRank != n + 1) throw f.InputError($"a kernel {w.Value.Shape} over {x.Value.Shape} is not supported");
        if (f.Bools("sharing").Any(s => !s)) throw f.Error("kernels that are not shared are not supported");
        if (f.Bool("sequential")) throw f.Error("convolution along a sequence is not supported");
        long[] kernel = w.Dims[2..], strides = Spatial(f, "strides", n, 1), dilations = Spatial(f, "dilation", n, 1);
        long groups = Math.Max(f.Int("groups", 1), 1);
        Value input = x.HasBatch ? x.Value : f.Emit("Unsqueeze", [x.Value, f.Ints(0)]);
        if (f.Bool("transpose"))
        {
            // The kernel is that of the convolution whose direction is turned round: (w, h, out, in).
            long[] lower = new long[n], upper = new long[n];
            bool[] auto = f.Bools("autoPadding");
            long[]? size = f.Shape("outputShape") is { } s && s.Length > n && s.All(d => d > 0) ? [.. s.Take(n).Reverse()] : null;
            for (int d = 0; d < n; d++)
            {
                long given = x.Dims[1 + d], total;
                bool isAuto = Pick(auto, n - 1 - d);
                lower[d] = isAuto ? 0 : Pad(f, "lowerPad", n - 1 - d);
                upper[d] = isAuto ? 0 : Pad(f, "upperPad", n - 1 - d);
                if (!isAuto && size == null) continue;
                if (given < 0) throw f.InputError("the size of its input is not known");
                long output = size?[d] ?? given * strides[d];
                total = (given - 1) * strides[d] + (kernel[d] - 1) * dilations[d] + 1 - output;
                if (!isAuto) { if (total != lower[d] + upper[d]) throw f.Damaged("outputShape and padding contradict each other"); continue; }
                // As of the convolution from output to input: its lower padding is (kernel - 1) / 2 less half of what its last window leaves.
                lower[d] = (kernel[d] - 1) * dilations[d] / 2 - (output - ((given - 1) * strides[d] + 1)) / 2;
                upper[d] = total - lower[d];
                if (lower[d] < 0 || upper[d] < 0) throw f.Error("its padding is not supported");
            }
            Value back = f.Emit("ConvTranspose", [input, w.Value], ("kernel_shape", kernel), ("strides", strides), ("dilations", dilations), ("pads", (long[])[.. lower, .. upper]), ("group", groups));
            return f.Like(x, x.HasBatch ? back : f.Emit("Squeeze", [back, f.Ints(0)]));
        }
        Value y = f.Emit("Conv", [input, w.Value], ("kernel_shape", kernel), ("strides", strides), ("dilations", dilations), ("pads", Pads(f, x, kernel, strides, dilations, false)), ("group", groups));
        return f.Like(x, x.HasBatch ? y : f.Emit("Squeeze", [y, f.Ints(0)]));
    }

    /// <summary>poolingType 0 is the maximum, 1 the average; a window of no size is the whole picture.</summary>
    [Cntk("Pooling")]
    private static CntkValue Pooling(CntkFunction f)
    {
        CntkValue x = f.Input();
        int n = x.StaticRank - 1;
        bool isMax = f.Int("poolingType", 0) == 0;
        Value input = x.HasBatch ? x.Value : f.Emit("Unsqueeze", [x.Value, f.Ints(0)]);
        long[] given = f.Shape("poolingWindowShape") ?? [];
        Value y;
        if (given.Length == 0 || given.Any(d => d <= 0)) y = f.Emit(isMax ? "GlobalMaxPool" : "GlobalAveragePool", [input]);
        else
        {
            long[] kernel = Spatial(f, "poolingWindowShape", n, 1), strides = Spatial(f, "strides", n, 1), ones = [.. Enumerable.Repeat(1L, n)];
            if (given.Length > n && given[n] != 1) throw f.Error("pooling over channels is not supported");
            bool isCeil = f.Bool("ceilOutDim");
            var attributes = new List<(string, AttributeValue)> { ("kernel_shape", kernel), ("strides", strides), ("pads", Pads(f, x, kernel, strides, ones, isCeil)), ("ceil_mode", isCeil ? 1 : 0) };
            if (!isMax) attributes.Add(("count_include_pad", f.Bool("includePad") ? 1 : 0));
            y = f.Emit(isMax ? "MaxPool" : "AveragePool", [input], [.. attributes]);
        }
        return f.Like(x, x.HasBatch ? y : f.Emit("Squeeze", [y, f.Ints(0)]));
    }

    /// <summary>A number for each spatial axis, slowest first; a single one counts for all.</summary>
    private static long[] Spatial(CntkFunction f, string key, int n, long otherwise)
    {
        long[] given = f.Shape(key) ?? [];
        if (given.Length is not 0 and not 1 && given.Length < n) throw f.InputError($"{key} has {given.Length} axes; expected {n}");
        return [.. Enumerable.Range(0, n).Select(d => given.Length == 0 ? otherwise : given.Length == 1 ? given[0] : given[n - 1 - d]).Select(v => v > 0 ? v : throw f.Damaged($"{key} is not positive"))];
    }

    private static bool Pick(bool[] values, int axis) => values.Length > 0 && values[values.Length == 1 ? 0 : Math.Min(axis, values.Length - 1)];

    private static long Pad(CntkFunction f, string key, int axis) => f.Shape(key) is { Length: > 0 } pads ? pads[pads.Length == 1 ? 0 : Math.Min(axis, pads.Length - 1)] : 0;

    /// <summary>[begins.., ends..]. autoPadding: ceil(in / stride) windows, whose centres lie evenly: with extra = in - ((out - 1) stride + 1) the
    /// begin is (kernel - 1) / 2 - extra / 2 (ConvolveGeometry.h).</summary>
    private static long[] Pads(CntkFunction f, CntkValue x, long[] kernel, long[] strides, long[] dilations, bool isCeil)
    {
        int n = kernel.Length;
        var pads = new long[2 * n];
        bool[] auto = f.Bools("autoPadding");
        for (int d = 0; d < n; d++)
        {
            int axis = n - 1 - d;
            if (!Pick(auto, axis))
            {
                (pads[d], pads[d + n]) = (Pad(f, "lowerPad", axis), Pad(f, "upperPad", axis));
                continue;
            }
            long size = x.Dims[1 + d], span = (kernel[d] - 1) * dilations[d];
            if (strides[d] == 1) { (pads[d], pads[d + n]) = (span / 2, span - span / 2); continue; }
            if (size < 0) throw f.InputError("padding needs the size of its input");
            long output = isCeil ? (size - 1 + strides[d] - 1) / strides[d] + 1 : (size - 1) / strides[d] + 1, last = (output - 1) * strides[d];
            pads[d] = span / 2 - Math.Max(size - 1 - last, 0) / 2;
            pads[d + n] = Math.Max(last + span + 1 - size - pads[d], 0);
            if (pads[d] < 0) throw f.Error("windows smaller than the strides are not supported with automatic padding");
        }
        return pads;
    }

    /// <summary>Operands: x, scale, bias, mean, variance. Spatial: for each channel; otherwise for each number of the sample.</summary>
    [Cntk("BatchNormalization")]
    private static CntkValue BatchNormalization(CntkFunction f)
    {
        CntkValue x = f.Input();
        float epsilon = (float)f.Float("epsilon", 1e-5);
        if (f.Bool("spatial") || x.StaticRank == 1)
            return f.Like(x, f.Emit("BatchNormalization", [x.Value, .. Enumerable.Range(1, 4).Select(i => f.Reshape(f.Input(i).Value, -1))], ("epsilon", epsilon)));
        Value[] p = [.. Enumerable.Range(1, 4).Select(i => f.Reshape(f.Input(i).Value, x.Dims))];
        Value y = f.Emit("Div", [f.Emit("Sub", [x.Value, p[2]]), f.Emit("Sqrt", [f.Emit("Add", [p[3], f.Scalar(epsilon)])])]);
        return f.Like(x, f.Emit("Add", [f.Emit("Mul", [y, p[0]]), p[1]]));
    }

    /// <summary>Of the axes [beginAxis, endAxis); the others stay.</summary>
    [Cntk("Reshape")]
    private static CntkValue Reshape(CntkFunction f)
    {
        CntkValue x = f.Input();
        int rank = x.StaticRank, begin = f.Get("beginAxis")?.AxisValue?.StaticAxisIdx ?? 0, end = f.Get("endAxis")?.AxisValue?.StaticAxisIdx ?? rank;
        if (begin < 0) begin += rank;
        if (end < 0) end += rank;
        if (end > rank) end = rank; // the sentinel for the end
        if (begin < 0 || begin > end) throw f.InputError($"axes {begin} to {end} of {rank} do not exist");
        long[] dims = x.Dims, target = [.. dims[..(rank - end)], .. (f.Shape("newShape") ?? throw f.Damaged("newShape is missing")).Select(d => d < 0 ? -1 : d).Reverse(), .. dims[(rank - begin)..]];
        if (target.Contains(0)) throw f.Damaged("newShape has a size of 0");
        if (x.HasBatch && target.Any(d => d < 0))
        {
            if (!dims.All(d => d > 0) || target.Count(d => d < 0) > 1) throw f.InputError("a size is not known");
            long known = target.Where(d => d > 0).Aggregate(1L, (p, d) => checked(p * d));
            target = [.. target.Select(d => d < 0 ? dims.Aggregate(1L, (p, e) => checked(p * e)) / known : d)];
        }
        return f.Like(x, f.Reshape(x.Value, [.. x.HasBatch ? (long[])[-1] : [], .. target]));
    }

    [Cntk("Squeeze")]
    private static CntkValue Squeeze(CntkFunction f)
    {
        CntkValue x = f.Input();
        long[] axes = f.Axes(x) ?? [.. Enumerable.Range(x.Lead, x.StaticRank).Where(d => x.Value.Shape[d] == 1).Select(d => (long)d)];
        return f.Like(x, f.Emit("Squeeze", [x.Value, f.Ints(axes)]));
    }

    [Cntk("TransposeAxes")]
    private static CntkValue TransposeAxes(CntkFunction f)
    {
        CntkValue x = f.Input();
        int rank = x.StaticRank;
        long[] order = [.. Enumerable.Range(0, rank + x.Lead).Select(d => (long)d)];
        if (f.Axes(x) is { } permutation)
        {
            if (permutation.Length != rank) throw f.InputError($"{permutation.Length} axes of {rank} are ordered");
            // Axis i of the result is axis permutation[i]; counted from the fastest one.
            for (int i = 0; i < rank; i++) order[x.Lead + rank - 1 - i] = permutation[i];
        }
        else
        {
            long a = f.Position(x, f.Get("axis1")?.AxisValue), b = f.Position(x, f.Get("axis2")?.AxisValue);
            (order[a], order[b]) = (order[b], order[a]);
        }
        return f.Like(x, f.Transpose(x.Value, order));
    }

    [Cntk("Splice", Limits = "along the batch or a sequence")]
    private static CntkValue Splice(CntkFunction f)
    {
        CntkValue[] parts = [.. Enumerable.Range(0, f.InputCount).Select(f.Input)];
        CntkValue first = parts.MaxBy(p => p.StaticRank);
        int at = f.Get("axis")?.AxisValue?.StaticAxisIdx ?? 0, more = at < int.MaxValue - 16 ? Math.Max(at + 1 - first.StaticRank, 0) : 0;
        if (parts.Any(p => p.HasBatch != first.HasBatch)) throw f.InputError("joining values with and without a batch is not supported");
        long axis = f.Position(first, f.Get("axis")?.AxisValue, more);
        int rank = first.StaticRank + more;
        Value[] values = [.. parts.Select(p => p.StaticRank == rank ? p.Value : f.Emit("Unsqueeze", [p.Value, f.Ints([.. Enumerable.Range(p.Lead, rank - p.StaticRank).Select(d => (long)d)])]))];
        return f.Like(first, f.Emit("Concat", [.. values], ("axis", axis)));
    }

    /// <summary>An end of 0 or less counts from the end.</summary>
    [Cntk("Slice", Limits = "along the batch or a sequence")]
    private static CntkValue Slice(CntkFunction f)
    {
        CntkValue x = f.Input();
        long[] axes = f.Axes(x) ?? throw f.Damaged("axis is missing"), begins = f.Ints("beginIndex") ?? throw f.Error("beginIndex is missing"), ends = f.Ints("endIndex") ?? throw f.Error("endIndex is missing");
        long[] steps = f.Ints("sliceStrides") ?? [.. Enumerable.Repeat(1L, axes.Length)];
        return f.Like(x, f.Emit("Slice", [x.Value, f.Ints(begins), f.Ints([.. ends.Select(e => e == 0 ? long.MaxValue : e)]), f.Ints(axes), f.Ints(steps)]));
    }

    [Cntk("ReduceElements", Notes = "Sum, Mean, Max, Min, Prod, LogSum, Argmax, Argmin", Limits = "along the batch or a sequence")]
    private static CntkValue Reduce(CntkFunction f)
    {
        CntkValue x = f.Input();
        string name = f.Text("reductionOpName");
        long[]? given = f.Axes(x);
        long[] axes = given ?? [.. Enumerable.Range(x.Lead, x.StaticRank).Select(d => (long)d)];
        long keep = given != null && f.Bool("reductionKeepDimensions", true) ? 1 : 0;
        if (axes.Length == 0) return x;
        if (name is "Argmax" or "Argmin")
        {
            if (axes.Length != 1) throw f.InputError("the place of an extreme over several axes is not supported");
            return f.Like(x, f.Cast(f.Emit(name == "Argmax" ? "ArgMax" : "ArgMin", [x.Value], ("axis", axes[0]), ("keepdims", keep)), DType.Float32));
        }
        string opType = name switch { "Sum" => "ReduceSum", "Mean" => "ReduceMean", "Max" => "ReduceMax", "Min" => "ReduceMin", "Prod" => "ReduceProd", "LogSum" => "ReduceLogSumExp", _ => throw f.Error($"reduction '{name}' is not supported") };
        return f.Like(x, f.Emit(opType, [x.Value, f.Ints(axes)], ("keepdims", keep)));
    }

    [Cntk("Pad")]
    private static CntkValue Pad(CntkFunction f)
    {
        CntkValue x = f.Input();
        long[] head = f.Ints("paddingHead") ?? [], foot = f.Ints("paddingFoot") ?? [], mode = [f.Int("paddingMode", 0)];
        if (head.Length != x.StaticRank || foot.Length != x.StaticRank) throw f.InputError($"{head.Length} paddings for {x.StaticRank} axes");
        if (mode[0] is not (0 or 1)) throw f.Error("symmetric padding is not supported");
        long[] lead = new long[x.Lead];
        return f.Like(x, f.Emit("Pad", [x.Value, f.Ints([.. lead, .. head.Reverse(), .. lead, .. foot.Reverse()]), f.Scalar(f.Float("paddingConstantValue", 0))], ("mode", mode[0] == 1 ? "reflect" : "constant")));
    }
}
