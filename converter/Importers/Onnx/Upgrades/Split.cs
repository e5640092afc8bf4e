using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.Onnx.Upgrades;

/// <summary>Operator set 13 turned the sizes into an input (they were an attribute; in 1, either); 18 demands num_outputs where
/// there are none.</summary>
[Upgrades("Split")]
internal sealed class Split : OperatorUpgrade
{
    public override void Apply(NodeDraft node)
    {
        if (node.Opset >= 18) return;
        if (node.Opset < 13) node.IntsToInput("split", 1);
        if (node.Input(1) == null) node.Attributes["num_outputs"] = node.HasOutput.Length;
        else if (node.DType(1) is not (DType.Int64 or DType.Undefined)) node.SetInput(1, node.Emit("Cast", [node.Input(1)], ("to", (long)DType.Int64)));
    }
}
