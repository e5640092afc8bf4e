using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Passes;
using EdgeLite.Core;
using EdgeLite.Ops;
using EdgeLite.Ops.EdgeLite;

namespace EdgeLite.Converter.Lowering;

/// <summary>
/// LSTM, GRU of linear_before_reset 1 and TensorFlow Lite's SequenceLstm, with constant float32 weights and the usual activations,
/// become a dense layer over all steps, edgelite.Gemm, and the recurrent part, edgelite.Lstm or Gru. The clip of SequenceLstm bounds
/// the cell state, as edgelite.Lstm does; that of ONNX bounds what enters every activation, and stays with the ONNX operator, as do
/// peepholes, coupled gates and lengths of their own for the sequences of a batch. Peepholes, projections, coupled and normalized
/// gates stay with SequenceLstm.
/// </summary>
public sealed class RecurrentLayers : IGraphPass
{
    /// <summary>Where SequenceLstm (i, f, g, o) has the gates i, o, f, c of ONNX.</summary>
    private static readonly int[] s_sequenceGates = [0, 3, 1, 2];

    public string Name => "recurrent-layers";

    public bool Run(Graph graph)
    {
        bool changed = false;
        foreach (Node node in graph.Nodes.ToArray())
            if (node.Is("LSTM") || node.Is("GRU")) changed |= Lower(graph, node);
            else if (node.Is("SequenceLstm", "edgelite")) changed |= LowerSequence(graph, node);
        return changed;
    }

    private static bool Lower(Graph graph, Node node)
    {
        bool isLstm = node.OpType == "LSTM";
        if (node.Input(0) is not { DType: DType.Float32 } x || x.Shape.IsRanked && x.Shape.Rank != 3) return false;
        if (node.Input(1)?.Constant is not { DType: DType.Float32, Shape.Rank: 3 } w || node.Input(2)?.Constant is not { DType: DType.Float32, Shape.Rank: 3 } r) return false;
        if (node.Input(3) is { IsConstant: false } || node.Input(4) != null || node.Input(7) != null || w.Shape[2] == 0) return false;
        AttributeSet a = node.Attributes;
        if (a.Int("layout", 0) != 0 || a.Float("clip", 0) != 0 || a.Int("input_forget", 0) != 0) return false;
        if (!isLstm && a.Int("linear_before_reset", 0) == 0 || !HasUsualActivations(a, isLstm)) return false;
        if (!node.Outputs.Any(o => o != null && Match.IsRead(graph, o))) return false;

        Value?[] results = Insert(graph, node, x, w, r, node.Input(3)?.Constant, isLstm ? [node.Input(5), node.Input(6)] : [node.Input(5)],
            ("backward", a.String("direction", "forward") == "reverse" ? 1L : 0L));
        Replace(graph, node, i => results[i]!);
        return true;
    }

    private static bool LowerSequence(Graph graph, Node node)
    {
        if (node.Input(0) is not { DType: DType.Float32, Shape: { IsRanked: true, Rank: 3 } } x) return false;
        if (node.Input(1)?.Constant is not { DType: DType.Float32 } w || node.Input(2)?.Constant is not { DType: DType.Float32 } r) return false;
        if (node.Input(3)?.Constant is not { DType: DType.Float32 } b || w.Shape[0] != 4 || w.Shape.Count == 0 || b.Shape.Count != 4 * w.Shape[1]) return false;
        for (int i = 4; i < 8; i++)
            if (node.Input(i) != null) return false;
        if (!node.Outputs.Any(o => o != null && Match.IsRead(graph, o))) return false;

        long cells = w.Shape[1];
        bool timeMajor = node.Attributes.Int("time_major", 0) != 0;
        if (!timeMajor) x = Rewrite.Transpose(graph, node, x, [1, 0, 2], x.Name + ".steps");
        Value?[] results = Insert(graph, node, x, InOnnxOrder(w, new Shape(1, 4 * cells, w.Shape[2])), InOnnxOrder(r, new Shape(1, 4 * cells, cells)),
            InOnnxOrder(b, new Shape(1, 8 * cells)), [State(8), State(9)], ("cell_clip", node.Attributes.Float("cell_clip", 0)));
        Replace(graph, node, i =>
        {
            int axis = i == 0 ? 1 : 0;
            Value y = Rewrite.Insert(graph, node, "Squeeze", results[i]!.Name + ".forward", [results[i], Rewrite.Ints(graph, "axis" + axis, axis)]);
            return i > 0 || timeMajor ? y : Rewrite.Transpose(graph, node, y, [1, 0, 2], y.Name + ".samples");
        });
        return true;

        Value? State(int i) => node.Input(i) is { } state ? Rewrite.Insert(graph, node, "Unsqueeze", state.Name + ".direction", [state, Rewrite.Ints(graph, "axis", 0)]) : null;
    }

