using EdgeLite.Converter.Ir;

namespace EdgeLite.Converter.Importers.Onnx.Upgrades;

/// <summary>Operator set 21 made scale and bias one number for each channel; before, they were one for each group.</summary>
[Upgrades("GroupNormalization")]
internal sealed class GroupNormalization : OperatorUpgrade
{
    public override void Apply(NodeDraft node)
    {
        if (node.Opset >= 21) return;
        Value groups = node.Ints("groups", node.Attributes["num_groups"].Int);
        Value channels = node.Emit("Shape", [node.Required(0)], ("start", 1), ("end", 2));
        Value repeated = node.Emit("Concat", [groups, node.Emit("Div", [channels, groups])], ("axis", 0));
        Value column = node.Ints("column", 1), flat = node.Ints("flat", -1);
        for (int i = 1; i <= 2; i++)
        {
            Value wide = node.Emit("Expand", [node.Emit("Unsqueeze", [node.Required(i), column]), repeated]);
            node.SetInput(i, node.Emit("Reshape", [wide, flat]));
        }
    }
}
