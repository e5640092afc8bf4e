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

    /// <summary>(input, weight, bias, running_mean, running_var, training, momentum, eps)</summary>
    [Torch("native_batch_norm", Limits = "training")] private static object? NativeBatchNorm(TorchCall c) => WithUnused(Apply(c, "batch_norm", c.Arguments), 2);

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

    [Torch("_assert_scalar", "_assert_tensor_metadata", "sym_constrain_range", "sym_constrain_range_for_size", AllowsAbsent = true)] private static object? Nothing(TorchCall c) => null;

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
}
