using EdgeLite.Converter.Ir;
using EdgeLite.Core;
using EdgeLite.Ops;
using EdgeLite.Ops.EdgeLite;

namespace EdgeLite.Converter.Quantizing;

/// <summary>
/// Recurrent layers of a lowered graph stay float, but their matrices are stored as int8 around zero, one scale for each unit of each gate,
/// and become floats when a session starts: a DequantizeLinear of a constant.
/// </summary>
internal static class RecurrentWeights
{
    /// <returns>constants changed</returns>
    public static int Run(Graph graph, IReadOnlyList<string> keepFloat)
    {
        int stored = 0;
        foreach (Node node in graph.Nodes.Where(n => n.Is("Lstm", "edgelite") || n.Is("Gru", "edgelite")).ToArray())
        {
            // LSTM and SequenceLstm are names of what has become Lstm.
            if (keepFloat.Any(entry => QuantizationOptions.Fits(entry, node) || entry.EndsWith(node.OpType, StringComparison.OrdinalIgnoreCase))) continue;
            long hidden = node.Attributes.Int("hidden_size", 1);
            if (Store(graph, node, hidden)) stored++;
            // The dense layer in front multiplies the inputs of all steps.
            if (node.Inputs[0]!.Producer is { } dense && dense.Is("Gemm", "edgelite") && dense.Output.Consumers.All(n => n.Domain == "edgelite" && n.OpType is "Lstm" or "Gru")
                && dense.Inputs[0]!.Shape is { IsRanked: true, Rank: > 0 } x && x[x.Rank - 1] > 0 && Store(graph, dense, x[x.Rank - 1])) stored++;
        }
        GraphVerifier.Verify(graph);
        return stored;
    }

    /// <summary>The packed matrix, panels of [rows][columns of the panel], becomes int8 with a scale for each column.</summary>
    private static bool Store(Graph graph, Node node, long rows)
    {
        if (node.Inputs[1] is not { Constant: { DType: DType.Float32 } packed } value || node.Attributes.Int("directions", 1) < 1) return false;
        long columns = PanelLayout.Panel * (node.OpType switch { "Lstm" => 4, "Gru" => 3, _ => 1 }), panels = packed.Count / (rows * columns);
        if (panels * rows * columns != packed.Count || panels * columns > packed.Count / 8) return false;
        var bytes = new Tensor(DType.Int8, new Shape(panels, rows, columns));
        var scales = new Tensor(DType.Float32, new Shape(panels, 1, columns));
        ReadOnlySpan<float> from = packed.Span<float>();
        for (long p = 0; p < panels; p++)
            for (long j = 0; j < columns; j++)
            {
                float most = 0;
                for (long i = 0; i < rows; i++) most = Math.Max(most, Math.Abs(from[(int)((p * rows + i) * columns + j)]));
                if (!float.IsFinite(most)) return false;
                float scale = most == 0 ? 1 : (float)ShortFactor.AtLeast(most / 127.0, FactorForm.Short);
                scales.SetDouble(p * columns + j, scale);
                for (long i = 0; i < rows; i++)
                {
                    long at = (p * rows + i) * columns + j;
                    bytes.SetInt64(at, (long)Math.Round(from[(int)at] / (double)scale, MidpointRounding.ToEven));
                }
            }
        var attributes = new AttributeSet();
        attributes["axis"] = 1L;
        attributes["block_size"] = rows;
        Value real = graph.Add("DequantizeLinear", value.Name + ".fp32",
            [graph.AddConstant(value.Name + ".int8", bytes), graph.AddConstant(value.Name + ".scale", scales)], attributes, before: graph.Nodes[0]);
        ShapeInference.Infer(real.Producer!);
        graph.SetInput(node, 1, real);
        if (value.Consumers.Count == 0) graph.Remove(value);
        return true;
    }
}
