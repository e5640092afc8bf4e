using EdgeLite.Converter.Ir;
using EdgeLite.Ops;

namespace EdgeLite.Converter.Importers.Onnx.Upgrades;

/// <summary>Operator set 7 dropped is_test, 9 dropped spatial, 14 replaced the training outputs (running and saved statistics) by
/// training_mode with three outputs.</summary>
[Upgrades("BatchNormalization")]
internal sealed class BatchNormalization : OperatorUpgrade
{
    public override void Apply(NodeDraft node)
    {
        if (node.Opset >= 14) return;
        AttributeSet attributes = node.Attributes;
        bool perElement = node.Opset < 9 && attributes.Int("spatial", 1) == 0;
        attributes.Remove("spatial");
        attributes.Remove("is_test");
        bool training = node.IsWanted(1) || node.IsWanted(2);
        if (node.IsWanted(3) || node.IsWanted(4))
        {
            // Exporters name all five outputs also where nothing is trained; saved statistics exist only within training.
            training = false;
            for (int i = 1; i < node.HasOutput.Length; i++) node.HasOutput[i] = false;
        }
        if (training) attributes["training_mode"] = 1;
        if (!perElement) return;

        // spatial = 0: one mean, variance, scale and bias for each element of a sample, y = (x - mean) / sqrt(var + epsilon) * scale + bias.
        if (training) throw node.Unsupported("training with spatial = 0 is not supported");
        Value epsilon = node.Number("epsilon", attributes.Float("epsilon", 1e-5f));
        Value deviation = node.Emit("Sqrt", [node.Emit("Add", [node.Required(4), epsilon])]);
        Value normal = node.Emit("Div", [node.Emit("Sub", [node.Required(0), node.Required(3)]), deviation]);
        node.Become("Add", [node.Emit("Mul", [normal, node.Required(1)]), node.Required(2)]);
    }
}
