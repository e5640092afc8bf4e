using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.PyTorch.Operators;

/// <summary>Recurrent layers. PyTorch's gates are (i, f, g, o) for LSTM, ONNX's (i, o, f, c); (r, z, n) for GRU, ONNX's (z, r, h).</summary>
internal static class Recurrent
{
    private static readonly int[] s_lstm = [0, 3, 1, 2], s_gru = [1, 0, 2], s_rnn = [0];

    /// <summary>(input, (h0, c0), weights, has_biases, num_layers, dropout, train, bidirectional, batch_first), or of a packed sequence
    /// (data, batch_sizes, (h0, c0), weights, has_biases, num_layers, dropout, train, bidirectional)</summary>
    [Torch("lstm", Limits = "packed sequences with projections")]
    private static object? Lstm(TorchCall c) => Layers(c, "LSTM", s_lstm);

    [Torch("gru")] private static object? Gru(TorchCall c) => Layers(c, "GRU", s_gru);
    [Torch("rnn_tanh")] private static object? RnnTanh(TorchCall c) => Layers(c, "RNN", s_rnn, "Tanh");
    [Torch("rnn_relu")] private static object? RnnRelu(TorchCall c) => Layers(c, "RNN", s_rnn, "Relu");

    /// <summary>All layers: x [T,N,I] (batch_first: [N,T,I]); states [layers*directions,N,H].</summary>
    private static TorchTuple Layers(TorchCall c, string opType, int[] gates, string? activation = null)
    {
        var packed = c.Arg(0) as TorchPacked;
        int first = packed == null ? 1 : 2; // where the states are
        Value[] states = opType == "LSTM" ? c.Tensors(first) : [c.Tensor(first)], weights = c.Tensors(first + 1);
        bool biases = c.Bool(first + 2, true), batchFirst = packed == null && c.Bool(first + 7, false);
        int layers = (int)c.Int(first + 3), directions = c.Bool(first + 6, false) ? 2 : 1, each = biases ? 4 : 2;
        bool isProjected = opType == "LSTM" && weights.Length == layers * directions * (each + 1);
        if (isProjected) each++;
        if (weights.Length != layers * directions * each) throw c.Error($"it has {weights.Length} weights for {layers} layers");
        if (isProjected && packed != null) throw c.Error("packed sequences with projections are not supported");
        Value x = packed == null ? c.Tensor(0) : c.Builder.Local(packed.Padded);
        Value? lengths = packed == null ? null : c.Cast(packed.Lengths, DType.Int32);
        bool unbatched = c.Rank(x) == 2;
        if (unbatched) (x, states) = (c.Unsqueeze(x, batchFirst ? 0 : 1), [.. states.Select(s => c.Unsqueeze(s, 1))]);
        if (batchFirst) x = c.Transpose(x, 1, 0, 2);
        var last = new List<Value>[states.Length];
        for (int s = 0; s < states.Length; s++) last[s] = [];
        for (int l = 0; l < layers; l++)
        {
            Value[] own = weights[(l * directions * each)..((l + 1) * directions * each)];
            if (isProjected)
            {
                x = Projected(c, x, states, own, l, directions, each, last);
                continue;
            }
            long hidden = own[1].Shape[1];
            Value w = Stack(c, gates, hidden, [.. Enumerable.Range(0, directions).Select(d => own[d * each])], $"w{l}");
            Value r = Stack(c, gates, hidden, [.. Enumerable.Range(0, directions).Select(d => own[d * each + 1])], $"r{l}");
            Value? b = biases ? Biases(c, gates, hidden, own, directions, $"b{l}") : null;
            Value?[] initial = [.. states.Select(s => IsZero(s) ? null : layers == 1 ? s : Rows(c, s, l * directions, directions))];
            var attributes = new List<(string, Ops.AttributeValue)> { ("hidden_size", hidden), ("direction", directions == 2 ? "bidirectional" : "forward") };
            if (opType == "GRU") attributes.Add(("linear_before_reset", 1));
            if (activation != null) attributes.Add(("activations", (string[])[.. Enumerable.Repeat(activation, directions)]));
            Value[] y = c.EmitMany(opType, 1 + states.Length, [x, w, r, b, lengths, .. initial], [.. attributes]);
            // [T,directions,N,H] -> [T,N,directions*H]
            x = directions == 1 ? c.Squeeze(y[0], 1) : c.Reshape(c.Transpose(y[0], 0, 2, 1, 3), 0, 0, directions * hidden);
            for (int s = 0; s < states.Length; s++) last[s].Add(y[s + 1]);
        }
        if (batchFirst) x = c.Transpose(x, 1, 0, 2);
        Value[] final = [.. last.Select(s => s.Count == 1 ? s[0] : c.Emit("Concat", [.. s], ("axis", 0)))];
        if (unbatched) (x, final) = (c.Squeeze(x, batchFirst ? 0 : 1), [.. final.Select(s => c.Squeeze(s, 1))]);
        return new TorchTuple([packed == null ? TorchCall.Box(x) : new TorchPacked(x, packed.Lengths), .. final.Select(TorchCall.Box)]);
    }

