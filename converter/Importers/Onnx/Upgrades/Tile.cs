namespace EdgeLite.Converter.Importers.Onnx.Upgrades;

/// <summary>Operator set 6 replaced the inputs tiles and axis by one number of repeats for each dimension.</summary>
[Upgrades("Tile")]
internal sealed class Tile : OperatorUpgrade
{
    public override void Apply(NodeDraft node)
    {
        if (node.Opset >= 6) return;
        if (node.Input(1)?.Constant is not { Count: 1 } tiles || node.Input(2)?.Constant is not { Count: 1 } axis)
            throw node.Unsupported("tiles and axis of operator set 1 must be constants");
        long[] repeats = new long[node.RequiredRank(0)];
        Array.Fill(repeats, 1);
        long at = axis.GetInt64(0) < 0 ? axis.GetInt64(0) + repeats.Length : axis.GetInt64(0);
        if (at < 0 || at >= repeats.Length) throw node.Error($"axis {axis.GetInt64(0)} is outside a tensor of {repeats.Length} dimensions");
        repeats[at] = tiles.GetInt64(0);
        node.Become("Tile", [node.Required(0), node.Ints("repeats", repeats)]);
    }
}
