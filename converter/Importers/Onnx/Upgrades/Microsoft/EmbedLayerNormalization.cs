using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.Onnx.Upgrades.Microsoft;

/// <summary>BERT's first layer: the sum of embeddings of words, positions and segments, normalised. Inputs: input_ids, segment_ids?,
/// words, positions, segments?, gamma, beta, mask?, position_ids?; outputs: result, number of unmasked words?, sum?.
/// QEmbedLayerNormalization has the five tables quantized, their scales and zero points behind the mask.</summary>
[Upgrades("EmbedLayerNormalization", "QEmbedLayerNormalization", Domain = "com.microsoft")]
internal sealed class EmbedLayerNormalization : OperatorUpgrade
{
    public override void Apply(NodeDraft node)
    {
        bool isQuantized = node.OpType.StartsWith('Q');
        Value ids = node.Required(0);
        Value length = node.Emit("Squeeze", [node.Emit("Shape", [ids], ("start", 1), ("end", 2))]);
        Value places = (isQuantized ? null : node.Input(8)) ?? node.Emit("Range", [node.Int("zero", 0), length, node.Int("one", 1)]);
        Value sum = node.Emit("Add", [Rows(2, ids), Rows(3, places)]);
        if (node.Input(1) is { } segments) sum = node.Emit("Add", [sum, Rows(4, segments)]);
        Value y = node.Emit("LayerNormalization", [sum, Real(5, node.Required(5)), Real(6, node.Required(6))], ("axis", -1), ("epsilon", node.Attributes.Float("epsilon", 1e-12f)));
        Value? count = null;
        if (node.IsWanted(1))
        {
            Value mask = node.Input(7) ?? node.Emit("Sub", [ids, ids]);
            count = node.Emit("ReduceSum", [node.Emit("Cast", [mask], ("to", (long)DType.Int32)), node.Ints("axis", 1)], ("keepdims", 0));
        }
        node.Results = [y, count, sum];

        Value Rows(int table, Value indices) => Real(table, node.Emit("Gather", [node.Required(table), indices]));

        // Of table 2 + i the scale is input 8 + i, the zero point 13 + i.
        Value Real(int table, Value x) => isQuantized ? node.Emit("DequantizeLinear", [x, node.Required(6 + table), node.Required(11 + table)]) : x;
    }
}
