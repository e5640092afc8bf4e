using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Passes;
using EdgeLite.Core;
using EdgeLite.Ops;
using EdgeLite.Ops.EdgeLite;

namespace EdgeLite.Converter.Lowering;

/// <summary>
/// DynamicQuantizeLinear, MatMulInteger with constant weights, Cast to float, the product with both scales and the sum with a constant
/// bias are one edgelite.BlockGemm that rounds its input by itself, and gives the same bits.
/// </summary>
public sealed class DynamicLayers : IGraphPass
{
    public string Name => "dynamic-layers";

    public bool Run(Graph graph)
    {
        bool changed = false;
        foreach (Node node in graph.Nodes.ToArray())
            if (node.Is("MatMulInteger")) changed |= Lower(graph, node);
        return changed;
    }

    private static unsafe bool Lower(Graph graph, Node node)
    {
        if (Match.Producer(node.Input(0), "DynamicQuantizeLinear") is not { Outputs: [{ } stored, { } xScale, { } xZero] } dynamic || node.Inputs[0] != stored || node.Input(2) != xZero) return false;
        Value x = dynamic.Inputs[0]!;
        if (!x.Shape.IsRanked || x.Shape.Rank < 1 || node.Input(1)?.Constant is not { DType: DType.Int8 or DType.UInt8, Shape.Rank: 2, Count: > 0 } b) return false;
        int k = (int)b.Shape[0], n = (int)b.Shape[1];
        Tensor? zeros = node.Input(3)?.Constant;
        if (node.Input(3) != null && (zeros == null || zeros.Count != 1 && zeros.Count != n)) return false;
        if (Match.SoleConsumer(graph, node.Output) is not { } cast || !cast.Is("Cast") || cast.Attributes.Int("to", 0) != (long)DType.Float32) return false;
        if (Match.SoleConsumer(graph, cast.Output) is not { } scaled || !scaled.Is("Mul")) return false;
        if (Match.OtherInput(scaled, v => v == cast.Output) is not { } factor || Match.Producer(factor, "Mul") is not { } factors) return false;
        if (Match.OtherInput(factors, v => v == xScale)?.Constant is not { DType: DType.Float32 } scales || scales.Count != 1 && (scales.Count != n || scales.Shape[scales.Shape.Rank - 1] != n)) return false;
        if (scaled.Output.Shape.IsRanked && scaled.Output.Shape.Rank != x.Shape.Rank) return false;

        var layout = new BlockLayout(8, k, n, k);
        var packed = new Tensor(DType.UInt8, new Shape(layout.Bytes));
        packed.Bytes.Clear();
        var sums = new int[n];
        var zero = new byte[layout.Parameters];
        var scale = new float[layout.Parameters];
        int offset = b.DType == DType.Int8 ? 128 : 0;
        bool isMiddle = true;
        for (int j = 0; j < n; j++)
        {
            long at = layout.Parameter(0, j);
            zero[at] = (byte)((zeros == null ? 0 : zeros.GetInt64(zeros.Count == 1 ? 0 : j)) + offset);
            scale[at] = (float)scales.GetDouble(scales.Count == 1 ? 0 : j);
            isMiddle &= zero[at] == 128;
            for (int i = 0; i < k; i++)
            {
                int q = (int)b.GetInt64((long)i * n + j) + offset;
                layout.Set(packed.Data, i, j, q);
                sums[j] += q - zero[at];
            }
        }
        Node last = scaled;
        Value? bias = null;
        if (Match.SoleConsumer(graph, scaled.Output) is { } add && add.Is("Add") && Match.OtherInput(add, v => v == scaled.Output)?.Constant is { DType: DType.Float32 } constant
            && constant.Shape.Rank <= x.Shape.Rank && DenseLayers.Bias(constant, n) is { } values)
        {
            bias = graph.AddConstant(add.Output.Name + ".bias", values);
            last = add;
        }
        string name = node.Inputs[1]!.Name;
        Value?[] inputs = [x, graph.AddConstant(name + ".packed", packed), Rewrite.Floats(graph, name + ".scales", scale),
            isMiddle ? null : graph.AddConstant(name + ".zeros", Tensor.FromArray<byte>(zero, new Shape(zero.Length))), bias,
            graph.AddConstant(name + ".sums", Tensor.FromArray<int>(sums, new Shape(n)))];
        Value y = Rewrite.Insert(graph, last, "BlockGemm", last.Output.Name + ".dense", inputs,
            AttributeSet.Of(("out_features", (long)n), ("bits", 8L), ("block_size", (long)k), ("int8", 1L), ("per_tensor", 1L)), "edgelite");
        y.SourceName = last.Output.SourceName ?? last.Output.Name;
        Rewrite.Replace(graph, last.Output, y, keepName: true);
        return true;
    }
}
