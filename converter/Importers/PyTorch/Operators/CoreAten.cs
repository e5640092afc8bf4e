using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.PyTorch.Operators;

/// <summary>Forms of operators that torch.export's decompositions leave (aten/src/ATen/native/native_functions.yaml, tag core): they give
/// training's extra results too, which nobody reads, and write nothing in place.</summary>
internal static class CoreAten
{
    private static TorchTuple WithUnused(object? result, int unused) =>
        new([result, .. Enumerable.Repeat((object?)new TorchAbsent("it is a result for training alone"), unused)]);

    private static object? Apply(TorchCall c, string name, params object?[] arguments) => c.Interpreter.Apply(name, arguments, []);

    /// <summary>(input, weight, bias, running_mean, running_var, momentum, eps)</summary>
    [Torch("_native_batch_norm_legit_no_training")]
    private static object? BatchNorm(TorchCall c) => WithUnused(Apply(c, "batch_norm", c.Arg(0), c.Arg(1), c.Arg(2), c.Arg(3), c.Arg(4), false, c.Arg(5), c.Arg(6)), 2);

    /// <summary>(input, weight, bias, running_mean, running_var, training, momentum, eps), or without the two statistics</summary>
    [Torch("native_batch_norm", "_native_batch_norm_legit", Limits = "training")]
    private static object? NativeBatchNorm(TorchCall c) => WithUnused(Apply(c, "batch_norm", c.Arg(3) is bool ? [.. c.Arguments[..3], null, null, .. c.Arguments[3..]] : c.Arguments), 2);

    /// <summary>(input, normalized_shape, weight, bias, eps)</summary>
    [Torch("native_layer_norm")] private static object? LayerNorm(TorchCall c) => WithUnused(Apply(c, "layer_norm", c.Arguments), 2);

    /// <summary>(input, weight, bias, N, C, HxW, groups, eps)</summary>
    [Torch("native_group_norm")] private static object? GroupNorm(TorchCall c) => WithUnused(Apply(c, "group_norm", c.Arg(0), c.Arg(6), c.Arg(1), c.Arg(2), c.Arg(7)), 2);

    /// <summary>(input, p, train)</summary>
    [Torch("native_dropout", Limits = "training")] private static object? Dropout(TorchCall c) => WithUnused(Apply(c, "dropout", c.Arg(0), c.Arg(1), c.Arg(2) ?? false), 1);

    [Torch("_adaptive_avg_pool2d", "_adaptive_avg_pool3d")] private static object? AdaptivePool(TorchCall c) => Apply(c, c.Name[1..], c.Arguments);

    /// <summary>(query, key, value, dropout_p, is_causal, *, attn_mask, scale)</summary>
    [Torch("_scaled_dot_product_flash_attention_for_cpu")]
    private static object? FlashAttention(TorchCall c) =>
        WithUnused(c.Interpreter.Apply("scaled_dot_product_attention", [c.Arg(0), c.Arg(1), c.Arg(2), c.Arg(5, "attn_mask"), c.Arg(3), c.Arg(4)], [("scale", c.Arg(6, "scale"))]), 1);

    /// <summary>(query, key, value, attn_bias, compute_log_sumexp, dropout_p, is_causal, *, scale)</summary>
    [Torch("_scaled_dot_product_efficient_attention")]
    private static object? EfficientAttention(TorchCall c) =>
        WithUnused(c.Interpreter.Apply("scaled_dot_product_attention", [c.Arg(0), c.Arg(1), c.Arg(2), c.Arg(3), c.Arg(5), c.Arg(6)], [("scale", c.Arg(7, "scale"))]), 3);

    [Torch("sym_size")] private static object? Size(TorchCall c) => Apply(c, "size", c.Arguments);
    [Torch("sym_numel")] private static object? Numel(TorchCall c) => Apply(c, "numel", c.Arguments);
    [Torch("_local_scalar_dense")] private static object? LocalScalar(TorchCall c) => Apply(c, "item", c.Arguments);
    [Torch("getitem")] private static object? GetItem(TorchCall c) => Apply(c, "__getitem__", c.Arguments);
    [Torch("prims.convert_element_type")] private static object? Convert(TorchCall c) => Apply(c, "to", c.Arguments);

