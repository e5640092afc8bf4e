using EdgeLite.Ops;

namespace EdgeLite.Converter.Importers.Onnx.Upgrades;

/// <summary>Operator set 11 added roi and sizes, coordinate transformations and rounding; 10 computed as "asymmetric" with
/// "floor". 13 made absent inputs possible (before, an empty tensor stood for them) and dropped tf_half_pixel_for_nn.</summary>
[Upgrades("Resize")]
internal sealed class Resize : OperatorUpgrade
{
    public override void Apply(NodeDraft node)
    {
        AttributeSet attributes = node.Attributes;
        if (node.Opset < 11)
        {
            node.Inputs.Insert(1, null);
            attributes["coordinate_transformation_mode"] = "asymmetric";
            attributes["nearest_mode"] = "floor";
            return;
        }
        for (int i = 1; i <= 3; i++)
            if (node.Input(i) is { } input && (input.Constant is { Count: 0 } || (input.Shape.IsKnown && input.Shape.Count == 0))) node.SetInput(i, null);
        // Exporters of operator set 11 give scales [] and sizes; some give both, then sizes count.
        if (node.Opset < 13 && node.Input(3) != null) node.SetInput(2, null);
        if (attributes.String("coordinate_transformation_mode", "") != "tf_half_pixel_for_nn") return;
        // (x + 0.5) / scale rounded down is half_pixel, (x + 0.5) / scale - 0.5, rounded to nearest with halves up.
        if (attributes.String("mode", "nearest") != "nearest" || attributes.String("nearest_mode", "round_prefer_floor") != "floor")
            throw node.Unsupported("coordinate_transformation_mode tf_half_pixel_for_nn is supported for mode nearest with nearest_mode floor only");
        attributes["coordinate_transformation_mode"] = "half_pixel";
        attributes["nearest_mode"] = "round_prefer_ceil";
    }
}
