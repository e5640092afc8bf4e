namespace EdgeLite.Converter.Importers.Onnx.Upgrades;

/// <summary>SwiGLU(A, B) = Swish(A) * B, the function that its specification gives.</summary>
[Upgrades("SwiGLU")]
internal sealed class SwiGLU : OperatorUpgrade
{
    public override void Apply(NodeDraft node) =>
        node.Become("Mul", [node.Emit("Swish", [node.Required(0)], ("alpha", node.Attributes.Float("alpha", 1))), node.Required(1)]);
}
