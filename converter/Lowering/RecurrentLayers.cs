using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Passes;
using EdgeLite.Core;
using EdgeLite.Ops;
using EdgeLite.Ops.EdgeLite;

namespace EdgeLite.Converter.Lowering;

/// <summary>
/// LSTM, and GRU of linear_before_reset 1, with constant float32 weights and the usual activations become a dense layer over all
/// steps, edgelite.Gemm, and the recurrent part, edgelite.Lstm or Gru. Peepholes, clipping, coupled gates and lengths of their own
/// for the sequences of a batch stay with the ONNX operator.
/// </summary>
public sealed class RecurrentLayers : IGraphPass
{
    public string Name => "recurrent-layers";

    public bool Run(Graph graph)
    {
        bool changed = false;
        foreach (Node node in graph.Nodes.ToArray())
            if (node.Is("LSTM") || node.Is("GRU")) changed |= Lower(graph, node);
        return changed;
    }

    private static bool Lower(Graph graph, Node node)
    {
        bool isLstm = node.OpType == "LSTM";
        int gates = isLstm ? 4 : 3;
        if (node.Input(0) is not { DType: DType.Float32 } x || x.Shape.IsRanked && x.Shape.Rank != 3) return false;
        if (node.Input(1)?.Constant is not { DType: DType.Float32, Shape.Rank: 3 } w || node.Input(2)?.Constant is not { DType: DType.Float32, Shape.Rank: 3 } r) return false;
        if (node.Input(3) is { IsConstant: false } || node.Input(4) != null || node.Input(7) != null || w.Shape[2] == 0) return false;
        AttributeSet a = node.Attributes;
        if (a.Int("layout", 0) != 0 || a.Float("clip", 0) != 0 || a.Int("input_forget", 0) != 0) return false;
        if (!isLstm && a.Int("linear_before_reset", 0) == 0 || !HasUsualActivations(a, isLstm)) return false;

        long directions = w.Shape[0], hidden = r.Shape[2], inputs = w.Shape[2], width = Recurrence.Padded(hidden), columns = width * gates;
        Tensor? b = node.Input(3)?.Constant;
        var matrix = new float[directions * columns * inputs];
        var bias = new float[directions * columns];
        var candidate = new float[directions * width];
        for (long d = 0; d < directions; d++)
            for (int g = 0; g < gates; g++)
                for (long j = 0; j < hidden; j++)
                {
                    long column = d * columns + Recurrence.Column(gates, g, j), row = (d * gates + g) * hidden + j;
                    for (long i = 0; i < inputs; i++) matrix[column * inputs + i] = (float)w.GetDouble(row * inputs + i);
                    if (b == null) continue;
                    long at = d * 2 * gates * hidden + g * hidden + j;
                    double ofInput = b.GetDouble(at), ofHidden = b.GetDouble(at + gates * hidden);
                    // The reset gate multiplies the candidate's recurrent bias, so that one stays apart.
                    bool isApart = !isLstm && g == 2;
                    bias[column] = (float)(isApart ? ofInput : ofInput + ofHidden);
                    if (isApart) candidate[d * width + j] = (float)ofHidden;
                }

        if (!node.Outputs.Any(o => o != null && Match.IsRead(graph, o))) return false;
        string name = (node.Outputs.First(o => o != null))!.Name;
        Value packed = WeightPacker.Pack(graph, node.Input(1)!.Name, Tensor.FromArray<float>(matrix, new Shape(directions * columns, inputs)), Packing.GemmTransposed);
        Value? biases = b == null ? null : Rewrite.Floats(graph, name + ".bias", bias);
        Value gateValues = Rewrite.Insert(graph, node, "Gemm", name + ".gates", biases == null ? [x, packed] : [x, packed, biases],
            AttributeSet.Of(("out_features", directions * columns)), "edgelite");
        Value recurrent = graph.AddConstant(node.Input(2)!.Name + ".packed", Recurrence.PackRecurrent(r, gates));
        Value?[] operands = isLstm
            ? [gateValues, recurrent, node.Input(5), node.Input(6)]
            : [gateValues, recurrent, b == null ? null : Rewrite.Floats(graph, name + ".candidate", candidate), node.Input(5)];
        int count = operands.Length;
        while (operands[count - 1] == null) count--;
        // An output that nobody reads disappears with the node and must not be replaced after it.
        string?[] hints = [.. node.Outputs.Select(o => o != null && Match.IsRead(graph, o) ? o.Name : null)];
        Value?[] results = Rewrite.InsertMany(graph, node, isLstm ? "Lstm" : "Gru", hints, operands.AsSpan(0, count),
            AttributeSet.Of(("hidden_size", hidden), ("directions", directions), ("backward", a.String("direction", "forward") == "reverse" ? 1L : 0L)), "edgelite");
        Rewrite.ReplaceOutputs(graph, node, i =>
        {
            results[i]!.SourceName = node.Outputs[i]!.SourceName ?? node.Outputs[i]!.Name;
            return results[i]!;
        });
        return true;
    }

    private static bool HasUsualActivations(AttributeSet a, bool isLstm)
    {
        if (a.Find("activations")?.Strings is not { } names) return true;
        string[] usual = isLstm ? ["Sigmoid", "Tanh", "Tanh"] : ["Sigmoid", "Tanh"];
        for (int i = 0; i < names.Length; i++)
            if (!string.Equals(names[i], usual[i % usual.Length], StringComparison.OrdinalIgnoreCase)) return false;
        return true;
    }
}
