namespace EdgeLite.Converter.Importers.Onnx.Upgrades;

/// <summary>Operator set 7 dropped output_sequence: outputs are absent where they are not wanted.</summary>
[Upgrades("RNN", "GRU", "LSTM")]
internal sealed class Recurrent : OperatorUpgrade
{
    public override void Apply(NodeDraft node)
    {
        if (node.Opset < 7) node.Attributes.Remove("output_sequence");
    }
}
