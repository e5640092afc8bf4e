using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.TensorFlow.Operators;

/// <summary>Operators on shapes, and those that rearrange without computing.</summary>
internal static class Shapes
{
    [TensorFlow("Reshape")]
    private static void Reshape(TfNode n) => n.Set(n.ReshapeTo(n.In(0), n.In(1)));

    [TensorFlow("Shape")]
    private static void Shape(TfNode n) => n.Set(n.Cast(n.ShapeOf(n.In(0)), n.Type("out_type", DType.Int32)));

    [TensorFlow("ShapeN")]
    private static void ShapeN(TfNode n)
    {
        for (int i = 0; i < n.InputCount; i++) n.Set(i, n.Cast(n.ShapeOf(n.In(i)), n.Type("out_type", DType.Int32)));
    }

    [TensorFlow("Size")]
    private static void Size(TfNode n) => n.Set(n.Cast(n.Emit("ReduceProd", [n.ShapeOf(n.In(0))], ("keepdims", 0)), n.Type("out_type", DType.Int32)));

    [TensorFlow("Rank")]
    private static void Rank(TfNode n) => n.Set(n.Scalar(DType.Int32, n.Rank(0)));

    [TensorFlow("ExpandDims")]
    private static void ExpandDims(TfNode n) => n.Set(n.Unsqueeze(n.In(0), n.RequiredInts(1, "the axis")[0]));

    [TensorFlow("Squeeze")]
    private static void Squeeze(TfNode n)
    {
        long[] axes = n.Ints("squeeze_dims");
        if (axes.Length == 0) axes = n.Ints("axis");
        if (axes.Length > 0) n.Set(n.Squeeze(n.In(0), axes));
        else if (n.In(0).Shape is { IsRanked: true } shape) n.Set(n.Squeeze(n.In(0), [.. Enumerable.Range(0, shape.Rank).Where(i => shape[i] == 1).Select(i => (long)i)]));
        else n.Set(n.Emit("Squeeze", [n.In(0)]));
    }

    [TensorFlow("Transpose", "ConjugateTranspose")]
    private static void Transpose(TfNode n) => n.Set(n.Transpose(n.In(0), n.RequiredInts(1, "the permutation")));

    [TensorFlow("ConcatV2")]
    private static void ConcatV2(TfNode n) => Concat(n, 0, n.InputCount - 1, n.InputCount - 1);

    [TensorFlow("Concat")]
    private static void ConcatV1(TfNode n) => Concat(n, 1, n.InputCount, 0);

    private static void Concat(TfNode n, int from, int to, int axis)
    {
        Value[] parts = [.. n.All(from, to)];
        long at = n.RequiredInts(axis, "the axis")[0];
        n.Set(parts.Length == 1 ? parts[0] : n.Emit("Concat", parts, ("axis", n.Axis(at, n.RankOf(parts[0])))));
    }

    [TensorFlow("ParallelConcat")]
    private static void ParallelConcat(TfNode n) => n.Set(n.InputCount == 1 ? n.In(0) : n.Emit("Concat", n.All(), ("axis", 0)));

    [TensorFlow("Pack")]
    private static void Pack(TfNode n)
    {
        Value[] x = n.All();
        long axis = n.Axis(n.Int("axis"), n.Rank(0) + 1);
        n.Set(n.Concat(axis, [.. x.Select(v => n.Unsqueeze(v, axis))]));
    }

    [TensorFlow("Unpack")]
    private static void Unpack(TfNode n)
    {
        Value x = n.In(0);
        int count = n.Count("num"), axis = n.Axis(n.Int("axis"), n.RankOf(x));
        for (int i = 0; i < count; i++) n.Set(i, n.Emit("Gather", [x, n.Scalar(DType.Int64, i)], ("axis", axis)));
    }

    [TensorFlow("Split")]
    private static void Split(TfNode n)
    {
        int count = n.Count("num_split", 1);
        Value x = n.In(1);
        int axis = n.Axis(n.RequiredInts(0, "the axis")[0], n.RankOf(x));
        SetAll(n, count == 1 ? [x] : n.EmitMany("Split", count, [x], ("axis", axis), ("num_outputs", count)));
    }

    [TensorFlow("SplitV")]
    private static void SplitV(TfNode n)
    {
        Value x = n.In(0);
        int axis = n.Axis(n.RequiredInts(2, "the axis")[0], n.RankOf(x));
        long[] sizes = n.RequiredInts(1, "the sizes");
        if (sizes.Contains(-1))
        {
            if (x.Shape[axis] < 0) throw n.InputError("the size that is split must be known");
            long rest = x.Shape[axis] - sizes.Where(s => s >= 0).Sum();
            sizes = [.. sizes.Select(s => s < 0 ? rest : s)];
        }
        SetAll(n, sizes.Length == 1 ? [x] : n.EmitMany("Split", sizes.Length, [x, n.Vector(sizes)], ("axis", axis)));
    }

