namespace EdgeLite.Converter.Importers.Onnx.Upgrades;

/// <summary>Operator set 16 added coordinate_transformation_mode; before, it was what is now output_half_pixel.</summary>
[Upgrades("RoiAlign")]
internal sealed class RoiAlign : OperatorUpgrade
{
    public override void Apply(NodeDraft node)
    {
        if (node.Opset < 16) node.Attributes["coordinate_transformation_mode"] = "output_half_pixel";
    }
}
