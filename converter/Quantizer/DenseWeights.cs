using EdgeLite.Converter.Ir;
using EdgeLite.Core;
using EdgeLite.Ops;

namespace EdgeLite.Converter.Quantizing;

/// <summary>The constant matrix of a MatMul or Gemm, as the schemes for weights alone see it.</summary>
internal static class DenseWeights
{
    /// <summary>Smaller matrices are not worth it.</summary>
    public const int MinElements = 1024;

    /// <summary>A product of floats with a constant matrix that is large enough.</summary>
    public static bool IsLayer(Node node)
    {
        if (!node.Is("MatMul") && !node.Is("Gemm") || node.Input(0) is not { DType: DType.Float32, IsConstant: false, Shape.IsRanked: true }) return false;
        if (node.Input(1)?.Constant is not { DType: DType.Float32, Shape.Rank: 2, Count: >= MinElements }) return false;
        AttributeSet a = node.Attributes;
        return node.OpType == "MatMul" || a.Int("transA", 0) == 0 && a.Float("alpha", 1) == 1 && a.Float("beta", 1) == 1;
    }

    /// <summary>True when the weights are stored as [out][in].</summary>
    public static bool InRows(Node layer) => layer.Is("Gemm") && layer.Attributes.Int("transB", 0) != 0;
}