    /// <summary>A state of zeros, which the operators have by themselves.</summary>
    private static bool IsZero(Value state) => state.Producer is { OpType: "ConstantOfShape" } zeros
        && (zeros.Attributes.Find("value")?.Tensor is not { } value || value.GetDouble(0) == 0);

    private static Value Rows(TorchCall c, Value x, long from, long count) => c.Emit("Slice", [x, c.IntTensor(from), c.IntTensor(from + count), c.IntTensor(0)]);

    /// <summary>
    /// One layer of an LSTM with projections (proj_size), which ONNX has no operator for, as Scan over its steps: h' = W_hr (o * tanh(c')).
    /// x [T,N,I] -> [T,N,directions*P]; weights of a direction: w_ih, w_hh[, b_ih, b_hh], w_hr.
    /// </summary>
    private static Value Projected(TorchCall c, Value x, Value[] states, Value[] weights, int layer, int directions, int each, List<Value>[] last)
    {
        var results = new List<Value>();
        for (int d = 0; d < directions; d++)
        {
            Value[] own = weights[(d * each)..((d + 1) * each)];
            Value[] initial = [.. states.Select(s => c.Squeeze(Rows(c, s, layer * directions + d, 1), 0))];
            Value gates = c.Emit("MatMul", [x, c.Transpose(own[0], 1, 0)]);
            if (each == 5) gates = c.Emit("Add", [c.Emit("Add", [gates, own[2]]), own[3]]);
            var body = new TorchBuilder(new Ir.Graph("step"), c.Builder);
            Value Input(string name) => body.Graph.AddInput(name, new TensorType(DType.Float32, Shape.OfRank(2)));
            Value Emit(string opType, params ReadOnlySpan<Value?> inputs) => body.Emit(opType, opType, inputs);
            Value h = Input("h"), cell = Input("c"), step = Input("gates");
            Value[] parts = body.EmitMany("Split", "Split", 4, [Emit("Add", step, Emit("MatMul", h, c.Transpose(own[1], 1, 0)))], ("axis", 1), ("num_outputs", 4));
            Value next = Emit("Add", Emit("Mul", Emit("Sigmoid", parts[1]), cell), Emit("Mul", Emit("Sigmoid", parts[0]), Emit("Tanh", parts[2])));
            Value projected = Emit("MatMul", Emit("Mul", Emit("Sigmoid", parts[3]), Emit("Tanh", next)), c.Transpose(own[^1], 1, 0));
            body.AddOutput(projected, "next_h");
            body.AddOutput(next, "next_c");
            body.AddOutput(projected, "y");
            Value[] y = c.EmitMany("Scan", 3, [.. initial, gates, .. body.Captures], ("body", Ops.AttributeValue.OfGraph(body.Graph)), ("num_scan_inputs", 1), ("captures", (long)body.Captures.Count),
                ("scan_input_directions", (long[])[d]), ("scan_output_directions", (long[])[d]));
            results.Add(y[2]);
            for (int s = 0; s < states.Length; s++) last[s].Add(c.Unsqueeze(y[s], 0));
        }
        return results.Count == 1 ? results[0] : c.Emit("Concat", [.. results], ("axis", -1));
    }

    /// <summary>(input, lengths, batch_first) -> (data, batch_sizes): how many sequences have a first step, a second one ...</summary>
    [Torch("_pack_padded_sequence")]
    private static object? Pack(TorchCall c)
    {
        Value x = c.Bool(2, false) ? c.Transpose(c.Tensor(0), 1, 0, 2) : c.Tensor(0), lengths = c.Cast(c.Tensor(1), DType.Int64);
        Value most = c.Emit("ReduceMax", [lengths], ("keepdims", 0));
        Value steps = c.Emit("Range", [c.Interpreter.ScalarValue(0L, ScalarKind.Int), most, c.Interpreter.ScalarValue(1L, ScalarKind.Int)]);
        Value has = c.Cast(c.Emit("Less", [c.Unsqueeze(steps, 1), lengths]), DType.Int64);
        return new TorchTuple([new TorchPacked(x, lengths), TorchCall.Box(c.Emit("ReduceSum", [has, c.IntTensor(1)], ("keepdims", 0)))]);
    }