    private static void SetAll(TfNode n, Value[] values)
    {
        for (int i = 0; i < values.Length; i++) n.Set(i, values[i]);
    }

    [TensorFlow("Tile")]
    private static void Tile(TfNode n) => n.Set(n.Emit("Tile", [n.In(0), n.Int64(1)]));

    [TensorFlow("BroadcastTo")]
    private static void BroadcastTo(TfNode n) => n.Set(n.Emit("Expand", [n.In(0), n.Int64(1)]));

    /// <summary>The shape that both shapes broadcast to.</summary>
    [TensorFlow("BroadcastArgs")]
    private static void BroadcastArgs(TfNode n)
    {
        long[] a = n.RequiredInts(0, "the first shape"), b = n.RequiredInts(1, "the second shape");
        int rank = Math.Max(a.Length, b.Length);
        a = [.. Enumerable.Repeat(1L, rank - a.Length), .. a];
        b = [.. Enumerable.Repeat(1L, rank - b.Length), .. b];
        n.Set(n.Cast(n.Vector([.. a.Zip(b, (x, y) => x == 1 ? y : x)]), n.In(0).DType));
    }

    [TensorFlow("Fill")]
    private static void Fill(TfNode n) => n.Set(n.ConstantInts(0) is { Length: 0 } ? n.In(1) : n.Emit("Expand", [n.In(1), n.Int64(0)]));

    [TensorFlow("Empty")]
    private static void Empty(TfNode n) => n.Set(n.Emit("Expand", [n.Scalar(n.Type("dtype"), 0), n.Int64(0)]));

    [TensorFlow("Range")]
    private static void Range(TfNode n) => n.Set(n.Emit("Range", n.All()));

    [TensorFlow("LinSpace")]
    private static void LinSpace(TfNode n)
    {
        Value start = n.In(0), stop = n.In(1);
        long count = n.RequiredInts(2, "the number of points")[0];
        if (count is < 1 or > 1 << 24) throw n.Damaged($"{count} points");
        var steps = new Tensor(start.DType, new Shape(count));
        for (long i = 0; i < count; i++) steps.SetDouble(i, count == 1 ? 0 : (double)i / (count - 1));
        n.Set(n.Add(start, n.Mul(n.Sub(stop, start), n.Const(steps))));
    }

    [TensorFlow("ReverseV2")]
    private static void ReverseV2(TfNode n) => n.Set(Reversed(n, n.In(0), n.RequiredInts(1, "the axes")));

    [TensorFlow("Reverse")]
    private static void Reverse(TfNode n)
    {
        Tensor marked = n.In(1).Constant ?? throw n.InputError("axes that are computed by the model are not supported");
        n.Set(Reversed(n, n.In(0), [.. Enumerable.Range(0, (int)marked.Count).Where(i => marked.GetInt64(i) != 0).Select(i => (long)i)]));
    }

    private static Value Reversed(TfNode n, Value x, long[] axes)
    {
        if (axes.Length == 0) return x;
        long[] ones = [.. axes.Select(_ => -1L)], ends = [.. axes.Select(_ => long.MinValue)];
        return n.Emit("Slice", [x, n.Vector(ones), n.Vector(ends), n.Vector(axes), n.Vector(ones)]);
    }

    [TensorFlow("ReverseSequence")]
    private static void ReverseSequence(TfNode n)
    {
        Value x = n.In(0);
        int rank = n.RankOf(x), batch = n.Axis(n.Int("batch_dim"), rank), time = n.Axis(n.Int("seq_dim"), rank);
        long[] order = [batch, time, .. Enumerable.Range(0, rank).Where(i => i != batch && i != time).Select(i => (long)i)];
        Value y = n.Emit("ReverseSequence", [n.Transpose(x, order), n.Int64(1)], ("batch_axis", 0), ("time_axis", 1));
        n.Set(n.Transpose(y, [.. Enumerable.Range(0, rank).Select(i => (long)Array.IndexOf(order, i))]));
    }

