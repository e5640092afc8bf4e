namespace EdgeLite.Converter.Importers.Onnx.Upgrades;

/// <summary>Operator set 11 turned the attributes min and max into inputs.</summary>
[Upgrades("Clip")]
internal sealed class Clip : OperatorUpgrade
{
    public override void Apply(NodeDraft node)
    {
        if (node.Opset >= 11) return;
        Move(node, "min", 1);
        Move(node, "max", 2);
    }

    private static void Move(NodeDraft node, string name, int input)
    {
        if (!node.Attributes.Has(name)) return;
        node.SetInput(input, node.Number(name, node.Attributes.Float(name, 0)));
        node.Attributes.Remove(name);
    }
}
