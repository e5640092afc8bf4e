using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.Onnx.Upgrades;

/// <summary>Resize replaced Upsample in operator set 10. Scales were width_scale and height_scale before 7, an attribute before 9,
/// then an input.</summary>
[Upgrades("Upsample")]
internal sealed class Upsample : OperatorUpgrade
{
    public override void Apply(NodeDraft node)
    {
        string mode = node.Attributes.String("mode", "nearest");
        if (mode == "bilinear") mode = "linear";
        Value scales;
        if (node.Input(1) is { } input) scales = input;
        else
        {
            float[] factors = node.Attributes.Floats("scales")
                ?? [1, 1, node.Attributes["height_scale"].Float, node.Attributes["width_scale"].Float];
            scales = node.Constant("scales", Tensor.FromArray<float>(factors, new Shape(factors.Length)));
        }
        node.Become("Resize", [node.Required(0), null, scales],
            ("mode", mode), ("coordinate_transformation_mode", "asymmetric"), ("nearest_mode", "floor"));
    }
}
