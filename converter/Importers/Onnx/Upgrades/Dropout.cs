using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.Onnx.Upgrades;

/// <summary>Operator set 12 turned ratio and the mode into inputs; before 10 the mask had the type of the data. Old nodes are
/// taken as inference, where nothing is dropped.</summary>
[Upgrades("Dropout")]
internal sealed class Dropout : OperatorUpgrade
{
    public override void Apply(NodeDraft node)
    {
        if (node.Opset >= 12) return;
        node.Attributes.Remove("ratio");
        node.Attributes.Remove("is_test");
        if (node.Opset >= 10 || !node.IsWanted(1)) return;
        DType type = node.DType(0);
        Value?[] results = node.EmitSelf();
        results[1] = node.Emit("Cast", [results[1]], ("to", (long)(type == DType.Undefined ? DType.Float32 : type)));
        node.Results = results;
    }
}
