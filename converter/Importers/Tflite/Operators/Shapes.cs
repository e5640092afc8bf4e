using EdgeLite.Converter.Ir;
using EdgeLite.Core;
using EdgeLite.Ops;

namespace EdgeLite.Converter.Importers.Tflite.Operators;

/// <summary>Operators that rearrange, join and split tensors, and those that make shapes and constants.</summary>
internal static class Shapes
{
    [Tflite(TfliteOp.RESHAPE)]
    private static void Reshape(TfliteNode n)
    {
        if (n.HasInput(1) && n.Constant(1) == null)
        {
            n.Move(x => n.Emit("Reshape", [x, n.Int64(1)]));
            return;
        }
        long[] shape = n.ConstantInts(1) ?? [.. n.Options.Scalars<int>(TfliteOption.Reshape.NewShape).ToArray().Select(d => (long)d)];
        if (!n.HasInput(1) && shape.Length == 0) shape = n.Output(0).Dims ?? [];
        // Where the batch is open and the file names its size at conversion, the open dimension is the one to be computed.
        long[]? dims = n.Output(0).Dims;
        if (dims != null && dims.Length == shape.Length && dims.Count(d => d < 0) == 1 && !shape.Contains(-1)) shape = dims;
        n.Move(x => n.Emit("Reshape", [x, n.Ints(shape)], ("allowzero", shape.Contains(0) ? 1 : 0)));
    }

    [Tflite(TfliteOp.SQUEEZE)]
    private static void Squeeze(TfliteNode n)
    {
        long[] dims = [.. n.Options.Scalars<int>(TfliteOption.Squeeze.Dims).ToArray().Select(d => (long)d)];
        n.Move(x => dims.Length == 0 ? n.Emit("Squeeze", [x]) : n.Emit("Squeeze", [x, n.Ints(dims)]));
    }

    [Tflite(TfliteOp.EXPAND_DIMS)]
    private static void ExpandDims(TfliteNode n)
    {
        long axis = n.RequiredInts(1, "the axis")[0];
        n.Move(x => n.Emit("Unsqueeze", [x, n.Ints(axis)]));
    }

    [Tflite(TfliteOp.TRANSPOSE)]
    private static void Transpose(TfliteNode n)
    {
        long[] permutation = n.RequiredInts(1, "the permutation");
        if (!permutation.Order().SequenceEqual(Enumerable.Range(0, n.Input(0).Rank).Select(i => (long)i)))
            throw n.Damaged($"[{string.Join(',', permutation)}] is no permutation of {n.Input(0).Rank} axes");
        n.Move(x => n.Transpose(x, permutation));
    }

    [Tflite(TfliteOp.CONCATENATION)]
    private static void Concatenation(TfliteNode n)
    {
        int axis = n.Options.Int32(TfliteOption.Concatenation.Axis), activation = n.Options.Int8(TfliteOption.Concatenation.Activation);
        int[] inputs = [.. Enumerable.Range(0, n.InputCount)];
        if (activation == 0 && inputs.All(i => n.SameQuantization(i, 0)))
            n.SetRaw(0, n.Emit("Concat", [.. inputs.Select(n.Raw)], ("axis", axis)));
        else
            n.SetReal(0, n.Activate(n.Emit("Concat", [.. inputs.Select(n.Real)], ("axis", axis)), activation));
    }

    [Tflite(TfliteOp.SPLIT)]
    private static void Split(TfliteNode n)
    {
        long axis = n.RequiredInts(0, "the axis")[0];
        SplitInto(n, 1, axis, n.EmitMany("Split", n.OutputCount, [n.Raw(1)], AttributeSet.Of(("axis", axis), ("num_outputs", n.OutputCount))));
    }

    [Tflite(TfliteOp.SPLIT_V, Limits = "an open size of a free axis")]
    private static void SplitV(TfliteNode n)
    {
        long axis = n.RequiredInts(2, "the axis")[0];
        long[] sizes = n.RequiredInts(1, "the sizes");
        int open = Array.IndexOf(sizes, -1);
        if (open >= 0)
        {
            long size = n.Input(0).Dims![n.Axis(axis, n.Input(0).Rank)];
            if (size < 0) throw n.Error("one size of a split is open and the input size is not known");
            sizes[open] = size - (sizes.Sum() + 1);
        }
        SplitInto(n, 0, axis, n.EmitMany("Split", n.OutputCount, [n.Raw(0), n.Ints(sizes)], AttributeSet.Of(("axis", axis))));
    }