    /// <summary>What is checked was true when the program was exported.</summary>
    [Torch("_assert_scalar", "_assert_tensor_metadata", "sym_constrain_range", "sym_constrain_range_for_size", AllowsAbsent = true, AnyForm = true)]
    private static object? Nothing(TorchCall c)
    {
        foreach ((string name, _) in c.Named) c.Option(name);
        return null;
    }

    [Torch("sym_float")] private static object? ToFloat(TorchCall c) => Apply(c, "float", c.Arguments);
    [Torch("sym_int")] private static object? ToInt(TorchCall c) => Apply(c, "int", c.Arguments);

    /// <summary>(whole, part, dim, start, end, step): the whole with the part put in.</summary>
    [Torch("slice_scatter")]
    private static object? SliceScatter(TorchCall c) => Scattered(c, whole => Apply(c, "slice", whole, c.Arg(2) ?? 0L, c.Arg(3), c.Arg(4), c.Arg(5) ?? 1L));

    /// <summary>(whole, part, dim, index)</summary>
    [Torch("select_scatter")]
    private static object? SelectScatter(TorchCall c) => Scattered(c, whole => Apply(c, "select", whole, c.Arg(2), c.Arg(3)));

    private static TorchBox Scattered(TorchCall c, Func<TorchBox, object?> view)
    {
        var whole = new TorchBox(c.Tensor(0));
        Apply(c, "copy_", view(whole), c.Arg(1));
        return whole;
    }

    /// <summary>(input, value): as large as the input.</summary>
    [Torch("fill")] private static object? Fill(TorchCall c) => Apply(c, "full_like", c.Arg(0), c.Arg(1) is TorchBox b ? c.Interpreter.ToScalar(b, ScalarKind.Float) : c.Arg(1)) is TorchBox filled ? TorchCall.Box(c.Cast(filled.Value, c.Tensor(0).DType)) : null;

    /// <summary>(size, stride): memory that is not set.</summary>
    [Torch("empty_strided")] private static object? EmptyStrided(TorchCall c) => c.Interpreter.Apply("empty", [c.Arg(0)], [("dtype", c.Option("dtype"))]);

    /// <summary>As var takes its arguments: (variance, mean).</summary>
    [Torch("var_mean")]
    private static object? VarMean(TorchCall c)
    {
        object? correction = c.Option("correction"), unbiased = c.Option("unbiased"), keep = c.Option("keepdim");
        object? variance = c.Interpreter.Apply("var", c.Arguments, [("correction", correction), ("unbiased", unbiased), ("keepdim", keep)]);
        bool all = c.Arg(1) is null or bool;
        return new TorchTuple([variance, all ? Apply(c, "mean", c.Arg(0)) : Apply(c, "mean", c.Arg(0), c.Arg(1), keep ?? c.Arg(3) ?? false)]);
    }

    [Torch("rand", "rand_like")] private static object? Uniform(TorchCall c) => Random(c, "RandomUniformLike");
    [Torch("randn", "randn_like")] private static object? Normal(TorchCall c) => Random(c, "RandomNormalLike");

    private static TorchBox Random(TorchCall c, string opType)
    {
        object? zeros = c.Interpreter.Apply(c.Name.EndsWith("_like", StringComparison.Ordinal) ? "zeros_like" : "zeros", [c.Arg(0)], [("dtype", c.Option("dtype"))]);
        return TorchCall.Box(c.Emit(opType, [((TorchBox)zeros!).Value]));
    }

    /// <summary>(x1 [.., P, M], x2 [.., R, M], p) -> [.., P, R]: the p-norms of differences.</summary>
    [Torch("cdist", "_cdist_forward", Limits = "p other than 1, 2 and infinity")]
    private static object? Distances(TorchCall c)
    {
        Value d = c.Emit("Sub", [c.Unsqueeze(c.Tensor(0), -2), c.Unsqueeze(c.Tensor(1), -3)]);
        return c.Interpreter.Apply("linalg_vector_norm", [TorchCall.Box(d), c.Arg(2) ?? 2.0, new TorchList([-1L])], []);
    }