    /// <summary>Element i goes to i + shift, around the end.</summary>
    [TensorFlow("Roll")]
    private static void Roll(TfNode n)
    {
        Value x = n.In(0);
        long[] shifts = n.RequiredInts(1, "the shifts"), axes = n.RequiredInts(2, "the axes");
        for (int i = 0; i < axes.Length; i++)
        {
            long axis = n.Axis(axes[i], n.RankOf(x)), size = x.Shape[(int)axis], shift = shifts[i];
            if (size >= 0 && size > 0) shift = (shift % size + size) % size;
            if (shift == 0 || size == 0) continue;
            x = n.Concat(axis, n.Slice(x, axis, -shift, long.MaxValue), n.Slice(x, axis, 0, -shift));
        }
        n.Set(x);
    }

    [TensorFlow("InvertPermutation")]
    private static void InvertPermutation(TfNode n)
    {
        Value x = n.In(0);
        Value count = n.Emit("Gather", [n.ShapeOf(x), n.Scalar(DType.Int64, 0)], ("axis", 0));
        Value order = n.Cast(n.Emit("Range", [n.Scalar(DType.Int64, 0), count, n.Scalar(DType.Int64, 1)]), x.DType);
        n.Set(n.Emit("ScatterElements", [order, n.Int64(0), order], ("axis", 0)));
    }

    [TensorFlow("Pad", "PadV2")]
    private static void Pad(TfNode n)
    {
        Value value = n.HasInput(2) ? n.Reshape(n.In(2), []) : n.Number(n.In(0), 0);
        n.Set(n.Emit("Pad", [n.In(0), Pads(n, n.Int64(1)), value]));
    }

    /// <summary>TensorFlow's [rank, 2] as all befores, then all afters.</summary>
    private static Value Pads(TfNode n, Value pairs) => n.Reshape(n.Transpose(pairs, 1, 0), -1);

    /// <summary>REFLECT leaves the border out; SYMMETRIC repeats it, which ONNX lacks: an index list for each axis.</summary>
    [TensorFlow("MirrorPad")]
    private static void MirrorPad(TfNode n)
    {
        Value x = n.In(0);
        if (n.String("mode", "REFLECT") == "REFLECT")
        {
            n.Set(n.Emit("Pad", [x, Pads(n, n.Int64(1))], ("mode", "reflect")));
            return;
        }
        long[] pairs = n.RequiredInts(1, "the paddings");
        for (int axis = 0; axis < pairs.Length / 2; axis++)
        {
            long before = pairs[2 * axis], after = pairs[2 * axis + 1], size = x.Shape[axis];
            if (before == 0 && after == 0) continue;
            if (size < 0) throw n.InputError("the input size must be known");
            if (before > size || after > size || before < 0 || after < 0) throw n.Damaged($"padding {before} and {after} of an axis of {size}");
            var index = new List<long>();
            for (long i = before - 1; i >= 0; i--) index.Add(i);
            for (long i = 0; i < size; i++) index.Add(i);
            for (long i = 0; i < after; i++) index.Add(size - 1 - i);
            x = n.Emit("Gather", [x, n.Vector([.. index])], ("axis", axis));
        }
        n.Set(x);
    }

    [TensorFlow("DepthToSpace", "SpaceToDepth")]
    private static void Blocks(TfNode n)
    {
        bool last = n.IsChannelsLast;
        Value x = last ? n.ToChannelsFirst(n.In(0)) : n.In(0);
        Value y = n.Emit(n.Op, [x], ("blocksize", n.Int("block_size")));
        n.Set(last ? n.ToChannelsLast(y) : y);
    }

    [TensorFlow("SpaceToBatchND")]
    private static void SpaceToBatchNd(TfNode n) => n.Set(SpaceToBatch(n, n.In(0), n.RequiredInts(1, "the block shape"), n.Int64(2)));

    [TensorFlow("SpaceToBatch")]
    private static void SpaceToBatch(TfNode n)
    {
        long block = n.Int("block_size");
        n.Set(SpaceToBatch(n, n.In(0), [block, block], n.Int64(1)));
    }

    [TensorFlow("BatchToSpaceND")]
    private static void BatchToSpaceNd(TfNode n) => n.Set(BatchToSpace(n, n.In(0), n.RequiredInts(1, "the block shape"), n.Int64(2)));

    [TensorFlow("BatchToSpace")]
    private static void BatchToSpace(TfNode n)
    {
        long block = n.Int("block_size");
        n.Set(BatchToSpace(n, n.In(0), [block, block], n.Int64(1)));
    }

