using EdgeLite.Converter.Ir;

namespace EdgeLite.Converter.Importers.Onnx.Upgrades.Microsoft;

/// <summary>Matrix products of com.microsoft that hold a neighbour: transposes and a factor (FusedMatMul), an activation (FusedGemm).
/// Lowering fuses again what it can.</summary>
[Upgrades("FusedMatMul", "TransposeMatMul", "FusedGemm", Domain = "com.microsoft")]
internal sealed class FusedProducts : OperatorUpgrade
{
    public override void Apply(NodeDraft node)
    {
        if (node.OpType == "FusedGemm") Gemm(node);
        else MatMul(node);
        node.MoveTo("");
    }

    private static void MatMul(NodeDraft node)
    {
        Value a = Side(node, 0, "transA", "transBatchA"), b = Side(node, 1, "transB", "transBatchB");
        float alpha = node.Attributes.Float("alpha", 1);
        if (alpha == 1) node.Become("MatMul", [a, b]);
        else node.Become("Mul", [node.Emit("MatMul", [a, b]), node.Number("alpha", alpha)]);
    }

    /// <summary>The operand with its last two dimensions in their places. transBatch says that the rows come before the batch
    /// dimensions; trans, that rows and columns change places.</summary>
    private static Value Side(NodeDraft node, int i, string swap, string moveFirst)
    {
        bool swaps = node.Attributes.Int(swap, 0) != 0, moves = node.Attributes.Int(moveFirst, 0) != 0;
        if (!swaps && !moves) return node.Required(i);
        long[] perm = [.. Enumerable.Range(0, node.RequiredRank(i)).Select(d => (long)d)];
        if (perm.Length < 2) return node.Required(i);
        if (moves) perm = [.. perm[1..^1], perm[0], perm[^1]];
        if (swaps) (perm[^1], perm[^2]) = (perm[^2], perm[^1]);
        return node.Emit("Transpose", [node.Required(i)], ("perm", perm));
    }

    private static void Gemm(NodeDraft node)
    {
        var own = node.Attributes.Clone();
        foreach (string name in new[] { "activation", "activation_alpha", "activation_beta", "activation_gamma" }) own.Remove(name);
        Value y = node.EmitWith("Gemm", node.Inputs.ToArray(), own);
        float alpha = node.Attributes.Float("activation_alpha", float.NaN), beta = node.Attributes.Float("activation_beta", float.NaN);
        switch (node.Attributes.String("activation", ""))
        {
            case "" : node.Become("Identity", [y]); break;
            case "Relu" or "Tanh" or "Sigmoid" or "Softplus" or "Softsign" : node.Become(node.Attributes["activation"].String, [y]); break;
            case "LeakyRelu" : node.Become("LeakyRelu", [y], ("alpha", float.IsNaN(alpha) ? 0.01f : alpha)); break;
            case "Elu" : node.Become("Elu", [y], ("alpha", float.IsNaN(alpha) ? 1 : alpha)); break;
            case "HardSigmoid" : node.Become("HardSigmoid", [y], ("alpha", float.IsNaN(alpha) ? 0.2f : alpha), ("beta", float.IsNaN(beta) ? 0.5f : beta)); break;
            default: throw node.Unsupported($"the activation '{node.Attributes["activation"].String}' is not known");
        }
    }
}