    /// <summary>A parameter of SequenceLstm, its first axis the gates, in ONNX's order; zero where <paramref name="shape"/> is larger.</summary>
    private static Tensor InOnnxOrder(Tensor gates, Shape shape)
    {
        var ordered = new Tensor(DType.Float32, shape);
        int each = gates.Bytes.Length / 4;
        for (int g = 0; g < 4; g++) gates.Bytes.Slice(s_sequenceGates[g] * each, each).CopyTo(ordered.Bytes[(g * each)..]);
        return ordered;
    }

    /// <summary>The dense layer and the recurrent part, before <paramref name="node"/>; parameters as ONNX has them. Results are null where
    /// nobody reads the node's output.</summary>
    private static Value?[] Insert(Graph graph, Node node, Value x, Tensor w, Tensor r, Tensor? b, ReadOnlySpan<Value?> states, (string Name, AttributeValue Value) option)
    {
        bool isLstm = node.OpType != "GRU";
        int gates = isLstm ? 4 : 3;
        long directions = w.Shape[0], hidden = r.Shape[2], inputs = w.Shape[2], width = Recurrence.Padded(hidden), columns = width * gates;
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

        string name = (node.Outputs.First(o => o != null))!.Name;
        Value packed = WeightPacker.Pack(graph, node.Input(1)!.Name, Tensor.FromArray<float>(matrix, new Shape(directions * columns, inputs)), Packing.GemmTransposed);
        Value? biases = b == null ? null : Rewrite.Floats(graph, name + ".bias", bias);
        Value gateValues = Rewrite.Insert(graph, node, "Gemm", name + ".gates", biases == null ? [x, packed] : [x, packed, biases],
            AttributeSet.Of(("out_features", directions * columns)), "edgelite");
        Value recurrent = graph.AddConstant(node.Input(2)!.Name + ".packed", Recurrence.PackRecurrent(r, gates));
        List<Value?> operands = [gateValues, recurrent];
        if (!isLstm) operands.Add(b == null ? null : Rewrite.Floats(graph, name + ".candidate", candidate));
        operands.AddRange(states);
        while (operands[^1] == null) operands.RemoveAt(operands.Count - 1);
        // An output that nobody reads disappears with the node and must not be replaced after it.
        string?[] hints = [.. node.Outputs.Select(o => o != null && Match.IsRead(graph, o) ? o.Name : null)];
        return Rewrite.InsertMany(graph, node, isLstm ? "Lstm" : "Gru", hints, [.. operands],
            AttributeSet.Of(("hidden_size", hidden), ("directions", directions), option), "edgelite");
    }

    private static void Replace(Graph graph, Node node, Func<int, Value> replacement) => Rewrite.ReplaceOutputs(graph, node, i =>
    {
        string name = node.Outputs[i]!.SourceName ?? node.Outputs[i]!.Name;
        Value result = replacement(i);
        result.SourceName = name;
        return result;
    });

    private static bool HasUsualActivations(AttributeSet a, bool isLstm)
    {
        if (a.Find("activations")?.Strings is not { } names) return true;
        string[] usual = isLstm ? ["Sigmoid", "Tanh", "Tanh"] : ["Sigmoid", "Tanh"];
        for (int i = 0; i < names.Length; i++)
            if (!string.Equals(names[i], usual[i % usual.Length], StringComparison.OrdinalIgnoreCase)) return false;
        return true;
    }
}
