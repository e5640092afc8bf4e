using EdgeLite.Converter.Ir;
using EdgeLite.Core;
using EdgeLite.Format;

namespace EdgeLite.Converter.Importers.Tflite.Operators;

/// <summary>Pooling, and moves between depth, space and batch.</summary>
internal static class Pooling
{
    /// <summary>int16 is averaged as it is and rounded half away from zero (reference/integer_ops/pooling.h); integer layers do so with int8.</summary>
    [Tflite(TfliteOp.AVERAGE_POOL_2D)]
    private static void AveragePool(TfliteNode n)
    {
        int activation = n.Options.Int8(TfliteOption.Pool2D.Activation);
        if (n.Output(0).DType != DType.Int16 || !n.Output(0).IsQuantizedActivation || !n.SameQuantization(0, 0) || activation > 1)
        {
            n.SetRealChannelsFirst(0, n.Activate(Pool(n, "AveragePool", n.RealChannelsFirst(0)), activation));
            return;
        }
        // Exact for windows of up to 255 elements: then the steps of float32 are finer than the distance of a mean from a half.
        Value mean = n.Activate(Pool(n, "AveragePool", n.Cast(n.RawChannelsFirst(0), DType.Float32)), activation);
        Value rounded = n.Emit("Mul", [n.Emit("Sign", [mean]), n.Emit("Floor", [n.Emit("Add", [n.Emit("Abs", [mean]), n.Scalar(0.5f)])])]);
        n.SetRawChannelsFirst(0, n.Cast(rounded, DType.Int16));
    }

    /// <summary>Integers are pooled as they are where input and output have one scale, which TFLite requires.</summary>
    [Tflite(TfliteOp.MAX_POOL_2D)]
    private static void MaxPool(TfliteNode n)
    {
        int activation = n.Options.Int8(TfliteOption.Pool2D.Activation);
        if (activation == 0 && n.SameQuantization(0, 0)) n.SetRawChannelsFirst(0, Pool(n, "MaxPool", n.RawChannelsFirst(0)));
        else n.SetRealChannelsFirst(0, n.Activate(Pool(n, "MaxPool", n.RealChannelsFirst(0)), activation));
    }

    /// <summary>The root of the mean of squares.</summary>
    [Tflite(TfliteOp.L2_POOL_2D)]
    private static void L2Pool(TfliteNode n)
    {
        Value x = n.RealChannelsFirst(0);
        Value mean = Pool(n, "AveragePool", n.Emit("Mul", [x, x]));
        n.SetRealChannelsFirst(0, n.Activate(n.Emit("Sqrt", [mean]), n.Options.Int8(TfliteOption.Pool2D.Activation)));
    }

    /// <summary>Windows of any number of dimensions over unpadded data, with steps between them and in them: dimension by dimension, as all
    /// functions allow; the initial value takes part once (kernels/reduce_window.cc).</summary>
    [Tflite(TfliteOp.REDUCE_WINDOW)]
    private static void ReduceWindow(TfliteNode n)
    {
        string function = n.Options2.Int32(TfliteOption.ReduceWindow.Function) switch
        {
            1 => "Add",
            2 => "Mul",
            3 => "Min",
            4 => "Max",
            5 => "And",
            6 => "Or",
            var other => throw n.Error($"the function {other} is not known"),
        };
        long[] window = n.RequiredInts(2, "the window"), strides = n.RequiredInts(3, "the strides"), dilations = n.RequiredInts(4, "the dilations");
        long[] dims = n.Input(0).Dims is { } known && known.All(d => d >= 0) ? known : throw n.Error("the shape of the input is not known");
        if (window.Length != dims.Length || strides.Length != dims.Length || dilations.Length != dims.Length || window.Concat(strides).Concat(dilations).Any(v => v < 1))
            throw n.Damaged("window, strides and dilations do not fit the input");
        n.SetRaw(0, n.Emit(function, [Windows(n, n.Raw(0), function, dims, window, strides, dilations), n.Emit("Reshape", [n.Raw(1), n.Ints()])]));
    }

    /// <summary>The fold of every window over x of the sizes <paramref name="dims"/>.</summary>
    internal static Value Windows(TfliteNode n, Value x, string function, long[] dims, long[] window, long[] strides, long[] dilations)
    {
        if (window.Max() > 256) throw n.Error($"a window of {window.Max()} elements in one dimension is not supported; at most 256 are");
        for (int d = 0; d < dims.Length; d++)
        {
            if (window[d] == 1 && strides[d] == 1) continue;
            long room = dims[d] - (window[d] - 1) * dilations[d], end = Math.Max(room, 0);
            Value? total = null;
            for (long k = 0; k < window[d]; k++)
            {
                Value part = n.Emit("Slice", [x, n.Ints(k * dilations[d]), n.Ints(k * dilations[d] + end), n.Ints(d), n.Ints(strides[d])]);
                total = total == null ? part : n.Emit(function, [total, part]);
            }
            x = total!;
        }
        return x;
    }

