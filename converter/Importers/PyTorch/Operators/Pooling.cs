using EdgeLite.Converter.Ir;

namespace EdgeLite.Converter.Importers.PyTorch.Operators;

/// <summary>Pooling, padding, resizing and rearrangements of pixels.</summary>
internal static class Pooling
{
    [Torch("max_pool1d")] private static object? MaxPool1d(TorchCall c) => MaxPool(c, 1);
    [Torch("max_pool2d")] private static object? MaxPool2d(TorchCall c) => MaxPool(c, 2);
    [Torch("max_pool3d")] private static object? MaxPool3d(TorchCall c) => MaxPool(c, 3);
    [Torch("avg_pool1d")] private static object? AvgPool1d(TorchCall c) => AvgPool(c, 1);
    [Torch("avg_pool2d")] private static object? AvgPool2d(TorchCall c) => AvgPool(c, 2);
    [Torch("avg_pool3d")] private static object? AvgPool3d(TorchCall c) => AvgPool(c, 3);
    [Torch("adaptive_avg_pool1d")] private static object? AdaptiveAvg1d(TorchCall c) => Adaptive(c, 1, "AveragePool");
    [Torch("adaptive_avg_pool2d")] private static object? AdaptiveAvg2d(TorchCall c) => Adaptive(c, 2, "AveragePool");
    [Torch("adaptive_avg_pool3d")] private static object? AdaptiveAvg3d(TorchCall c) => Adaptive(c, 3, "AveragePool");
    [Torch("adaptive_max_pool1d")] private static object? AdaptiveMax1d(TorchCall c) => AdaptiveMax(c, 1);
    [Torch("adaptive_max_pool2d")] private static object? AdaptiveMax2d(TorchCall c) => AdaptiveMax(c, 2);
    [Torch("adaptive_max_pool3d")] private static object? AdaptiveMax3d(TorchCall c) => AdaptiveMax(c, 3);

    /// <summary>(input, kernel_size, stride = kernel_size, padding, dilation, ceil_mode)</summary>
    private static TorchBox MaxPool(TorchCall c, int n) => Batched(c, n, x => c.Emit("MaxPool", [x], Window(c, n)));

    private static (string, Ops.AttributeValue)[] Window(TorchCall c, int n)
    {
        long[] kernel = c.Ints(1, n), strides = Or(c, 2, n, kernel), pads = Or(c, 3, n, new long[n]), dilations = Or(c, 4, n, [.. Enumerable.Repeat(1L, n)]);
        return [("kernel_shape", kernel), ("strides", strides), ("pads", (long[])[.. pads, .. pads]), ("dilations", dilations), ("ceil_mode", c.Bool(5, false) ? 1 : 0)];
    }

    /// <summary>(input, kernel_size, stride = kernel_size, padding, ceil_mode, count_include_pad, divisor_override)</summary>
    private static object? AvgPool(TorchCall c, int n)
    {
        long[] kernel = c.Ints(1, n), strides = Or(c, 2, n, kernel), pads = Or(c, 3, n, new long[n]);
        bool ceil = c.Bool(4, false), divides = !c.IsNone(6);
        long[] ends = [.. pads];
        // Sums that are divided by one number take the windows that rounding up adds from more padding: up to the last that begins before the padding behind.
        for (int d = 0; d < n && divides && ceil; d++) ends[d] += Math.Min(kernel[d] - pads[d], strides[d]) - 1;
        double factor = divides ? kernel.Aggregate(1L, (a, b) => a * b) / (double)c.Int(6) : 1;
        return Batched(c, n, x => Dense.Scaled(c, c.Emit("AveragePool", [x], ("kernel_shape", kernel), ("strides", strides), ("pads", (long[])[.. pads, .. ends]),
            ("ceil_mode", ceil && !divides ? 1 : 0), ("count_include_pad", divides || c.Bool(5, true) ? 1 : 0)), factor));
    }

