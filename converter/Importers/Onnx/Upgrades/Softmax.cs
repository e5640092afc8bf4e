using EdgeLite.Converter.Ir;

namespace EdgeLite.Converter.Importers.Onnx.Upgrades;

/// <summary>Before operator set 13 the input was seen as a matrix, its dimensions from <c>axis</c> (default 1) on being the columns,
/// and the function went over a whole row. Where axis is the last dimension that is the same as now.</summary>
[Upgrades("Softmax", "LogSoftmax", "Hardmax")]
internal sealed class Softmax : OperatorUpgrade
{
    public override void Apply(NodeDraft node)
    {
        if (node.Opset >= 13) return;
        long axis = node.Attributes.Int("axis", 1);
        int rank = node.Rank(0);
        if (axis == -1 || (rank > 0 && (axis < 0 ? axis + rank : axis) == rank - 1))
        {
            node.Attributes["axis"] = -1;
            return;
        }
        Value x = node.Required(0);
        Value rows = node.Emit("Flatten", [x], ("axis", axis));
        Value result = node.Emit(node.OpType, [rows], ("axis", -1));
        node.Become("Reshape", [result, node.Emit("Shape", [x])], ("allowzero", 1));
    }
}
