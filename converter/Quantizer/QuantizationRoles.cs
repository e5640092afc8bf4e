using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Passes;
using EdgeLite.Core;
using EdgeLite.Ops;

namespace EdgeLite.Converter.Quantizing;

/// <summary>What a node can be among int8 tensors.</summary>
internal enum QuantizationRole
{
    /// <summary>It stays float.</summary>
    Float,

    /// <summary>A layer with constant weights; always quantized.</summary>
    Layer,

    /// <summary>Add, Sub, Mul of tensors.</summary>
    Arithmetic,

    /// <summary>A function of one element: a table of 256 entries.</summary>
    Table,

    /// <summary>Moves or selects elements: result and operand have the same parameters.</summary>
    Moving,

    /// <summary>AveragePool: the same parameters, like TFLite.</summary>
    Averaging,

    /// <summary>Mean over height and width.</summary>
    Mean,

    /// <summary>Concat: one scale for all where that costs little.</summary>
    Concat,

    /// <summary>Softmax over the last axis: result in [0, 1].</summary>
    Softmax,
}

/// <summary>Finds the role of a node from its operator, attributes and constants; the same conditions as the lowering's integer patterns.</summary>
internal static class QuantizationRoles
{
    private static readonly HashSet<string> s_tables =
    [
        "Relu", "LeakyRelu", "Sigmoid", "Tanh", "HardSwish", "HardSigmoid", "Swish", "Gelu", "Elu", "Selu", "Celu", "Softplus", "Softsign", "Mish", "Abs", "Neg",
        "ThresholdedRelu",
    ];

    /// <summary>The role of <paramref name="node"/>, and why it is float where it is.</summary>
    public static (QuantizationRole Role, string? Reason) Of(Node node)
    {
        if (node.Domain.Length > 0) return Keep("operators of this domain have no int8 form");
        if (node.Outputs.Any(o => o != null && o.DType != DType.Float32)) return Keep("its result is not float32");
        AttributeSet a = node.Attributes;
        switch (node.OpType)
        {
            case "Conv" or "ConvTranspose":
                if (!IsActivation(node.Input(0)) || node.Input(1)?.Constant is not { DType: DType.Float32 } w) return Keep("its weights are not constant");
                if (w.Shape.Rank is not (3 or 4)) return Keep("convolutions of three spatial dimensions have no int8 form");
                if (node.OpType == "ConvTranspose" && a.Int("group", 1) != 1) return Keep("transposed convolutions of several groups have no int8 form");
                return node.Input(2) is { Constant: not { DType: DType.Float32 } } ? Keep("its bias is not constant") : As(QuantizationRole.Layer);
            case "Gemm":
                if (!IsActivation(node.Input(0)) || node.Input(1)?.Constant is not { DType: DType.Float32 } b) return Keep("its weights are not constant");
                if (a.Float("alpha", 1) != 1 || a.Int("transA", 0) != 0 || node.Input(2) != null && a.Float("beta", 1) != 1)
                    return Keep("Gemm with alpha, beta or transA has no int8 form");
                long n = b.Shape[a.Int("transB", 0) != 0 ? 0 : 1];
                return node.Input(2) is { } c && !IsBias(c, n) ? Keep("its bias is not a constant row") : As(QuantizationRole.Layer);
            case "MatMul":
                return IsActivation(node.Input(0)) && node.Input(1)?.Constant is { DType: DType.Float32, Shape.Rank: 2 } && node.Inputs[0]!.Shape is { IsRanked: true, Rank: >= 1 }
                    ? As(QuantizationRole.Layer) : Keep("products of two computed matrices have no int8 form");
            case "Add" or "Sub" or "Mul":
                if (node.Inputs.Any(i => i is not { DType: DType.Float32 }) || node.Inputs.All(i => i!.IsConstant)) return Keep("its operands are not float32 tensors");
                return ScalarOperand(node) || GroupFactor(node) ? As(QuantizationRole.Table) : As(QuantizationRole.Arithmetic);
            case "Div" or "Pow" or "Max" or "Min":
                return ScalarOperand(node) && IsActivation(node.Input(0)) ? As(QuantizationRole.Table) : Keep("between tensors this operator has no int8 form");
            case "PRelu":
                return IsActivation(node.Input(0)) && IsScalar(node.Input(1)) ? As(QuantizationRole.Table) : Keep("a slope for each channel has no int8 form");
            case "Clip":
                return IsActivation(node.Input(0)) && node.Inputs.Skip(1).All(i => i == null || IsScalar(i)) ? As(QuantizationRole.Table) : Keep("its bounds are not constant");
            case "MaxPool":
                return IsActivation(node.Input(0)) && node.Outputs.Count(o => o != null) == 1 ? As(QuantizationRole.Moving) : Keep("it also gives indices");
            case "AveragePool":
                bool plain = IsActivation(node.Input(0)) && node.Inputs[0]!.Shape is { IsRanked: true, Rank: 4 } && a.Int("ceil_mode", 0) == 0 && a.Int("channels_last", 0) == 0
                    && (a.Ints("dilations")?.All(d => d == 1) ?? true) && (a.Int("count_include_pad", 0) == 0 || (a.Ints("pads")?.All(p => p == 0) ?? true));
                return plain ? As(QuantizationRole.Averaging) : Keep("this kind of averaging has no int8 form");
            case "GlobalAveragePool":
                return IsActivation(node.Input(0)) && IsPlane(node.Inputs[0]!, 2) ? As(QuantizationRole.Mean) : Keep("only means over a known height and width have an int8 form");
            case "ReduceMean":
                return IsActivation(node.Input(0)) && SpatialAxes(node) is { } first && IsPlane(node.Inputs[0]!, first)
                    ? As(QuantizationRole.Mean) : Keep("only means over height and width have an int8 form");
            case "Softmax":
                return IsActivation(node.Input(0)) && node.Inputs[0]!.Shape.IsRanked && a.Int("axis", -1) is var axis && (axis == -1 || axis == node.Inputs[0]!.Shape.Rank - 1)
                    ? As(QuantizationRole.Softmax) : Keep("only Softmax over the last axis has an int8 form");
            case "Concat":
                return node.Inputs.All(i => i is { DType: DType.Float32 }) && node.Inputs.Any(IsActivation) ? As(QuantizationRole.Concat) : Keep("its parts are not float32 tensors");
            case "Pad":
                if (!IsActivation(node.Input(0))) return Keep("its operand is not a float32 tensor");
                return a.String("mode", "constant") != "constant" || node.Input(2) == null || IsScalar(node.Input(2)) && double.IsFinite(node.Inputs[2]!.Constant!.GetDouble(0))
                    ? As(QuantizationRole.Moving) : Keep("its padding value is not a finite constant");
            case "Resize":
                return IsActivation(node.Input(0)) && a.String("mode", "nearest") == "nearest" && a.String("coordinate_transformation_mode", "half_pixel") != "tf_crop_and_resize"
                    ? As(QuantizationRole.Moving) : Keep("only Resize by the nearest element has an int8 form");
            default:
                if (s_tables.Contains(node.OpType)) return IsActivation(node.Input(0)) ? As(QuantizationRole.Table) : Keep("its operand is not a float32 tensor");
                if (Match.IsMovement(node) || node.Is("GlobalMaxPool"))
                    return IsActivation(node.Input(0)) && node.Outputs.All(o => o != null) ? As(QuantizationRole.Moving) : Keep("its operand is not a float32 tensor");
                return Keep("this operator has no int8 form");
        }

        static (QuantizationRole, string?) Keep(string reason) => (QuantizationRole.Float, reason);
        static (QuantizationRole, string?) As(QuantizationRole role) => (role, null);
    }

