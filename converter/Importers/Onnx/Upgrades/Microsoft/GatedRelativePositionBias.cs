using EdgeLite.Converter.Ir;

namespace EdgeLite.Converter.Importers.Onnx.Upgrades.Microsoft;

/// <summary>
/// WavLM's gate on a bias rel_pos[1][heads][s][s] (arXiv 2110.13900, section 3.1): of each query with its bias q W + b, whose halves are added up
/// each, u, r = sigmoid(halves), the bias is multiplied by u (r a - 1) + 2.
/// </summary>
[Upgrades("GatedRelativePositionBias", Domain = "com.microsoft")]
internal sealed class GatedRelativePositionBias : OperatorUpgrade
{
    public override void Apply(NodeDraft node)
    {
        if (node.Input(6) != null) throw node.Unsupported("token_offset (padding removed) is not supported");
        long heads = node.Attributes["num_heads"].Int;
        Value q = node.Emit("Add", [node.Required(0), node.Required(1)]);
        q = node.Emit("Transpose", [node.Emit("Reshape", [q, node.Ints("heads", 0, 0, heads, -1)])], ("perm", new long[] { 0, 2, 1, 3 }));
        Value gates = node.Emit("Add", [node.Emit("MatMul", [q, node.Required(3)]), node.Required(4)]);
        gates = node.Emit("ReduceSum", [node.Emit("Reshape", [gates, node.Ints("halves", 0, 0, 0, 2, -1)]), node.Ints("last", -1)], ("keepdims", 0));
        Value?[] ur = node.EmitAll("Split", [node.Emit("Sigmoid", [gates])], 2, ("axis", 3), ("num_outputs", 2));
        Value inner = node.Emit("Sub", [node.Emit("Mul", [ur[1], node.Required(5)]), node.Number("one", 1)]);
        Value gate = node.Emit("Add", [node.Emit("Mul", [ur[0], inner]), node.Number("two", 2)]);
        node.Become("Mul", [gate, node.Required(2)]);
        node.MoveTo("");
    }
}
