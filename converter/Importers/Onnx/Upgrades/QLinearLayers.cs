using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.Onnx.Upgrades;

/// <summary>
/// Layers over 8-bit integers become DequantizeLinear, the float operator and QuantizeLinear, the one form of quantized graphs, of which lowering
/// makes integer layers again. What has scales of several dimensions, of rows of the result or of other types than float32 stays as it is.
/// </summary>
[Upgrades("QLinearConv", "QLinearMatMul")]
internal sealed class QLinearLayers : OperatorUpgrade
{
    public override void Apply(NodeDraft node)
    {
        foreach (int tensor in new[] { 0, 3, 7 })
            if (node.DType(tensor) is not (DType.Int8 or DType.UInt8)) return;
        foreach (int scale in new[] { 1, 4, 6 })
            if (node.DType(scale) != DType.Float32 || node.Rank(scale) is not (0 or 1) || !node.Required(scale).Shape.IsKnown || scale == 6 && node.Required(scale).Shape.Count != 1) return;
        Value y;
        if (node.OpType == "QLinearConv")
        {
            Value?[] inputs = [Real(node, 0, 0), Real(node, 3, 0), null];
            if (node.Input(8) is { } bias) inputs[2] = node.Emit("DequantizeLinear", [bias, node.Emit("Mul", [Single(node, 1), Single(node, 4)])], ("axis", 0));
            y = node.EmitWith("Conv", inputs, node.Attributes.Clone());
        }
        else
        {
            int rowAxis = node.Rank(0) - 2, columnAxis = node.Rank(3) - 1;
            if (rowAxis < -1 || columnAxis < 0 || rowAxis < 0 && node.Required(1).Shape.Count != 1) return;
            y = node.Emit("MatMul", [Real(node, 0, Math.Max(rowAxis, 0)), Real(node, 3, columnAxis)]);
        }
        node.Become("QuantizeLinear", [y, Single(node, 6), Single(node, 7)]);
    }

    /// <summary>Input <paramref name="i"/>, whose scale and zero point follow it, as real numbers.</summary>
    private static Value Real(NodeDraft node, int i, int axis) => node.Emit("DequantizeLinear", [node.Required(i), Single(node, i + 1), Single(node, i + 2)], ("axis", axis));

    /// <summary>A parameter, as a scalar where it is one number.</summary>
    private static Value Single(NodeDraft node, int i)
    {
        Value parameter = node.Required(i);
        return parameter.Shape is { IsKnown: true, Rank: 1 } shape && shape[0] == 1 ? node.Emit("Reshape", [parameter, node.Ints("scalar")]) : parameter;
    }
}