    private static Value Pool(TfliteNode n, string opType, Value x)
    {
        FlatTable o = n.Options;
        if (n.Input(0).Rank != 4) throw n.Damaged($"the input has {n.Input(0).Rank} dimensions, expected 4");
        long[] kernel = [o.Int32(TfliteOption.Pool2D.FilterHeight), o.Int32(TfliteOption.Pool2D.FilterWidth)];
        long[] strides = [o.Int32(TfliteOption.Pool2D.StrideH), o.Int32(TfliteOption.Pool2D.StrideW)];
        if (kernel.Min() < 1 || strides.Min() < 1) throw n.Damaged("a window or stride is not positive");
        (long[]? pads, string auto) = Convolutions.Pads(n, n.Input(0).Dims!, kernel, strides, [1, 1], o.Int8(TfliteOption.Pool2D.Padding));
        return n.Emit(opType, [x], ("kernel_shape", kernel), ("strides", strides), pads != null ? ("pads", pads) : ("auto_pad", auto));
    }

    [Tflite(TfliteOp.DEPTH_TO_SPACE, Limits = "a result of another scale")]
    private static void DepthToSpace(TfliteNode n) => Block(n, "DepthToSpace");

    [Tflite(TfliteOp.SPACE_TO_DEPTH, Limits = "a result of another scale")]
    private static void SpaceToDepth(TfliteNode n) => Block(n, "SpaceToDepth");

    private static void Block(TfliteNode n, string opType)
    {
        int size = n.Options.Int32(TfliteOption.BlockSize.Size);
        if (size < 1) throw n.Damaged($"a block size of {size}");
        if (!n.SameQuantization(0, 0)) throw n.Error("input and output have different scales");
        n.SetRawChannelsFirst(0, n.Emit(opType, [n.RawChannelsFirst(0)], ("blocksize", size)));
    }

    /// <summary>[N, S.., rest] padded -> [N, S/b, b, ..] -> the blocks before N -> [N * prod(b), S/b.., rest].</summary>
    [Tflite(TfliteOp.SPACE_TO_BATCH_ND, Limits = "free sizes of the split axes")]
    private static void SpaceToBatch(TfliteNode n)
    {
        long[] block = n.RequiredInts(1, "the block shape"), pads = n.RequiredInts(2, "the paddings"), dims = (long[])n.Input(0).Dims!.Clone();
        int m = block.Length, rank = dims.Length;
        if (rank < m + 1 || pads.Length != 2 * m || block.Any(b => b < 1)) throw n.Damaged("block shape and paddings do not fit the input");
        long[] onnxPads = new long[2 * rank];
        for (int i = 0; i < m; i++)
        {
            if (dims[i + 1] < 0) throw n.Error("the input size must be known");
            (onnxPads[i + 1], onnxPads[rank + i + 1]) = (pads[2 * i], pads[2 * i + 1]);
            dims[i + 1] += pads[2 * i] + pads[2 * i + 1];
            if (dims[i + 1] % block[i] != 0) throw n.Damaged($"size {dims[i + 1]} does not split into blocks of {block[i]}");
        }
        Value x = Padding.PadRaw(n, n.Raw(0), onnxPads);
        List<long> split = [dims[0]], order = [], joined = [dims[0] < 0 ? -1 : dims[0] * block.Aggregate(1L, (a, b) => a * b)];
        for (int i = 0; i < m; i++)
        {
            split.AddRange([dims[i + 1] / block[i], block[i]]);
            order.Add(2 + 2 * i);
            joined.Add(dims[i + 1] / block[i]);
        }
        order.Add(0);
        for (int i = 0; i < m; i++) order.Add(1 + 2 * i);
        for (int i = m + 1; i < rank; i++)
        {
            order.Add(split.Count);
            split.Add(dims[i]);
            joined.Add(dims[i]);
        }
        n.SetRaw(0, n.Reshape(n.Transpose(n.Reshape(x, [.. split]), [.. order]), [.. joined]));
    }

    /// <summary>The inverse: [prod(b) * N, S.., rest] -> [N, S * b.., rest], cropped.</summary>
    [Tflite(TfliteOp.BATCH_TO_SPACE_ND, Limits = "free sizes of the split axes")]
    private static void BatchToSpace(TfliteNode n)
    {
        long[] block = n.RequiredInts(1, "the block shape"), crops = n.RequiredInts(2, "the crops"), dims = n.Input(0).Dims!;
        int m = block.Length, rank = dims.Length;
        long product = block.Aggregate(1L, (a, b) => a * b);
        if (rank < m + 1 || crops.Length != 2 * m || product < 1 || dims[0] >= 0 && dims[0] % product != 0) throw n.Damaged("block shape and crops do not fit the input");
        List<long> split = [.. block, dims[0] < 0 ? -1 : dims[0] / product], order = [m], joined = [dims[0] < 0 ? -1 : dims[0] / product];
        for (int i = 0; i < m; i++)
        {
            if (dims[i + 1] < 0) throw n.Error("the input size must be known");
            order.AddRange([m + 1 + i, i]);
            split.Add(dims[i + 1]);
            joined.Add(dims[i + 1] * block[i]);
        }
        for (int i = m + 1; i < rank; i++)
        {
            order.Add(split.Count);
            split.Add(dims[i]);
            joined.Add(dims[i]);
        }
        Value y = n.Reshape(n.Transpose(n.Reshape(n.Raw(0), [.. split]), [.. order]), [.. joined]);
        if (crops.Any(c => c != 0))
        {
            long[] axes = [.. Enumerable.Range(1, m).Select(a => (long)a)], starts = [.. axes.Select(a => crops[2 * (a - 1)])];
            long[] ends = [.. axes.Select(a => joined[(int)a] - crops[2 * (a - 1) + 1])];
            y = n.Emit("Slice", [y, n.Ints(starts), n.Ints(ends), n.Ints(axes)]);
        }
        n.SetRaw(0, y);
    }
}
