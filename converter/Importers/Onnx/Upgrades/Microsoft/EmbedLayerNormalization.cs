using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.Onnx.Upgrades.Microsoft;

/// <summary>BERT's first layer: the sum of embeddings of words, positions and segments, normalised. Inputs: input_ids, segment_ids?,
/// words, positions, segments?, gamma, beta, mask?, position_ids?; outputs: result, number of unmasked words?, sum?.</summary>
[Upgrades("EmbedLayerNormalization", Domain = "com.microsoft")]
internal sealed class EmbedLayerNormalization : OperatorUpgrade
{
    public override void Apply(NodeDraft node)
    {
        Value ids = node.Required(0);
        Value length = node.Emit("Squeeze", [node.Emit("Shape", [ids], ("start", 1), ("end", 2))]);
        Value places = node.Input(8) ?? node.Emit("Range", [node.Int("zero", 0), length, node.Int("one", 1)]);
        Value sum = node.Emit("Add", [node.Emit("Gather", [node.Required(2), ids]), node.Emit("Gather", [node.Required(3), places])]);
        if (node.Input(1) is { } segments) sum = node.Emit("Add", [sum, node.Emit("Gather", [node.Required(4), segments])]);
        Value y = node.Emit("LayerNormalization", [sum, node.Required(5), node.Required(6)], ("axis", -1), ("epsilon", node.Attributes.Float("epsilon", 1e-12f)));
        Value? count = null;
        if (node.IsWanted(1))
        {
            Value mask = node.Input(7) ?? node.Emit("Sub", [ids, ids]);
            count = node.Emit("ReduceSum", [node.Emit("Cast", [mask], ("to", (long)DType.Int32)), node.Ints("axis", 1)], ("keepdims", 0));
        }
        node.Results = [y, count, sum];
    }
}