    private static void SplitInto(TfliteNode n, int input, long axis, Value[] parts)
    {
        _ = n.Axis(axis, n.Input(input).Rank);
        for (int i = 0; i < parts.Length; i++)
        {
            if (!n.SameQuantization(input, i)) throw n.Error("input and outputs have different scales");
            n.SetRaw(i, parts[i]);
        }
    }

    [Tflite(TfliteOp.PACK)]
    private static void Pack(TfliteNode n)
    {
        int axis = n.Axis(n.Options.Int32(TfliteOption.Pack.Axis), n.Input(0).Rank + 1);
        bool raw = Enumerable.Range(0, n.InputCount).All(i => n.SameQuantization(i, 0));
        Value[] parts = [.. Enumerable.Range(0, n.InputCount).Select(i => n.Emit("Unsqueeze", [raw ? n.Raw(i) : n.Real(i), n.Ints(axis)]))];
        Value y = n.Emit("Concat", parts, ("axis", axis));
        if (raw) n.SetRaw(0, y);
        else n.SetReal(0, y);
    }

    [Tflite(TfliteOp.UNPACK)]
    private static void Unpack(TfliteNode n)
    {
        long axis = n.Axis(n.Options.Int32(TfliteOption.Unpack.Axis), n.Input(0).Rank);
        Value[] parts = n.EmitMany("Split", n.OutputCount, [n.Raw(0)], AttributeSet.Of(("axis", axis), ("num_outputs", n.OutputCount)));
        SplitInto(n, 0, axis, [.. parts.Select(p => n.Emit("Squeeze", [p, n.Ints(axis)]))]);
    }

    [Tflite(TfliteOp.TILE)]
    private static void Tile(TfliteNode n) => n.Move(x => n.Emit("Tile", [x, n.Int64(1)]));

    [Tflite(TfliteOp.BROADCAST_TO)]
    private static void BroadcastTo(TfliteNode n) => n.Move(x => n.Emit("Expand", [x, n.Int64(1)]));

    [Tflite(TfliteOp.REVERSE_V2)]
    private static void Reverse(TfliteNode n)
    {
        long[] axes = n.RequiredInts(1, "the axes");
        long[] minusOne = [.. axes.Select(_ => -1L)], ends = [.. axes.Select(_ => long.MinValue + 1)];
        n.Move(x => n.Emit("Slice", [x, n.Ints(minusOne), n.Ints(ends), n.Ints(axes), n.Ints(minusOne)]));
    }

    [Tflite(TfliteOp.REVERSE_SEQUENCE, Limits = "axes other than 0 and 1")]
    private static void ReverseSequence(TfliteNode n)
    {
        int time = n.Options.Int32(TfliteOption.ReverseSequence.SeqDim), batch = n.Options.Int32(TfliteOption.ReverseSequence.BatchDim);
        if (time + batch != 1 || time is not (0 or 1)) throw n.Error($"sequence axis {time} and batch axis {batch}; only 0 and 1 are supported");
        n.Move(x => n.Emit("ReverseSequence", [x, n.Int64(1)], ("time_axis", time), ("batch_axis", batch)));
    }

    [Tflite(TfliteOp.SHAPE)]
    private static void ShapeOf(TfliteNode n)
    {
        Value shape = n.Emit("Shape", [n.Raw(0)]);
        n.SetRaw(0, n.Output(0).DType == DType.Int64 ? shape : n.Cast(shape, n.Output(0).DType));
    }

    [Tflite(TfliteOp.RANK)]
    private static void Rank(TfliteNode n) => n.SetRaw(0, n.Scalar(n.Output(0).DType, n.Input(0).Rank));

    [Tflite(TfliteOp.FILL)]
    private static void Fill(TfliteNode n) => n.SetRaw(0, n.Emit("Expand", [n.Raw(1), n.Int64(0)]));

    [Tflite(TfliteOp.RANGE)]
    private static void Range(TfliteNode n) => n.SetRaw(0, n.Emit("Range", [Scalar(n, 0), Scalar(n, 1), Scalar(n, 2)]));

    private static Value Scalar(TfliteNode n, int i) => n.Input(i).Dims is { Length: 0 } ? n.Raw(i) : n.Reshape(n.Raw(i), []);

    [Tflite(TfliteOp.CUMSUM)]
    private static void Cumsum(TfliteNode n) => n.SetReal(0, n.Emit("CumSum", [n.Real(0), n.Int64(1)],
        ("exclusive", n.Options.Bool(TfliteOption.Cumsum.Exclusive) ? 1 : 0), ("reverse", n.Options.Bool(TfliteOption.Cumsum.Reverse) ? 1 : 0)));