    /// <summary>Window of output i of n over m inputs: floor(i m / n) to ceil((i + 1) m / n). One output is a global pool; equal windows
    /// are a plain pool.</summary>
    private static object? Adaptive(TorchCall c, int n, string opType)
    {
        object?[] sizes = [.. c.Items(1)];
        if (sizes.Length == 1) sizes = [.. Enumerable.Repeat(sizes[0], n)];
        return Batched(c, n, x =>
        {
            // A size that is the input's own stays.
            for (int d = 0; d < n; d++) if (sizes[d] is TorchScalar { SizeOf: { } of } own && own.Axis == d + 2 && ReferenceEquals(of, x)) sizes[d] = null;
            if (sizes.All(s => s is 1L)) return c.Emit(opType == "MaxPool" ? "GlobalMaxPool" : "GlobalAveragePool", [x]);
            if (sizes.All(s => s is 1L or null))
                return c.Emit(opType == "MaxPool" ? "ReduceMax" : "ReduceMean", [x, c.IntTensor([.. Enumerable.Range(0, n).Where(d => sizes[d] is 1L).Select(d => d + 2L)])], ("keepdims", 1), ("noop_with_empty_axes", 1));
            long[] kernel = new long[n];
            for (int d = 0; d < n; d++)
            {
                long m = x.Shape.IsRanked ? x.Shape[d + 2] : -1, target = sizes[d] is null ? m : c.Known(sizes[d], "the output size");
                if (m < 0) throw c.Error("the size of its input must be known; give the inputs a size with --shape");
                if (target <= 0 || m % target != 0) return Uneven(c, x, sizes, n, opType);
                kernel[d] = m / target;
            }
            return c.Emit(opType, [x], ("kernel_shape", kernel), ("strides", kernel));
        });
    }

    /// <summary>Windows of different sizes: each axis in turn is cut into its windows, which are reduced and joined.</summary>
    private static Value Uneven(TorchCall c, Value x, object?[] sizes, int n, string opType)
    {
        for (int d = 0; d < n; d++)
        {
            long m = x.Shape[d + 2], target = sizes[d] is null ? m : c.Known(sizes[d], "the output size");
            if (target == m) continue;
            if (target is <= 0 or > 4096) throw c.Error($"an output size of {target} is not supported");
            var parts = new Value[target];
            for (long i = 0; i < target; i++)
            {
                Value window = c.Emit("Slice", [x, c.IntTensor(i * m / target), c.IntTensor(((i + 1) * m + target - 1) / target), c.IntTensor(d + 2)]);
                parts[i] = c.Emit(opType == "MaxPool" ? "ReduceMax" : "ReduceMean", [window, c.IntTensor(d + 2)], ("keepdims", 1));
            }
            x = c.Emit("Concat", parts, ("axis", d + 2));
        }
        return x;
    }

    private static object? AdaptiveMax(TorchCall c, int n) => new TorchTuple([Adaptive(c, n, "MaxPool"), new TorchAbsent("the indices of a maximum pool are not supported")]);

    [Torch("max_pool2d_with_indices", "max_pool1d_with_indices", "max_pool3d_with_indices")]
    private static object? MaxPoolWithIndices(TorchCall c)
    {
        int n = c.Name[8] - '0';
        return new TorchTuple([MaxPool(c, n), MaxPoolIndices(c, n)]);
    }

    /// <summary>Where in its plane each maximum is; ONNX counts in the whole tensor.</summary>
    private static TorchBox MaxPoolIndices(TorchCall c, int n) => Batched(c, n, x =>
        c.Emit("Mod", [c.EmitMany("MaxPool", 2, [x], Window(c, n))[1], c.Emit("ReduceProd", [c.Emit("Shape", [x], ("start", 2))], ("keepdims", 0))]));

    /// <summary>(input [N,C,H,W], kernel_size, dilation, padding, stride) -> [N, C * kernel, places]: a convolution that picks each element of its window.</summary>
    [Torch("im2col")]
    private static object? Im2Col(TorchCall c) => Batched(c, 2, x =>
    {
        long[] kernel = c.Ints(1, 2), pads = c.Ints(3, 2);
        long each = kernel[0] * kernel[1], channels = x.Shape[1];
        if (channels < 0) throw c.Error("the number of channels must be known; give the inputs a size with --shape");
        if (kernel.Any(k => k is < 1 or > 256) || channels > 1 << 20 || channels * each * each > 1 << 26) throw c.Error($"windows of {kernel[0]}x{kernel[1]} over {channels} channels");
        var pick = new Core.Tensor(x.DType, new Core.Shape(channels * each, 1, kernel[0], kernel[1]));
        for (long i = 0; i < channels * each; i++) pick.SetDouble(i * each + i % each, 1);
        Value y = Convolutions.Emit(c, x, c.Builder.Constant("pick", pick), null, 2, c.Ints(4, 2), [.. pads, .. pads], c.Ints(2, 2), channels);
        return c.Reshape(y, 0, channels * each, -1);
    });

