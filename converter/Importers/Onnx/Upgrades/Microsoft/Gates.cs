using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.Onnx.Upgrades.Microsoft;

/// <summary>What stands beside linear attention in models of Qwen3-Next's kind: decay = decay_scale softplus(a + dt_bias) and beta = sigmoid(b)
/// (LinearAttentionGate); root-mean-square normalisation of groups as wide as the weight, times an activation of a gate (GatedRMSNorm).</summary>
[Upgrades("LinearAttentionGate", "GatedRMSNorm", Domain = "com.microsoft")]
internal sealed class Gates : OperatorUpgrade
{
    public override void Apply(NodeDraft node)
    {
        if (node.OpType == "GatedRMSNorm") Norm(node);
        else
        {
            Value decay = node.Emit("Mul", [node.Emit("Softplus", [node.Emit("Add", [Float(node, 0), Float(node, 1)])]), Float(node, 2)]);
            node.Results = [As(node, decay), node.IsWanted(1) ? node.Emit("Sigmoid", [node.Required(3)]) : null];
        }
    }

    private static void Norm(NodeDraft node)
    {
        Value x = Float(node, 0), scale = Float(node, 1), gate = Float(node, 2), shape = node.Emit("Shape", [x]);
        Value rows = node.Emit("Reshape", [x, node.Emit("Concat", [node.Ints("rows", -1), node.Emit("Shape", [scale])], ("axis", 0))]);
        Value y = node.Emit("Reshape", [node.Emit("RMSNormalization", [rows, scale], ("axis", -1), ("epsilon", node.Attributes.Float("epsilon", 1e-5f))), shape]);
        gate = node.Attributes.String("activation", "silu") switch
        {
            "silu" or "swish" => node.Emit("Swish", [gate]),
            "sigmoid" => node.Emit("Sigmoid", [gate]),
            var other => throw node.Error($"activation '{other}' is not known; expected silu, swish or sigmoid"),
        };
        node.Results = [As(node, node.Emit("Mul", [y, gate]))];
    }

    /// <summary>Both compute in float32, whatever the tensors are.</summary>
    private static Value Float(NodeDraft node, int input) => node.DType(input) is DType.Float16 or DType.BFloat16 ? node.Emit("Cast", [node.Required(input)], ("to", (long)DType.Float32)) : node.Required(input);

    private static Value As(NodeDraft node, Value y) => node.DType(0) is DType.Float16 or DType.BFloat16 ? node.Emit("Cast", [y], ("to", (long)node.DType(0))) : y;
}
