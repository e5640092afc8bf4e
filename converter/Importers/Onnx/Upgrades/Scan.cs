using EdgeLite.Converter.Ir;

namespace EdgeLite.Converter.Importers.Onnx.Upgrades;

/// <summary>Scan of operator set 8 ran each sample of a batch (dimension 0) by itself, with an optional sequence length; from 9 on
/// there is no batch. Supported for a batch of one without lengths: the dimension is taken off and put back.</summary>
[Upgrades("Scan")]
internal sealed class Scan : OperatorUpgrade
{
    public override void Apply(NodeDraft node)
    {
        if (node.Opset >= 9) return;
        if (node.Input(0) != null) throw node.Unsupported("sequence lengths of Scan in operator set 8 are not supported");
        node.Inputs.RemoveAt(0);
        int own = node.Inputs.Count - node.Captures;
        for (int i = 0; i < own; i++)
        {
            if (node.Rank(i) < 1 || node.Required(i).Shape[0] != 1) throw node.Unsupported("Scan of operator set 8 is supported for a batch of one only");
            node.SetInput(i, node.Emit("Squeeze", [node.Required(i), node.Ints("batch", 0)]));
        }
        if (node.Attributes.Ints("directions") is { } directions)
        {
            node.Attributes.Remove("directions");
            node.Attributes["scan_input_directions"] = directions;
        }
        Value?[] results = node.EmitSelf();
        for (int i = 0; i < results.Length; i++)
            if (results[i] != null) results[i] = node.Emit("Unsqueeze", [results[i], node.Ints("batch", 0)]);
        node.Results = results;
    }
}