    /// <summary>(theta, size, align_corners)</summary>
    [Torch("affine_grid_generator")]
    private static object? AffineGrid(TorchCall c) => TorchCall.Box(c.Emit("AffineGrid", [c.Tensor(0), c.SizeTensor(c.Items(1))], ("align_corners", c.Bool(2, false) ? 1 : 0)));

    private static TorchBox Batched(TorchCall c, int n, Func<Value, Value> pool)
    {
        Value x = c.Tensor(0);
        Convolutions.Refine(c, x, n, -1);
        if (x.Shape.Rank == n + 2) return TorchCall.Box(pool(x));
        return TorchCall.Box(c.Squeeze(pool(c.Unsqueeze(x, 0)), 0));
    }

    private static long[] Or(TorchCall c, int i, int n, long[] otherwise) => c.Arg(i) is null || c.Items(i).Count == 0 ? otherwise : c.Ints(i, n);

    /// <summary>(input, pad, mode, value): pad is (last axis before, last axis after, second last before, ...).</summary>
    [Torch("pad", OnParts = true)]
    private static object? Pad(TorchCall c) => TorchCall.Box(Padded(c, c.Text(2, "constant") switch { "constant" => "constant", "reflect" => "reflect", "replicate" => "edge", "circular" => "wrap", var m => throw c.Error($"mode '{m}' is not supported") }, 3));

    [Torch("constant_pad_nd", OnParts = true)] private static object? ConstantPad(TorchCall c) => TorchCall.Box(Padded(c, "constant", 2));
    [Torch("reflection_pad1d", "reflection_pad2d", "reflection_pad3d")] private static object? ReflectionPad(TorchCall c) => TorchCall.Box(Padded(c, "reflect", -1));
    [Torch("replication_pad1d", "replication_pad2d", "replication_pad3d")] private static object? ReplicationPad(TorchCall c) => TorchCall.Box(Padded(c, "edge", -1));

    private static Value Padded(TorchCall c, string mode, int valueIndex)
    {
        Value x = c.Tensor(0);
        IReadOnlyList<object?> given = c.Items(1);
        int rank = c.Rank(x), n = given.Count / 2;
        if (n > rank) throw c.Error($"{given.Count} pads for a tensor of {rank} dimensions");
        var pads = new object?[2 * rank];
        Array.Fill(pads, 0L);
        for (int i = 0; i < n; i++)
        {
            pads[rank - 1 - i] = given[2 * i];
            pads[2 * rank - 1 - i] = given[2 * i + 1];
        }
        double value = valueIndex >= 0 ? c.Number(valueIndex, 0) : 0;
        return c.Emit("Pad", mode == "constant" ? [x, c.SizeTensor(pads), c.Scalar(x.DType, value)] : [x, c.SizeTensor(pads)], ("mode", mode));
    }

    [Torch("upsample_nearest1d", "_upsample_nearest_exact1d")] private static object? Nearest1d(TorchCall c) => Upsample(c, 1, "nearest", false, 2);
    [Torch("upsample_nearest2d", "_upsample_nearest_exact2d")] private static object? Nearest2d(TorchCall c) => Upsample(c, 2, "nearest", false, 2);
    [Torch("upsample_nearest3d", "_upsample_nearest_exact3d")] private static object? Nearest3d(TorchCall c) => Upsample(c, 3, "nearest", false, 2);
    [Torch("upsample_linear1d")] private static object? Linear1d(TorchCall c) => Upsample(c, 1, "linear", c.Bool(2, false), 3);
    [Torch("upsample_bilinear2d", "_upsample_bilinear2d_aa")] private static object? Bilinear2d(TorchCall c) => Upsample(c, 2, "linear", c.Bool(2, false), 3);
    [Torch("upsample_trilinear3d")] private static object? Trilinear3d(TorchCall c) => Upsample(c, 3, "linear", c.Bool(2, false), 3);
    [Torch("upsample_bicubic2d", "_upsample_bicubic2d_aa")] private static object? Bicubic2d(TorchCall c) => Upsample(c, 2, "cubic", c.Bool(2, false), 3);

