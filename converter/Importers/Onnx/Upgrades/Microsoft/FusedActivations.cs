using EdgeLite.Converter.Ir;

namespace EdgeLite.Converter.Importers.Onnx.Upgrades.Microsoft;

/// <summary>Activations of com.microsoft, some with a bias before them, a convolution or an addition with one behind it; lowering fuses what it can.</summary>
[Upgrades("Gelu", "BiasGelu", "FastGelu", "QuickGelu", "BiasSplitGelu", "BiasSoftmax", "BiasAdd", "BiasDropout", "FusedConv", "NhwcFusedConv", Domain = "com.microsoft")]
internal sealed class FusedActivations : OperatorUpgrade
{
    public override void Apply(NodeDraft node)
    {
        switch (node.OpType)
        {
            case "QuickGelu":
                node.Become("Swish", [node.Required(0)], ("alpha", node.Attributes.Float("alpha", 1.702f)));
                break;
            case "BiasSplitGelu":
                // The first half times Gelu of the second.
                Value?[] halves = node.EmitAll("Split", [Biased(node)], 2, ("axis", -1), ("num_outputs", 2));
                node.Become("Mul", [halves[0], node.Emit("Gelu", [halves[1]])]);
                break;
            case "BiasSoftmax":
                Softmax(node);
                break;
            case "BiasAdd":
                node.Become("Add", [Biased(node), node.Required(2)]);
                break;
            case "BiasDropout":
                Value sum = Biased(node);
                if (node.Input(2) is { } residual) sum = node.Emit("Add", [sum, residual]);
                if (node.IsWanted(1)) throw node.Unsupported("the mask of a dropout in training is not supported");
                node.Become("Identity", [sum]);
                break;
            case "FusedConv" or "NhwcFusedConv":
                Convolution(node);
                break;
            default:
                node.Become("Gelu", [Biased(node)], ("approximate", node.OpType == "FastGelu" ? "tanh" : "none"));
                break;
        }
        node.MoveTo("");
    }

    private static Value Biased(NodeDraft node) => node.Input(1) is { } bias ? node.Emit("Add", [node.Required(0), bias]) : node.Required(0);

    /// <summary>Over all dimensions from axis on as one. A bias of fewer dimensions lacks the first ones or, with is_inner_broadcast, those before
    /// axis.</summary>
    private static void Softmax(NodeDraft node)
    {
        int rank = node.RequiredRank(0), fewer = rank - node.RequiredRank(1);
        long axis = node.Attributes.Int("axis", 1);
        if (axis < 0) axis += rank;
        if (axis < 0 || axis >= rank || fewer < 0 || fewer > axis) throw node.Error($"axis {axis} and a bias of {rank - fewer} dimensions do not fit {rank} dimensions");
        Value x = node.Required(0), bias = node.Required(1);
        if (fewer > 0 && node.Attributes.Int("is_inner_broadcast", 1) != 0)
            bias = node.Emit("Unsqueeze", [bias, node.Ints("missing", [.. Enumerable.Range(0, fewer).Select(i => axis - fewer + i)])]);
        Value sum = node.Emit("Add", [x, bias]);
        if (axis == rank - 1) node.Become("Softmax", [sum], ("axis", -1));
        else node.Become("Reshape", [node.Emit("Softmax", [node.Emit("Flatten", [sum], ("axis", axis))], ("axis", -1)), node.Emit("Shape", [x])]);
    }

    /// <summary>Convolution, bias, an added tensor Z, then an activation; NHWC data between transposes.</summary>
    private static void Convolution(NodeDraft node)
    {
        var own = node.Attributes.Clone();
        own.Remove("activation");
        own.Remove("activation_params");
        bool isNhwc = node.OpType == "NhwcFusedConv";
        Value y = node.EmitWith("Conv", [First(node.Required(0)), node.Required(1), node.Input(2)], own);
        if (node.Input(3) is { } added) y = node.Emit("Add", [y, First(added)]);
        float[] p = node.Attributes.Floats("activation_params") ?? [];
        string activation = node.Attributes.String("activation", "");
        if (p.Length < activation switch { "LeakyRelu" => 1, "Clip" or "HardSigmoid" => 2, _ => 0 }) throw node.Error($"activation {activation} needs more than {p.Length} activation_params");
        y = activation switch
        {
            "" => y,
            "Relu" or "Tanh" or "Sigmoid" => node.Emit(activation, [y]),
            "HardSwish" => node.Emit("HardSwish", [y]),
            "LeakyRelu" => node.Emit("LeakyRelu", [y], ("alpha", p[0])),
            "HardSigmoid" => node.Emit("HardSigmoid", [y], ("alpha", p[0]), ("beta", p[1])),
            "Clip" => node.Emit("Clip", [y, node.Number("low", p[0]), node.Number("high", p[1])]),
            _ => throw node.Unsupported($"activation '{activation}' is not known"),
        };
        if (isNhwc) node.Become("Transpose", [y], ("perm", ChannelOrder.Last(node.RequiredRank(0))));
        else node.Become("Identity", [y]);

        Value First(Value x) => isNhwc ? node.Emit("Transpose", [x], ("perm", ChannelOrder.First(node.RequiredRank(0)))) : x;
    }
}
