using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.Onnx.Upgrades.Microsoft;

/// <summary>Integer operators of com.microsoft become DequantizeLinear, the float operator and QuantizeLinear, the one form of quantized
/// graphs (https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md has their inputs).</summary>
[Upgrades("QLinearConcat", "QLinearAveragePool", "QLinearSoftmax", "QLinearReduceMean", "QLinearWhere", "QGemm", "QLinearAdd", "QLinearMul", "QLinearSigmoid", "QLinearLeakyRelu", "QLinearGlobalAveragePool", Domain = "com.microsoft")]
internal sealed class QLinear : OperatorUpgrade
{
    public override void Apply(NodeDraft node)
    {
        switch (node.OpType)
        {
            case "QLinearConcat":
                if (node.Inputs.Count < 5 || (node.Inputs.Count - 2) % 3 != 0) throw node.Error($"{node.Inputs.Count} inputs are not an output's scale and zero point and three for each part");
                var parts = new List<Value>();
                for (int i = 2; i < node.Inputs.Count; i += 3) parts.Add(Real(node, i));
                Finish(node, node.Emit("Concat", parts.ToArray(), ("axis", node.Attributes["axis"].Int)), 0, 1, node.DType(2));
                break;
            case "QLinearAveragePool":
                Value x = Real(node, 0);
                Finish(node, node.EmitWith("AveragePool", [x], node.Attributes.Clone()), 3, 4, node.DType(0));
                break;
            case "QLinearReduceMean":
                Finish(node, node.Emit("ReduceMean", [Real(node, 0), node.Ints("axes", node.Attributes["axes"].Ints)], ("keepdims", node.Attributes.Int("keepdims", 1))), 3, 4, node.DType(0));
                break;
            case "QLinearWhere":
                Finish(node, node.Emit("Where", [node.Required(0), Real(node, 1), Real(node, 4)]), 7, 8, node.DType(1));
                break;
            case "QLinearAdd" or "QLinearMul":
                Finish(node, node.Emit(node.OpType["QLinear".Length..], [Real(node, 0), Real(node, 3)]), 6, 7, node.DType(0));
                break;
            case "QLinearSigmoid":
                Finish(node, node.Emit("Sigmoid", [Real(node, 0)]), 3, 4, node.DType(0));
                break;
            case "QLinearLeakyRelu":
                Finish(node, node.Emit("LeakyRelu", [Real(node, 0)], ("alpha", node.Attributes.Float("alpha", 0.01f))), 3, 4, node.DType(0));
                break;
            case "QLinearGlobalAveragePool":
                Finish(node, node.Emit("GlobalAveragePool", [Real(node, 0)], ("channels_last", node.Attributes.Int("channels_last", 0))), 3, 4, node.DType(0));
                break;
            case "QGemm":
                Value product = Gemm(node);
                if (node.Input(7) != null) Finish(node, product, 7, 8, node.DType(0));
                else node.Results = [product];
                break;
            default:
                Finish(node, Softmax(node, Real(node, 0)), 3, 4, node.DType(0));
                break;
        }
    }

    /// <summary>alpha * (A B + C) in real numbers; C counts in units of both scales, B may have a scale for each column.</summary>
    private static Value Gemm(NodeDraft node)
    {
        float alpha = node.Attributes.Float("alpha", 1);
        long transB = node.Attributes.Int("transB", 0);
        Value a = Real(node, 0), b = node.Emit("DequantizeLinear", [node.Required(3), node.Required(4), node.Input(5)], ("axis", 1 - transB));
        Value? c = node.Input(6) is { } bias
            ? node.Emit("Mul", [node.Emit("Cast", [bias], ("to", (long)DType.Float32)), node.Emit("Mul", [node.Required(1), node.Required(4)])])
            : null;
        return node.Emit("Gemm", [a, b, c], ("alpha", alpha), ("beta", alpha), ("transA", node.Attributes.Int("transA", 0)), ("transB", transB));
    }

    /// <summary>Before operator set 13 the axes from axis on were one; the attribute says which rule holds.</summary>
    private static Value Softmax(NodeDraft node, Value x)
    {
        long axis = node.Attributes.Int("axis", -1);
        if (node.Attributes.Int("opset", 13) >= 13) return node.Emit("Softmax", [x], ("axis", axis));
        Value flat = node.Emit("Softmax", [node.Emit("Flatten", [x], ("axis", axis))], ("axis", -1));
        return node.Emit("Reshape", [flat, node.Emit("Shape", [x])]);
    }

    /// <summary>Input <paramref name="i"/>, whose scale and zero point follow it, as real numbers.</summary>
    private static Value Real(NodeDraft node, int i) => node.Emit("DequantizeLinear", [node.Required(i), node.Required(i + 1), node.Input(i + 2)]);

    private static void Finish(NodeDraft node, Value y, int scale, int zeroPoint, DType type)
    {
        if (type == DType.Undefined) throw node.Error("the element type of the input is not known");
        Value zero = node.Input(zeroPoint) ?? node.Constant("zero_point", new Tensor(type, Shape.Scalar));
        node.Become("QuantizeLinear", [y, node.Required(scale), zero]);
        node.MoveTo("");
    }
}