    /// <summary>A computed float32 tensor or a graph input.</summary>
    public static bool IsActivation(Value? value) => value is { DType: DType.Float32, IsConstant: false };

    /// <summary>A Relu or a Clip between constants, which a layer before it takes in.</summary>
    public static bool IsClamp(Node node) => node.Domain.Length == 0 && node.OpType is "Relu" or "Clip";

    /// <summary>The inputs whose elements the node computes on, constants included; not shapes, axes, bounds, weights.</summary>
    public static IEnumerable<int> DataInputs(Node node, QuantizationRole role) => role switch
    {
        QuantizationRole.Arithmetic or QuantizationRole.Concat => Enumerable.Range(0, node.Inputs.Count),
        QuantizationRole.Table => Enumerable.Range(0, node.Inputs.Count).Where(i => IsActivation(node.Inputs[i])),
        _ => [0],
    };

    /// <summary>A bias of <paramref name="channels"/> numbers, or one for all, along the last axis.</summary>
    public static bool IsBias(Value value, long channels) =>
        value.Constant is { DType: DType.Float32 } t && (t.Count == 1 || t.Count == channels && t.Shape.Rank >= 1 && t.Shape[t.Shape.Rank - 1] == channels);

    private static bool IsScalar(Value? value) => value?.Constant is { Strings: null, Count: 1 };

    /// <summary>One operand varies and keeps its shape, the other is a constant number.</summary>
    private static bool ScalarOperand(Node node) =>
        node.Inputs.Count == 2 && node.Inputs.Count(i => IsActivation(i)) == 1 && node.Inputs.Any(IsScalar)
        && node.Inputs.First(i => IsActivation(i))!.Shape is { IsRanked: true } shape && shape == node.Output.Shape;

    /// <summary>A Mul by powers of two, one for each channel.</summary>
    private static bool GroupFactor(Node node) => node.OpType == "Mul" && IsActivation(node.Input(0)) && ChannelGroups.FactorAxis(node.Input(1)) != null && node.Inputs[0]!.Shape is { IsRanked: true } shape && shape == node.Output.Shape;

    private static int? SpatialAxes(Node node)
    {
        if (node.Input(1)?.Constant is not { } axes || axes.Count != 2) return null;
        long[] sorted = [.. axes.ToInt64Array().Select(v => v < 0 ? v + 4 : v).Order()];
        return sorted is [1, 2] or [2, 3] ? (int)sorted[0] : null;
    }

    private static bool IsPlane(Value value, int first) => value.Shape is { IsRanked: true, Rank: 4 } shape && shape[first] > 0 && shape[first + 1] > 0;
}
