using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.PyTorch.Operators;

/// <summary>Recurrent layers. PyTorch's gates are (i, f, g, o) for LSTM, ONNX's (i, o, f, c); (r, z, n) for GRU, ONNX's (z, r, h).</summary>
internal static class Recurrent
{
    private static readonly int[] s_lstm = [0, 3, 1, 2], s_gru = [1, 0, 2], s_rnn = [0];

    /// <summary>(input, (h0, c0), weights, has_biases, num_layers, dropout, train, bidirectional, batch_first)</summary>
    [Torch("lstm")]
    private static object? Lstm(TorchCall c)
    {
        Value[] state = c.Tensors(1);
        (Value y, Value[] last) = Layers(c, "LSTM", s_lstm, state);
        return new TorchTuple([TorchCall.Box(y), TorchCall.Box(last[0]), TorchCall.Box(last[1])]);
    }

    [Torch("gru")] private static object? Gru(TorchCall c) => Plain(c, "GRU", s_gru);
    [Torch("rnn_tanh")] private static object? RnnTanh(TorchCall c) => Plain(c, "RNN", s_rnn, "Tanh");
    [Torch("rnn_relu")] private static object? RnnRelu(TorchCall c) => Plain(c, "RNN", s_rnn, "Relu");

    private static TorchTuple Plain(TorchCall c, string opType, int[] gates, string? activation = null)
    {
        (Value y, Value[] last) = Layers(c, opType, gates, [c.Tensor(1)], activation);
        return new TorchTuple([TorchCall.Box(y), TorchCall.Box(last[0])]);
    }

    /// <summary>All layers: x [T,N,I] (batch_first: [N,T,I]); states [layers*directions,N,H].</summary>
    private static (Value Y, Value[] Last) Layers(TorchCall c, string opType, int[] gates, Value[] states, string? activation = null)
    {
        if (c.Arg(3) is not bool biases) throw c.Error("packed sequences are not supported");
        Value[] weights = c.Tensors(2);
        int layers = (int)c.Int(4), directions = c.Bool(7, false) ? 2 : 1, each = biases ? 4 : 2;
        bool batchFirst = c.Bool(8, false);
        if (weights.Length != layers * directions * each) throw c.Error($"{weights.Length} weights for {layers} layers; projections are not supported");
        Value x = c.Tensor(0);
        bool unbatched = c.Rank(x) == 2;
        if (unbatched) (x, states) = (c.Unsqueeze(x, batchFirst ? 0 : 1), [.. states.Select(s => c.Unsqueeze(s, 1))]);
        if (batchFirst) x = c.Transpose(x, 1, 0, 2);
        long hidden = weights[1].Shape[1];
        var last = new List<Value>[states.Length];
        for (int s = 0; s < states.Length; s++) last[s] = [];
        for (int l = 0; l < layers; l++)
        {
            Value[] own = weights[(l * directions * each)..((l + 1) * directions * each)];
            Value w = Stack(c, gates, hidden, [.. Enumerable.Range(0, directions).Select(d => own[d * each])], $"w{l}");
            Value r = Stack(c, gates, hidden, [.. Enumerable.Range(0, directions).Select(d => own[d * each + 1])], $"r{l}");
            Value? b = biases ? Biases(c, gates, hidden, own, directions, $"b{l}") : null;
            Value[] initial = [.. states.Select(s => layers == 1 ? s : c.Emit("Slice", [s, c.IntTensor(l * directions), c.IntTensor((l + 1) * directions), c.IntTensor(0)]))];
            var attributes = new List<(string, Ops.AttributeValue)> { ("hidden_size", hidden), ("direction", directions == 2 ? "bidirectional" : "forward") };
            if (opType == "GRU") attributes.Add(("linear_before_reset", 1));
            if (activation != null) attributes.Add(("activations", (string[])[.. Enumerable.Repeat(activation, directions)]));
            Value[] y = c.EmitMany(opType, 1 + states.Length, [x, w, r, b, null, .. initial], [.. attributes]);
            // [T,directions,N,H] -> [T,N,directions*H]
            x = directions == 1 ? c.Squeeze(y[0], 1) : c.Reshape(c.Transpose(y[0], 0, 2, 1, 3), 0, 0, directions * hidden);
            for (int s = 0; s < states.Length; s++) last[s].Add(y[s + 1]);
        }
        if (batchFirst) x = c.Transpose(x, 1, 0, 2);
        Value[] final = [.. last.Select(s => s.Count == 1 ? s[0] : c.Emit("Concat", [.. s], ("axis", 0)))];
        if (!unbatched) return (x, final);
        return (c.Squeeze(x, batchFirst ? 0 : 1), [.. final.Select(s => c.Squeeze(s, 1))]);
    }