    /// <summary>[N, S.., rest] padded -> [N, S/b, b, ..] -> the blocks before N -> [prod(b) * N, S/b.., rest].</summary>
    private static Value SpaceToBatch(TfNode n, Value x, long[] block, Value pads)
    {
        int rank = n.RankOf(x), m = block.Length;
        if (!(pads.Constant is { } known && known.ToInt64Array().All(p => p == 0)))
        {
            // [m, 2] -> begins of all axes, then ends
            Value Column(long i) => n.Concat(0, n.Vector(0), n.Reshape(n.Slice(pads, 1, i, i + 1), -1), n.Vector(new long[rank - m - 1]));
            x = n.Emit("Pad", [x, n.Concat(0, Column(0), Column(1))]);
        }
        List<long> order = [];
        List<Value?> split = [Dim(n, x, 0)], joined = [n.Vector(-1)];
        for (int i = 0; i < m; i++)
        {
            Value size = n.Div(Dim(n, x, i + 1), n.Vector(block[i]));
            split.AddRange([size, n.Vector(block[i])]);
            joined.Add(size);
            order.Add(2 + 2 * i);
        }
        order.Add(0);
        for (int i = 0; i < m; i++) order.Add(1 + 2 * i);
        for (int i = m + 1; i < rank; i++)
        {
            order.Add(split.Count);
            split.Add(Dim(n, x, i));
            joined.Add(Dim(n, x, i));
        }
        return n.ReshapeTo(n.Transpose(n.ReshapeTo(x, n.Concat(0, [.. split])), [.. order]), n.Concat(0, [.. joined]));
    }

    /// <summary>The inverse: [prod(b) * N, S.., rest] -> [N, S * b.., rest], cropped.</summary>
    private static Value BatchToSpace(TfNode n, Value x, long[] block, Value crops)
    {
        int rank = n.RankOf(x), m = block.Length;
        List<long> order = [m];
        List<Value?> split = [.. block.Select(b => n.Vector(b)), n.Vector(-1)], joined = [n.Vector(-1)];
        for (int i = 0; i < m; i++)
        {
            order.AddRange([m + 1 + i, i]);
            split.Add(Dim(n, x, i + 1));
            joined.Add(n.Mul(Dim(n, x, i + 1), n.Vector(block[i])));
        }
        for (int i = m + 1; i < rank; i++)
        {
            order.Add(split.Count);
            split.Add(Dim(n, x, i));
            joined.Add(Dim(n, x, i));
        }
        Value y = n.ReshapeTo(n.Transpose(n.ReshapeTo(x, n.Concat(0, [.. split])), [.. order]), n.Concat(0, [.. joined]));
        if (crops.Constant?.ToInt64Array() is not { } known)
        {
            Value Column(long i) => n.Reshape(n.Slice(crops, 1, i, i + 1), -1);
            Value ends = n.Sub(n.Slice(n.ShapeOf(y), 0, 1, m + 1), Column(1));
            return n.Emit("Slice", [y, Column(0), ends, n.Vector([.. Enumerable.Range(1, m).Select(i => (long)i)])]);
        }
        for (int i = 0; i < m; i++)
        {
            long end = known[2 * i + 1] == 0 ? long.MaxValue : -known[2 * i + 1];
            if (known[2 * i] != 0 || known[2 * i + 1] != 0) y = n.Slice(y, i + 1, known[2 * i], end);
        }
        return y;
    }

    /// <summary>One size of a tensor, as a vector of one entry.</summary>
    private static Value Dim(TfNode n, Value x, int axis) =>
        x.Shape[axis] >= 0 ? n.Vector(x.Shape[axis]) : n.Emit("Slice", [n.ShapeOf(x), n.Vector(axis), n.Vector(axis + 1)]);

    /// <summary>Windows of the image side by side in the channels: [N, rows, columns, kh * kw * C].</summary>
    [TensorFlow("ExtractImagePatches", Limits = "a free number of channels")]
    private static void Patches(TfNode n)
    {
        long[] sizes = n.Ints("ksizes"), strides = n.Ints("strides"), rates = n.Ints("rates");
        Value x = n.In(0);
        long channels = x.Shape[3];
        if (channels < 0 || x.DType is not (DType.Float32 or DType.Float64)) x = n.Cast(x, DType.Float32);
        if (channels < 0) throw n.InputError("the number of channels must be known");
        long kh = sizes[1], kw = sizes[2];
        var pick = new Tensor(x.DType, new Shape(kh * kw * channels, channels, kh, kw));
        for (long i = 0; i < kh; i++)
            for (long j = 0; j < kw; j++)
                for (long c = 0; c < channels; c++) pick.SetDouble(((((i * kw + j) * channels + c) * channels + c) * kh + i) * kw + j, 1);
        Value y = Convolutions.Convolve(n, n.ToChannelsFirst(x), n.Const(pick), [kh, kw], [strides[1], strides[2]], [rates[1], rates[2]], 1, n.String("padding"), null);
        n.Set(n.Cast(n.ToChannelsLast(y), n.In(0).DType));
    }
}
