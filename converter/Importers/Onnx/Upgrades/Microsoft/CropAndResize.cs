using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.Onnx.Upgrades.Microsoft;

/// <summary>
/// Boxes rois[r][4] of (y1, x1, y2, x2) in parts of the image, cut out of X[batch_indices[r]] and resized bilinearly to crop_size: sampled at places
/// y1 + i (y2 - y1) / (height - 1), one row in the middle of the box. A place outside the image has extrapolation_value.
/// </summary>
[Upgrades("CropAndResize", Domain = "com.microsoft")]
internal sealed class CropAndResize : OperatorUpgrade
{
    public override void Apply(NodeDraft node)
    {
        if (node.Attributes.String("mode", "bilinear") is not "bilinear" and var mode) throw node.Unsupported($"mode '{mode}' is not supported; bilinear is");
        if (node.Required(3).Constant is not { Count: 2 } size) throw node.Unsupported("a crop_size that the model computes is not supported");
        Value images = node.Emit("Gather", [node.Required(0), node.Required(2)]), boxes = node.Emit("Cast", [node.Required(1)], ("to", (long)DType.Float32));
        Value?[] sides = node.EmitAll("Split", [boxes], 4, ("axis", 1), ("num_outputs", 4));
        long height = size.GetInt64(0), width = size.GetInt64(1);
        Value y = Places(node, sides[0]!, sides[2]!, height), x = Places(node, sides[1]!, sides[3]!, width);
        // [r][height][width] of both, in -1 .. 1 from the middle of the first pixel to that of the last.
        Value shape = node.Emit("Concat", [node.Emit("Shape", [boxes], ("start", 0), ("end", 1)), node.Ints("crop", height, width)], ("axis", 0));
        Value Wide(Value places, int axis) => node.Emit("Expand", [node.Emit("Unsqueeze", [places, node.Ints("axis", axis)]), shape]);
        Value column = Wide(x, 1), row = Wide(y, 2), last = node.Ints("last", 3);
        Value grid = node.Emit("Concat", [node.Emit("Unsqueeze", [column, last]), node.Emit("Unsqueeze", [row, last])], ("axis", 3));
        Value crops = node.Emit("GridSample", [images, grid], ("mode", "linear"), ("padding_mode", "border"), ("align_corners", 1));
        Value farthest = node.Emit("Max", [node.Emit("Abs", [column]), node.Emit("Abs", [row])]);
        Value isOutside = node.Emit("Unsqueeze", [node.Emit("Greater", [farthest, Number(node, 1)]), node.Ints("channel", 1)]);
        node.Results = [node.Emit("Where", [isOutside, Number(node, node.Attributes.Float("extrapolation_value", 0)), crops])];
    }

    /// <summary>[r][count]: where a side from <paramref name="first"/> to <paramref name="last"/> is sampled.</summary>
    private static Value Places(NodeDraft node, Value first, Value last, long count)
    {
        if (count is < 1 or > 1 << 16) throw node.Error($"crop_size has {count}");
        var steps = new Tensor(DType.Float32, new Shape(1, count));
        for (long i = 0; i < count; i++) steps.SetDouble(i, count == 1 ? 0.5 : i / (count - 1.0));
        Value place = node.Emit("Add", [first, node.Emit("Mul", [node.Emit("Sub", [last, first]), node.Constant("steps", steps)])]);
        return node.Emit("Sub", [node.Emit("Mul", [place, Number(node, 2)]), Number(node, 1)]);
    }

    private static Value Number(NodeDraft node, float value) => node.Constant("number", Tensor.FromScalar(value));
}
