namespace EdgeLite.Converter.Importers.Onnx.Upgrades;

/// <summary>Operator set 20 renamed the modes bilinear and bicubic, since they hold for any rank.</summary>
[Upgrades("GridSample")]
internal sealed class GridSample : OperatorUpgrade
{
    public override void Apply(NodeDraft node)
    {
        if (node.Opset >= 20) return;
        string mode = node.Attributes.String("mode", "bilinear");
        node.Attributes["mode"] = mode switch
        {
            "bilinear" => "linear",
            "bicubic" => "cubic",
            _ => mode,
        };
    }
}
