using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Passes;
using EdgeLite.Core;
using EdgeLite.Ops;

namespace EdgeLite.Converter.Lowering;

/// <summary>MatMul and Gemm whose second operand is a constant float32 matrix become edgelite.Gemm with packed weights.</summary>
public sealed class DenseLayers : IGraphPass
{
    public string Name => "dense-layers";

    public bool Run(Graph graph)
    {
        bool changed = false;
        foreach (Node node in graph.Nodes.ToArray())
            changed |= node.Is("MatMul") ? LowerMatMul(graph, node) : node.Is("Gemm") && LowerGemm(graph, node);
        return changed;
    }

    private static bool LowerMatMul(Graph graph, Node node)
    {
        if (node.Input(0) is not { DType: DType.Float32, Shape: { IsRanked: true, Rank: >= 1 } } a) return false;
        if (node.Input(1) is not { IsConstant: true, DType: DType.Float32 } b || b.Shape.Rank < 2 || b.Shape.Count == 0) return false;
        if (b.Shape.Product(0, b.Shape.Rank - 2) != 1 || b.Shape.Rank > a.Shape.Rank && b.Shape.Rank > 2) return false;
        long k = b.Shape[b.Shape.Rank - 2], n = b.Shape[b.Shape.Rank - 1];
        Value packed = b.Shape.Rank == 2 ? WeightPacker.Pack(graph, b, Packing.Gemm)
            : WeightPacker.Pack(graph, b.Name, b.Constant!.Reshaped(new Shape(k, n)), Packing.Gemm);
        Replace(graph, node, a, packed, null, n);
        return true;
    }

    /// <summary>Y = alpha * A' * B' + beta * C; alpha and beta are multiplied into the constants.</summary>
    private static bool LowerGemm(Graph graph, Node node)
    {
        if (node.Input(0) is not { DType: DType.Float32, Shape: { IsRanked: true, Rank: 2 } } a) return false;
        if (node.Input(1) is not { IsConstant: true, DType: DType.Float32, Shape.Rank: 2 } b || b.Shape.Count == 0) return false;
        float alpha = node.Attributes.Float("alpha", 1), beta = node.Attributes.Float("beta", 1);
        bool transB = node.Attributes.Int("transB", 0) != 0;
        long n = b.Shape[transB ? 0 : 1];
        Value? c = node.Input(2);
        if (c != null && (c.DType != DType.Float32 || beta != 1 && !c.IsConstant)) return false;
        if (c is { IsConstant: false } && !(c.Shape.IsRanked && node.Output.Shape.IsRanked)) return false;

        Packing packing = transB ? Packing.GemmTransposed : Packing.Gemm;
        Value packed = alpha == 1 ? WeightPacker.Pack(graph, b, packing) : WeightPacker.Pack(graph, b.Name, Scaled(b.Constant!, alpha), packing);
        if (node.Attributes.Int("transA", 0) != 0) a = Rewrite.Transpose(graph, node, a, [1, 0], a.Name + ".transposed");
        Value? bias = null, addend = null;
        if (c?.Constant is { } constant)
        {
            Tensor scaled = beta == 1 ? constant : Scaled(constant, beta);
            if (Bias(scaled, n) is { } values) bias = graph.AddConstant(c.Name + ".bias", values);
            else addend = beta == 1 ? c : graph.AddConstant(c.Name + ".scaled", scaled);
        }
        else addend = c;
        Replace(graph, node, a, packed, bias, n, addend);
        return true;
    }

    private static void Replace(Graph graph, Node node, Value a, Value packed, Value? bias, long n, Value? addend = null)
    {
        Value y = Rewrite.Insert(graph, node, "Gemm", node.Output.Name + ".dense", [a, packed, bias], AttributeSet.Of(("out_features", n)), "edgelite");
        if (addend != null) y = Rewrite.Insert(graph, node, "Add", node.Output.Name + ".plus", [y, addend]);
        Rewrite.Replace(graph, node.Output, y, keepName: true);
    }

    private static Tensor Scaled(Tensor x, float factor)
    {
        var y = new Tensor(DType.Float32, x.Shape);
        for (long i = 0; i < y.Count; i++) y.SetDouble(i, (float)x.GetDouble(i) * factor);
        return y;
    }

    /// <summary>A constant that is added to a product of <paramref name="n"/> columns as its bias, one float32 for each; null where it is
    /// not the same for all rows.</summary>
    internal static Tensor? Bias(Tensor x, long n)
    {
        if (x.Count != 1 && (x.Count != n || x.Shape[x.Shape.Rank - 1] != n)) return null;
        var y = new Tensor(DType.Float32, new Shape(n));
        for (long i = 0; i < n; i++) y.SetDouble(i, x.GetDouble(x.Count == 1 ? 0 : i));
        return y;
    }
}