    /// <summary>(input [N,I], (h, c), w_ih, w_hh, b_ih, b_hh)</summary>
    [Torch("lstm_cell")]
    private static object? LstmCell(TorchCall c)
    {
        Value[] state = c.Tensors(1);
        Value[] y = Cell(c, "LSTM", s_lstm, state);
        return new TorchTuple([TorchCall.Box(c.Squeeze(y[0], 0)), TorchCall.Box(c.Squeeze(y[1], 0))]);
    }

    [Torch("gru_cell")] private static object? GruCell(TorchCall c) => TorchCall.Box(c.Squeeze(Cell(c, "GRU", s_gru, [c.Tensor(1)])[0], 0));
    [Torch("rnn_tanh_cell", "rnn_relu_cell")] private static object? RnnCell(TorchCall c) => TorchCall.Box(c.Squeeze(Cell(c, "RNN", s_rnn, [c.Tensor(1)], c.Name.Contains("relu", StringComparison.Ordinal) ? "Relu" : "Tanh")[0], 0));

    private static Value[] Cell(TorchCall c, string opType, int[] gates, Value[] state, string? activation = null)
    {
        Value w = c.Tensor(2), r = c.Tensor(3);
        long hidden = r.Shape[1];
        Value[] own = c.IsNone(4) ? [w, r] : [w, r, c.Tensor(4), c.Tensor(5)];
        Value? b = own.Length == 4 ? Biases(c, gates, hidden, own, 1, "b") : null;
        var attributes = new List<(string, Ops.AttributeValue)> { ("hidden_size", hidden) };
        if (opType == "GRU") attributes.Add(("linear_before_reset", 1));
        if (activation != null) attributes.Add(("activations", (string[])[activation]));
        Value?[] inputs = [c.Unsqueeze(c.Tensor(0), 0), Stack(c, gates, hidden, [w], "w"), Stack(c, gates, hidden, [r], "r"), b, null, .. state.Select(s => c.Unsqueeze(s, 0))];
        return c.EmitMany(opType, 1 + state.Length, inputs, [.. attributes])[1..];
    }

    /// <summary>[gates*H,K] of each direction as [directions,gates*H,K] in ONNX's order.</summary>
    private static Value Stack(TorchCall c, int[] gates, long hidden, Value[] sources, string name)
    {
        long columns = sources[0].Shape[1];
        var stacked = new Tensor(DType.Float32, new Shape(sources.Length, gates.Length * hidden, columns));
        for (int d = 0; d < sources.Length; d++) Copy(c, sources[d], stacked, d * gates.Length * hidden * columns, gates, hidden * columns);
        return c.Builder.Constant(c.Interpreter.Named(name), stacked);
    }

    /// <summary>[directions, 2*gates*H]: input biases, then recurrent ones.</summary>
    private static Value Biases(TorchCall c, int[] gates, long hidden, Value[] own, int directions, string name)
    {
        long one = gates.Length * hidden;
        var biases = new Tensor(DType.Float32, new Shape(directions, 2 * one));
        for (int d = 0; d < directions; d++)
        {
            Copy(c, own[d * 4 + 2], biases, d * 2 * one, gates, hidden);
            Copy(c, own[d * 4 + 3], biases, (d * 2 + 1) * one, gates, hidden);
        }
        return c.Builder.Constant(c.Interpreter.Named(name), biases);
    }

    private static void Copy(TorchCall c, Value source, Tensor target, long at, int[] gates, long block)
    {
        Tensor from = source.Constant ?? throw c.Error("its weights are computed by the model, which is not supported");
        if (from.Count != gates.Length * block) throw c.Error($"weight '{source.Name}' has {from.Count} elements, expected {gates.Length * block}");
        for (int g = 0; g < gates.Length; g++)
            for (long i = 0; i < block; i++) target.SetDouble(at + g * block + i, from.GetDouble(gates[g] * block + i));
    }
}
