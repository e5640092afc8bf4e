using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.Onnx.Upgrades.Microsoft;

/// <summary>DynamicQuantizeMatMul quantizes A as DynamicQuantizeLinear does, MatMulIntegerToFloat has it quantized already; then the integer
/// product times both scales, and a bias.</summary>
[Upgrades("DynamicQuantizeMatMul", "MatMulIntegerToFloat", Domain = "com.microsoft")]
internal sealed class IntegerProducts : OperatorUpgrade
{
    public override void Apply(NodeDraft node)
    {
        bool isDynamic = node.OpType == "DynamicQuantizeMatMul";
        Value? a = node.Required(0), scale = node.Input(2), zero = node.Input(4);
        if (isDynamic)
        {
            Value?[] quantized = node.EmitAll("DynamicQuantizeLinear", [a], 3);
            (a, scale, zero) = (quantized[0], quantized[1], quantized[2]);
        }
        Value bScale = node.Required(isDynamic ? 2 : 3);
        Value? bZero = node.Input(isDynamic ? 3 : 5), bias = node.Input(isDynamic ? 4 : 6);
        Value product = node.Emit("Cast", [node.Emit("MatMulInteger", [a, node.Required(1), zero, bZero])], ("to", (long)DType.Float32));
        Value factor = node.Emit("Mul", [scale, bScale]);
        if (bias == null) node.Become("Mul", [product, factor]);
        else node.Become("Add", [node.Emit("Mul", [product, factor]), bias]);
        node.MoveTo("");
    }
}