    /// <summary>(data, batch_sizes, batch_first, padding_value, total_length) -> (padded, lengths)</summary>
    [Torch("_pad_packed_sequence")]
    private static object? Unpack(TorchCall c)
    {
        if (c.Arg(0) is not TorchPacked packed) throw c.Error($"argument 0 is {TorchInterpreter.Describe(c.Arg(0))}, expected a packed sequence");
        Value x = c.Builder.Local(packed.Padded), lengths = c.Builder.Local(packed.Lengths);
        object? total = c.Arg(4) is null or -1L ? new TorchScalar(c.Emit("ReduceMax", [lengths], ("keepdims", 0)), ScalarKind.Int) : c.Interpreter.ToScalar(c.Arg(4), ScalarKind.Int);
        if (total is long wanted && x.Shape[0] >= 0 && wanted > x.Shape[0]) x = c.Emit("Pad", [x, c.IntTensor(0, 0, 0, wanted - x.Shape[0], 0, 0)]);
        else if (total is not long known || known != x.Shape[0]) x = c.Emit("Slice", [x, c.IntTensor(0), c.SizeTensor([total]), c.IntTensor(0)]);
        if (c.Number(3, 0) is var padding and not 0)
        {
            Value length = c.Emit("Reshape", [c.Emit("Shape", [x], ("start", 0), ("end", 1)), c.Builder.Constant("scalar", new Tensor(DType.Int64, new Shape(0)))]);
            Value steps = c.Emit("Range", [c.Interpreter.ScalarValue(0L, ScalarKind.Int), length, c.Interpreter.ScalarValue(1L, ScalarKind.Int)]);
            Value has = c.Unsqueeze(c.Emit("Less", [c.Unsqueeze(steps, 1), lengths]), 2);
            x = c.Emit("Where", [has, x, c.Scalar(x.DType, padding)]);
        }
        return new TorchTuple([TorchCall.Box(c.Bool(2, false) ? c.Transpose(x, 1, 0, 2) : x), TorchCall.Box(lengths)]);
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

    /// <summary>One step. In the body of a loop it is written out, so that the pass over recurrent loops can find the layer.</summary>
    private static Value[] Cell(TorchCall c, string opType, int[] gates, Value[] state, string? activation = null)
    {
        Value w = c.Tensor(2), r = c.Tensor(3);
        long hidden = r.Shape[1];
        if (c.Builder.Parent != null) return [.. WrittenOut(c, opType, state, activation).Select(v => c.Unsqueeze(v, 0))];
        Value[] own = c.IsNone(4) ? [w, r] : [w, r, c.Tensor(4), c.Tensor(5)];
        Value? b = own.Length == 4 ? Biases(c, gates, hidden, own, 1, "b") : null;
        var attributes = new List<(string, Ops.AttributeValue)> { ("hidden_size", hidden) };
        if (opType == "GRU") attributes.Add(("linear_before_reset", 1));
        if (activation != null) attributes.Add(("activations", (string[])[activation]));
        Value?[] inputs = [c.Unsqueeze(c.Tensor(0), 0), Stack(c, gates, hidden, [w], "w"), Stack(c, gates, hidden, [r], "r"), b, null, .. state.Select(s => c.Unsqueeze(s, 0))];
        return c.EmitMany(opType, 1 + state.Length, inputs, [.. attributes])[1..];
    }

    private static Value[] WrittenOut(TorchCall c, string opType, Value[] state, string? activation)
    {
        Value Dense(Value x, int weight, int bias)
        {
            Value y = c.Emit("MatMul", [x, c.Transpose(c.Tensor(weight), 1, 0)]);
            return c.IsNone(bias) ? y : c.Emit("Add", [y, c.Tensor(bias)]);
        }
        Value[] Parts(Value x, int n) => c.EmitMany("Split", n, [x], ("axis", 1), ("num_outputs", n));
        Value input = Dense(c.Tensor(0), 2, 4), recurrent = Dense(state[0], 3, 5);
        switch (opType)
        {
            case "LSTM":
            {
                Value[] g = Parts(c.Emit("Add", [input, recurrent]), 4);
                Value next = c.Emit("Add", [c.Emit("Mul", [c.Emit("Sigmoid", [g[1]]), state[1]]), c.Emit("Mul", [c.Emit("Sigmoid", [g[0]]), c.Emit("Tanh", [g[2]])])]);
                return [c.Emit("Mul", [c.Emit("Sigmoid", [g[3]]), c.Emit("Tanh", [next])]), next];
            }
            case "GRU":
            {
                Value[] a = Parts(input, 3), b = Parts(recurrent, 3);
                Value reset = c.Emit("Sigmoid", [c.Emit("Add", [a[0], b[0]])]), update = c.Emit("Sigmoid", [c.Emit("Add", [a[1], b[1]])]);
                Value proposed = c.Emit("Tanh", [c.Emit("Add", [a[2], c.Emit("Mul", [reset, b[2]])])]);
                return [c.Emit("Add", [proposed, c.Emit("Mul", [update, c.Emit("Sub", [state[0], proposed])])])];
            }
            default: return [c.Emit(activation!, [c.Emit("Add", [input, recurrent])])];
        }
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
