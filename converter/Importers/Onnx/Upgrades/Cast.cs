using EdgeLite.Core;
using EdgeLite.Ops;

namespace EdgeLite.Converter.Importers.Onnx.Upgrades;

/// <summary>Operator set 6 turned <c>to</c> from a name ("FLOAT") into the number of the element type.</summary>
[Upgrades("Cast")]
internal sealed class Cast : OperatorUpgrade
{
    public override void Apply(NodeDraft node)
    {
        if (node.Opset >= 6 || node.Attributes.Find("to") is not { Kind: AttributeKind.String } to) return;
        DType type = to.String.ToUpperInvariant() switch
        {
            "FLOAT" => DType.Float32,
            "DOUBLE" => DType.Float64,
            var other => DTypes.Parse(other.ToLowerInvariant()),
        };
        if (type == DType.Undefined) throw node.Error($"element type '{OnnxTensor.Clean(to.String)}' is not known");
        node.Attributes["to"] = (long)type;
    }
}
