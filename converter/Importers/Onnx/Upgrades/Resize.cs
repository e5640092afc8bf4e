using EdgeLite.Converter.Ir;
using EdgeLite.Core;
using EdgeLite.Ops;

namespace EdgeLite.Converter.Importers.Onnx.Upgrades;

/// <summary>Operator set 11 added roi and sizes, coordinate transformations and rounding; 10 computed "asymmetric". 13 made absent
/// inputs possible (before, an empty tensor stood for them) and dropped tf_half_pixel_for_nn.</summary>
[Upgrades("Resize")]
internal sealed class Resize : OperatorUpgrade
{
    public override void Apply(NodeDraft node)
    {
        if (node.Opset < 11)
        {
            FromTen(node);
            return;
        }
        for (int i = 1; i <= 3; i++)
            if (node.Input(i) is { } input && (input.Constant is { Count: 0 } || (input.Shape.IsKnown && input.Shape.Count == 0))) node.SetInput(i, null);
        // Some exporters of operator set 11 give scales beside sizes; then sizes count.
        if (node.Opset < 13 && node.Input(3) != null) node.SetInput(2, null);
        AttributeSet attributes = node.Attributes;
        if (attributes.String("coordinate_transformation_mode", "") != "tf_half_pixel_for_nn") return;
        if (attributes.String("mode", "nearest") != "nearest")
            throw node.Unsupported("coordinate_transformation_mode tf_half_pixel_for_nn is supported for mode nearest only");
        // It reads at u = (x + 0.5) / scale, half_pixel at u - 0.5: floor(u) is round_prefer_ceil(u - 0.5), which is floor(u - 0.5 + 0.5);
        // round_prefer_floor(u), which is ceil(u - 0.5), is ceil(u - 0.5).
        string rounding = attributes.String("nearest_mode", "round_prefer_floor");
        attributes["coordinate_transformation_mode"] = "half_pixel";
        attributes["nearest_mode"] = rounding switch
        {
            "floor" => "round_prefer_ceil",
            "round_prefer_floor" => "ceil",
            _ => throw node.Unsupported($"coordinate_transformation_mode tf_half_pixel_for_nn with nearest_mode {OnnxTensor.Clean(rounding)} is not supported"),
        };
    }

    /// <summary>Nearest in operator set 10 rounds down where a dimension grows and up where it shrinks (test data of ONNX 1.5, and
    /// ONNX Runtime): first the shrinking dimensions, then the growing ones.</summary>
    private static void FromTen(NodeDraft node)
    {
        string mode = node.Attributes.String("mode", "nearest");
        Value x = node.Required(0), scales = node.Required(1);
        bool shrinks = true, grows = true;
        if (scales.Constant is { } known)
        {
            shrinks = grows = false;
            for (long i = 0; i < known.Count; i++)
            {
                shrinks |= known.GetDouble(i) < 1;
                grows |= known.GetDouble(i) > 1;
            }
        }
        if (mode != "nearest" || !shrinks || !grows)
        {
            node.Become("Resize", [x, null, scales], Modes(mode, shrinks && !grows ? "ceil" : "floor"));
            return;
        }
        Value one = node.Constant("one", Tensor.FromScalar(1f));
        Value smaller = node.Emit("Resize", [x, null, node.Emit("Min", [scales, one])], Modes(mode, "ceil"));
        node.Become("Resize", [smaller, null, node.Emit("Max", [scales, one])], Modes(mode, "floor"));
    }

    private static (string, AttributeValue)[] Modes(string mode, string nearest) =>
        [("mode", mode), ("coordinate_transformation_mode", "asymmetric"), ("nearest_mode", nearest)];
}
