using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.Onnx.Upgrades.Microsoft;

/// <summary>
/// LSTM with 8-bit weights W[directions][inputs][4 hidden], R[directions][hidden][4 hidden] (transposed against ONNX) and a scale and zero
/// point for each direction, or each column. ONNX Runtime quantizes the inputs of each product as it runs; here the products are real, on
/// the dequantized weights, so results are nearer to those of the float network.
/// </summary>
[Upgrades("DynamicQuantizeLSTM", Domain = "com.microsoft")]
internal sealed class DynamicQuantizeLSTM : OperatorUpgrade
{
    public override void Apply(NodeDraft node)
    {
        Value?[] inputs = [node.Required(0), Weights(node, 1, 8), Weights(node, 2, 10), .. Enumerable.Range(3, 5).Select(node.Input)];
        node.Results = node.EmitAllWith("LSTM", inputs, node.HasOutput, node.Attributes.Clone());
    }

    private static Value Weights(NodeDraft node, int input, int scale)
    {
        Value numbers = node.Emit("Cast", [node.Required(input)], ("to", (long)DType.Float32));
        Value shape = node.Ints("per_column", 0, 1, -1);
        if (node.Input(scale + 1) is { } zero)
            numbers = node.Emit("Sub", [numbers, node.Emit("Cast", [node.Emit("Reshape", [zero, shape])], ("to", (long)DType.Float32))]);
        Value w = node.Emit("Mul", [numbers, node.Emit("Reshape", [node.Required(scale), shape])]);
        return node.Emit("Transpose", [w], ("perm", new long[] { 0, 2, 1 }));
    }
}