    /// <summary>(input, output_size, [align_corners], scale_factors (a list, or one number for each axis)). With scale factors the
    /// coordinates are scaled by them, otherwise by the ratio of the sizes.</summary>
    private static object? Upsample(TorchCall c, int n, string mode, bool alignCorners, int scaleIndex)
    {
        Value x = c.Tensor(0);
        Convolutions.Refine(c, x, n, -1);
        string coordinates = alignCorners ? "align_corners" : mode == "nearest" && !c.Name.Contains("exact", StringComparison.Ordinal) ? "asymmetric" : "half_pixel";
        (string, Ops.AttributeValue)[] attributes = [("mode", mode), ("coordinate_transformation_mode", coordinates), ("cubic_coeff_a", -0.75f), ("antialias", c.Name.EndsWith("_aa", StringComparison.Ordinal) ? 1 : 0),
            ("nearest_mode", coordinates == "half_pixel" ? "round_prefer_ceil" : "floor")];
        if (c.Arg(1) is not null)
        {
            Value sizes = c.SizeTensor([c.Size(x, 0), c.Size(x, 1), .. c.Items(1)]);
            return TorchCall.Box(c.Emit("Resize", [x, null, null, sizes], attributes));
        }
        object?[] scales = c.Arg(scaleIndex) is TorchList or TorchTuple ? [.. c.Items(scaleIndex)] : [.. Enumerable.Range(scaleIndex, n).Select(c.Arg)];
        if (scales.Length != n || scales.Any(s => s is not (double or long))) throw c.Error("its scale factors are known only when the model runs");
        return TorchCall.Box(c.Emit("Resize", [x, null, c.Floats([1, 1, .. scales.Select(s => s is long l ? l : (float)(double)s!)])], attributes));
    }

    [Torch("pixel_shuffle")] private static object? PixelShuffle(TorchCall c) => Batched(c, 2, x => c.Emit("DepthToSpace", [x], ("blocksize", c.Int(1)), ("mode", "CRD")));

    /// <summary>[N, C, H r, W r] to [N, C r r, H, W]</summary>
    [Torch("pixel_unshuffle")]
    private static object? PixelUnshuffle(TorchCall c)
    {
        Value x = c.Tensor(0);
        long r = c.Int(1);
        if (c.Rank(x) != 4 || x.Shape[1] < 0) throw c.Error("its input must have 4 dimensions and a known number of channels");
        Value y = c.Emit("SpaceToDepth", [x], ("blocksize", r)); // channels in the order (r, r, C)
        long[] order = new long[x.Shape[1] * r * r];
        for (long ch = 0, k = 0; ch < x.Shape[1]; ch++)
            for (long i = 0; i < r * r; i++) order[k++] = i * x.Shape[1] + ch;
        return TorchCall.Box(c.Emit("Gather", [y, c.IntTensor(order)], ("axis", 1)));
    }

    [Torch("channel_shuffle")]
    private static object? ChannelShuffle(TorchCall c)
    {
        Value x = c.Tensor(0);
        long groups = c.Int(1);
        if (c.Rank(x) != 4 || x.Shape[1] < 0) throw c.Error("its input must have 4 dimensions and a known number of channels");
        long each = x.Shape[1] / groups;
        long[] order = new long[x.Shape[1]];
        for (long k = 0; k < order.Length; k++) order[k] = k % groups * each + k / groups;
        return TorchCall.Box(c.Emit("Gather", [x, c.IntTensor(order)], ("axis", 1)));
    }

    /// <summary>(input, grid, mode, padding_mode, align_corners)</summary>
    [Torch("grid_sampler", "grid_sampler_2d", "grid_sampler_3d")]
    private static object? GridSampler(TorchCall c) => TorchCall.Box(c.Emit("GridSample", [c.Tensor(0), c.Tensor(1)],
        ("mode", c.Int(2, 0) switch { 0 => "linear", 1 => "nearest", _ => "cubic" }), ("padding_mode", c.Int(3, 0) switch { 0 => "zeros", 1 => "border", _ => "reflection" }), ("align_corners", c.Bool(4, false) ? 1 : 0)));
}
