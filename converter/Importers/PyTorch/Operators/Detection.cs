using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.PyTorch.Operators;

/// <summary>Operators of torchvision, and what detection models make their grids of (argument lists: torchvision/csrc/ops).</summary>
internal static class Detection
{
    /// <summary>(boxes [n,4], scores [n], iou_threshold): indices of the boxes that stay, best first.</summary>
    [Torch("torchvision.nms")]
    private static object? NonMaxSuppression(TorchCall c)
    {
        Value boxes = c.Tensor(0), scores = c.Tensor(1);
        Value count = c.Emit("Reshape", [c.Interpreter.ScalarValue(c.Size(scores, 0), ScalarKind.Int), c.IntTensor(1)]);
        Value chosen = c.Emit("NonMaxSuppression", [c.Unsqueeze(boxes, 0), c.Unsqueeze(scores, 0, 1), count, c.Floats((float)c.Number(2, 0))]);
        return TorchCall.Box(c.Emit("Gather", [chosen, c.Interpreter.ScalarValue(2L, ScalarKind.Int)], ("axis", 1)));
    }

    /// <summary>(input, rois [k,5], spatial_scale, height, width, sampling_ratio, aligned)</summary>
    [Torch("torchvision.roi_align")]
    private static object? RoiAlign(TorchCall c)
    {
        Value rois = c.Tensor(1);
        Value batch = c.Cast(c.Emit("Gather", [rois, c.Interpreter.ScalarValue(0L, ScalarKind.Int)], ("axis", 1)), DType.Int64);
        Value boxes = c.Emit("Slice", [rois, c.IntTensor(1), c.IntTensor(5), c.IntTensor(1)]);
        return TorchCall.Box(c.Emit("RoiAlign", [c.Tensor(0), boxes, batch], ("mode", "avg"), ("spatial_scale", (float)c.Number(2, 1)),
            ("output_height", c.Int(3)), ("output_width", c.Int(4)), ("sampling_ratio", Math.Max(0, c.Int(5, 0))),
            ("coordinate_transformation_mode", c.Bool(6, false) ? "half_pixel" : "output_half_pixel")));
    }

    /// <summary>(input, weight, offset, mask, bias, stride h w, padding h w, dilation h w, groups, offset_groups, use_mask)</summary>
    [Torch("torchvision.deform_conv2d")]
    private static object? DeformableConvolution(TorchCall c) => TorchCall.Box(c.Emit("DeformConv",
        c.Bool(13, true) ? [c.Tensor(0), c.Tensor(1), c.Tensor(2), c.Optional(4), c.Tensor(3)] : [c.Tensor(0), c.Tensor(1), c.Tensor(2), c.Optional(4)],
        ("strides", (long[])[c.Int(5), c.Int(6)]), ("pads", (long[])[c.Int(7), c.Int(8), c.Int(7), c.Int(8)]), ("dilations", (long[])[c.Int(9), c.Int(10)]),
        ("group", c.Int(11)), ("offset_group", c.Int(12))));

    /// <summary>(tensors, indexing = "ij"): tensor k varies along axis k; with "xy" the first two axes change places.</summary>
    [Torch("meshgrid")]
    private static object? MeshGrid(TorchCall c)
    {
        Value[] x = c.Tensors(0);
        bool swap = (c.Arg(1, "indexing") as string) == "xy" && x.Length > 1;
        int Axis(int k) => swap && k < 2 ? 1 - k : k;
        var sizes = new object?[x.Length];
        for (int k = 0; k < x.Length; k++) sizes[Axis(k)] = c.Rank(x[k]) == 0 ? 1L : c.Size(x[k], 0);
        Value shape = c.SizeTensor(sizes);
        return new TorchList(x.Select((v, k) =>
        {
            long[] wide = [.. Enumerable.Range(0, x.Length).Select(d => d == Axis(k) ? -1L : 1L)];
            return (object?)TorchCall.Box(c.Emit("Expand", [c.Reshape(v, wide), shape]));
        }));
    }

    [Torch("_shape_as_tensor")] private static object? ShapeAsTensor(TorchCall c) => TorchCall.Box(c.Emit("Shape", [c.Tensor(0)]));
}