    /// <summary>(input, dim, index, src, reduce, include_self)</summary>
    [Torch("scatter_reduce")]
    private static object? ScatterReduce(TorchCall c)
    {
        bool withSelf = c.Arg(5, "include_self") as bool? ?? true;
        (string reduce, double neutral) = c.Text(4, "") switch
        {
            "sum" or "mean" => ("add", 0.0), "prod" => ("mul", 1.0), "amax" => ("max", double.NegativeInfinity), "amin" => ("min", double.PositiveInfinity),
            var other => throw c.Error($"reduce '{other}' is not supported"),
        };
        object? Scatter(object? target, object? source, string how) => c.Interpreter.Apply("scatter", [target, c.Arg(1), c.Arg(2), source], [("reduce", how)]);
        object? self = withSelf ? c.Arg(0) : Scatter(c.Arg(0), c.Scalar(c.Tensor(0).DType, neutral) is var start ? TorchCall.Box(c.Emit("Expand", [start, c.ShapeOf(c.Tensor(2))])) : null, "none");
        object? y = Scatter(self, c.Arg(3), reduce);
        if (c.Text(4, "") != "mean") return y;
        object? ones = Apply(c, "ones_like", c.Arg(3)), start1 = Apply(c, withSelf ? "ones_like" : "zeros_like", c.Arg(0));
        return Apply(c, "div", y, Apply(c, "clamp", Scatter(start1, ones, "add"), 1.0));
    }

    /// <summary>(input, mask, source): where the mask is set, the next element of the source.</summary>
    [Torch("masked_scatter")]
    private static object? MaskedScatter(TorchCall c)
    {
        Value x = c.Tensor(0), shape = c.Emit("Shape", [x]), mask = c.Emit("Expand", [c.Cast(c.Tensor(1), DType.Bool), shape]);
        Value order = c.Emit("CumSum", [c.Cast(c.Reshape(mask, -1), DType.Int64), c.Scalar(DType.Int64, 0)]);
        Value place = c.Emit("Max", [c.Emit("Sub", [order, c.Scalar(DType.Int64, 1)]), c.Scalar(DType.Int64, 0)]);
        Value next = c.Emit("Reshape", [c.Emit("Gather", [c.Reshape(c.Tensor(2), -1), place], ("axis", 0)), shape]);
        return TorchCall.Box(c.Emit("Where", [mask, next, x]));
    }

    /// <summary>(input, offset, dim1, dim2): the two axes become one, the last.</summary>
    [Torch("diagonal", Limits = "free sizes of the two axes")]
    private static object? Diagonal(TorchCall c)
    {
        Value x = c.Tensor(0);
        int rank = c.Rank(x), a = c.Axis(c.Int(2, 0), rank), b = c.Axis(c.Int(3, 1), rank);
        long offset = c.Int(1, 0), rows = x.Shape[a], columns = x.Shape[b];
        if (rows < 0 || columns < 0) throw c.Error("the sizes of the two axes must be known; give the inputs a size with --shape");
        long first = offset >= 0 ? offset : -offset * columns, count = Math.Max(0, offset >= 0 ? Math.Min(rows, columns - offset) : Math.Min(rows + offset, columns));
        long[] others = [.. Enumerable.Range(0, rank).Where(d => d != a && d != b).Select(d => (long)d)];
        Value wide = c.Reshape(c.Transpose(x, [.. others, a, b]), [.. others.Select(_ => 0L), rows * columns]);
        return TorchCall.Box(c.Emit("Gather", [wide, c.IntTensor([.. Enumerable.Range(0, (int)count).Select(i => first + i * (columns + 1))])], ("axis", -1)));
    }

    /// <summary>(columns [N, C * kernel, L], output_size, kernel_size, dilation, padding, stride) -> [N, C, output_size]</summary>
    [Torch("col2im")]
    private static object? Col2Im(TorchCall c)
    {
        long[] pads = c.Ints(4, 2);
        return TorchCall.Box(c.Emit("Col2Im", [c.Tensor(0), c.IntTensor(c.Ints(1, 2)), c.IntTensor(c.Ints(2, 2))], ("dilations", c.Ints(3, 2)), ("pads", (long[])[.. pads, .. pads]), ("strides", c.Ints(5, 2))));
    }
}