    /// <summary>The shape that two shapes broadcast to.</summary>
    [Tflite(TfliteOp.BROADCAST_ARGS, Limits = "a result of unknown rank")]
    private static void BroadcastArgs(TfliteNode n)
    {
        long rank = n.Output(0).Dims is [> 0 and long known] ? known : throw n.InputError("the rank of the result is not known");
        Value[] shapes = [Filled(0), Filled(1)];
        Value y = n.Emit("Where", [n.Emit("Equal", [shapes[0], n.Int(1)]), shapes[1], shapes[0]]);
        n.SetRaw(0, n.Cast(y, n.Output(0).DType));

        // With ones in front.
        Value Filled(int i)
        {
            Value missing = n.Emit("Sub", [n.Ints(rank), n.Emit("Shape", [n.Raw(i)])]);
            return n.Emit("Pad", [n.Int64(i), n.Emit("Concat", [missing, n.Ints(0)], ("axis", 0)), n.Int(1)]);
        }
    }

    [Tflite(TfliteOp.BITCAST, Limits = "types of different width")]
    private static void Bitcast(TfliteNode n)
    {
        if (n.Input(0).DType.Bits() != n.Output(0).DType.Bits()) throw n.Error($"{n.Input(0).DType.Name()} as {n.Output(0).DType.Name()} is not supported: their widths differ");
        n.SetRaw(0, n.Emit("BitCast", [n.Raw(0)], ("to", (long)n.Output(0).DType)));
    }

    /// <summary>Every dimension d becomes (d - 1) * dilation + 1, filled with input 2 between.</summary>
    [Tflite(TfliteOp.DILATE, Limits = "dilations that are computed, free sizes")]
    private static void Dilate(TfliteNode n)
    {
        long[] dilations = n.RequiredInts(1, "the dilations"), dims = n.Input(0).Dims is { } known && known.All(d => d > 0) ? known : throw n.Error("the shape of the input is not known");
        n.SetRaw(0, Dilated(n, n.Raw(0), dims, dilations, n.Emit("Reshape", [n.Raw(2), n.Ints()])));
    }

    /// <summary>x of the sizes <paramref name="dims"/> with a scalar between its elements.</summary>
    internal static Value Dilated(TfliteNode n, Value x, long[] dims, long[] dilations, Value filler)
    {
        for (int d = 0; d < dims.Length; d++)
        {
            if (dilations[d] == 1 || dims[d] == 0) continue;
            int rank = dims.Length;
            var pads = new long[2 * (rank + 1)];
            pads[rank + 1 + d + 1] = dilations[d] - 1;
            x = n.Emit("Pad", [n.Emit("Unsqueeze", [x, n.Ints(d + 1)]), n.Ints(pads), filler]);
            dims = [.. dims];
            dims[d] *= dilations[d];
            x = n.Reshape(x, dims);
            dims[d] -= dilations[d] - 1;
            x = n.Emit("Slice", [x, n.Ints(0), n.Ints(dims[d]), n.Ints(d)]);
        }
        return x;
    }

    /// <summary>x[.., n] on the diagonals of [.., n, n].</summary>
    [Tflite(TfliteOp.MATRIX_DIAG)]
    private static void MatrixDiag(TfliteNode n) =>
        n.SetRaw(0, n.Emit("Where", [Diagonal(n, n.Input(0).Dims![^1], n.Input(0).Dims![^1]), n.Emit("Unsqueeze", [n.Raw(0), n.Ints(-1)]), n.Scalar(n.Output(0).DType, 0)]));

    /// <summary>A matrix whose diagonal is replaced; the diagonal has min(rows, columns) elements, others are not read.</summary>
    [Tflite(TfliteOp.MATRIX_SET_DIAG, Limits = "free sizes")]
    private static void MatrixSetDiag(TfliteNode n)
    {
        long rows = n.Input(0).Dims![^2], columns = n.Input(0).Dims![^1];
        Value diagonal = n.Emit("Unsqueeze", [n.Raw(1), n.Ints(rows <= columns ? -1 : -2)]);
        n.SetRaw(0, n.Emit("Where", [Diagonal(n, rows, columns), diagonal, n.Raw(0)]));
    }

    private static Value Diagonal(TfliteNode n, long rows, long columns)
    {
        if (rows < 0 || columns < 0 || rows * columns > 1 << 26) throw n.Error("the size of the matrix must be known and moderate");
        var mask = new Tensor(DType.Bool, new Shape(rows, columns));
        for (long i = 0; i < Math.Min(rows, columns); i++) mask.SetInt64(i * columns + i, 1);
        return n.Constant("diagonal", mask);
    }
}
